package parquetfile

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// encoder turns the buffered rows of one column into the bodies of its pages. Its memory is shared by all
// columns of a writer; what it returns holds until the next call.
type encoder struct {
	dict   dictionary
	body   []byte // data page
	values []byte // dictionary page
	levels []byte
	packed []byte
	ints   []int64
	dates  []int32
}

// encoded is a column chunk before compression.
type encoded struct {
	body     []byte
	encoding format.Encoding
	// values and distinct are the dictionary page; distinct is 0 where there is none.
	values   []byte
	distinct int
	nulls    int
	// low and high bound the values in plain encoding; nil for texts, truth values and fractions.
	low, high []byte
}

// encode encodes the rows of v. The column must be declared nullable where v has nulls.
func (e *encoder) encode(c *contract.Column, v *contract.Vector) (encoded, error) {
	out := encoded{encoding: format.Plain}
	for _, ok := range v.Valid {
		if !ok {
			out.nulls++
		}
	}
	e.body = e.body[:0]
	if c.Nullable {
		if err := e.appendLevels(v.Valid, out.nulls); err != nil {
			return out, err
		}
	} else if out.nulls > 0 {
		return out, fmt.Errorf("column %s: %d nulls in a column that requires values", c.Name, out.nulls)
	}
	var err error
	switch c.Type {
	case contract.Bool:
		e.appendBools(v)
	case contract.Float64:
		for i, ok := range v.Valid {
			if ok {
				e.body = binary.LittleEndian.AppendUint64(e.body, math.Float64bits(v.Floats[i]))
			}
		}
	case contract.Date:
		err = e.appendDates(v, &out)
	case contract.Int64, contract.Timestamp, contract.Decimal:
		err = e.appendInts(v, &out)
	default:
		err = e.appendTexts(v, &out)
	}
	if err != nil {
		return out, fmt.Errorf("column %s: %w", c.Name, err)
	}
	out.body = e.body
	return out, nil
}

// encodeConstant encodes n rows of the one value of v: a dictionary of one and a single run.
func (e *encoder) encodeConstant(v *contract.Vector, n int) encoded {
	e.body = append(e.body[:0], 1) // Bit width: 0 would do, but not every reader takes it.
	e.body = append(binary.AppendUvarint(e.body, uint64(n)<<1), 0)
	out := encoded{encoding: format.RLEDictionary, distinct: 1}
	if v.Offsets != nil {
		e.values = appendText(e.values[:0], v.Bytes(0))
	} else {
		e.values = binary.LittleEndian.AppendUint64(e.values[:0], uint64(v.Ints[0]))
		out.low, out.high = e.values, e.values
	}
	out.body, out.values = e.body, e.values
	return out
}

// appendLevels adds which rows are null: the length of the levels, then runs of 0 (null) and 1.
func (e *encoder) appendLevels(valid []bool, nulls int) error {
	var runs []byte
	switch nulls {
	case 0:
		runs = append(binary.AppendUvarint(e.packed[:0], uint64(len(valid))<<1), 1)
	case len(valid):
		runs = append(binary.AppendUvarint(e.packed[:0], uint64(len(valid))<<1), 0)
	default:
		e.levels = e.levels[:0]
		for _, ok := range valid {
			var level byte
			if ok {
				level = 1
			}
			e.levels = append(e.levels, level)
		}
		var err error
		if runs, err = (&rle.Encoding{BitWidth: 1}).EncodeLevels(e.packed, e.levels); err != nil {
			return fmt.Errorf("encode levels: %w", err)
		}
	}
	e.packed = runs
	e.body = binary.LittleEndian.AppendUint32(e.body, uint32(len(runs)))
	e.body = append(e.body, runs...)
	return nil
}

func (e *encoder) appendBools(v *contract.Vector) {
	var octet byte
	n := 0
	for i, ok := range v.Valid {
		if !ok {
			continue
		}
		if v.Bools[i] {
			octet |= 1 << (n & 7)
		}
		if n++; n&7 == 0 {
			e.body = append(e.body, octet)
			octet = 0
		}
	}
	if n&7 != 0 {
		e.body = append(e.body, octet)
	}
}

// appendInts adds 64-bit integers as deltas, or plain where deltas save next to nothing (hashes).
func (e *encoder) appendInts(v *contract.Vector, out *encoded) error {
	ints := v.Ints
	if out.nulls > 0 {
		e.ints = e.ints[:0]
		for i, ok := range v.Valid {
			if ok {
				e.ints = append(e.ints, v.Ints[i])
			}
		}
		ints = e.ints
	}
	if len(ints) == 0 {
		return nil
	}
	low, high := ints[0], ints[0]
	for _, x := range ints {
		low, high = min(low, x), max(high, x)
	}
	out.low = binary.LittleEndian.AppendUint64(nil, uint64(low))
	out.high = binary.LittleEndian.AppendUint64(nil, uint64(high))
	packed, err := (&delta.BinaryPackedEncoding{}).EncodeInt64(e.packed, ints)
	if err != nil {
		return fmt.Errorf("encode integers: %w", err)
	}
	e.packed = packed
	if deltasPay(len(packed), 8*len(ints)) {
		out.encoding = format.DeltaBinaryPacked
		e.body = append(e.body, packed...)
		return nil
	}
	for _, x := range ints {
		e.body = binary.LittleEndian.AppendUint64(e.body, uint64(x))
	}
	return nil
}

func (e *encoder) appendDates(v *contract.Vector, out *encoded) error {
	e.dates = e.dates[:0]
	for i, ok := range v.Valid {
		if !ok {
			continue
		}
		day := int32(v.Ints[i])
		if int64(day) != v.Ints[i] {
			return fmt.Errorf("day %d is out of range", v.Ints[i])
		}
		e.dates = append(e.dates, day)
	}
	if len(e.dates) == 0 {
		return nil
	}
	low, high := e.dates[0], e.dates[0]
	for _, x := range e.dates {
		low, high = min(low, x), max(high, x)
	}
	out.low = binary.LittleEndian.AppendUint32(nil, uint32(low))
	out.high = binary.LittleEndian.AppendUint32(nil, uint32(high))
	packed, err := (&delta.BinaryPackedEncoding{}).EncodeInt32(e.packed, e.dates)
	if err != nil {
		return fmt.Errorf("encode dates: %w", err)
	}
	e.packed = packed
	if deltasPay(len(packed), 4*len(e.dates)) {
		out.encoding = format.DeltaBinaryPacked
		e.body = append(e.body, packed...)
		return nil
	}
	for _, x := range e.dates {
		e.body = binary.LittleEndian.AppendUint32(e.body, uint32(x))
	}
	return nil
}

func deltasPay(packed, plain int) bool { return packed < plain-plain/16 }

func (e *encoder) appendTexts(v *contract.Vector, out *encoded) error {
	if err := checkUTF8(v); err != nil {
		return err
	}
	if !e.dict.build(v) {
		for i, ok := range v.Valid {
			if ok {
				e.body = appendText(e.body, v.Bytes(i))
			}
		}
		return nil
	}
	if len(e.dict.entries) == 0 {
		return nil
	}
	e.values = e.values[:0]
	for code := range e.dict.entries {
		e.values = appendText(e.values, e.dict.value(v, code))
	}
	packed, err := (&rle.DictionaryEncoding{}).EncodeInt32(e.packed, e.dict.codes)
	if err != nil {
		return fmt.Errorf("encode codes: %w", err)
	}
	e.packed = packed
	if len(e.dict.entries) == 1 {
		packed = append(binary.AppendUvarint(append(packed[:0], 1), uint64(len(e.dict.codes))<<1), 0)
	}
	e.body = append(e.body, packed...)
	out.encoding, out.values, out.distinct = format.RLEDictionary, e.values, len(e.dict.entries)
	return nil
}

func appendText(dst, text []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(text))), text...)
}

// checkUTF8 refuses text that DuckDB could not read back: one such value would close the whole file to it.
func checkUTF8(v *contract.Vector) error {
	if isASCII(v.Data) {
		return nil
	}
	// Where all texts in a row are UTF-8, each of them is, as long as none begins within a character.
	isSound := utf8.Valid(v.Data)
	for i := range v.Valid {
		text := v.Bytes(i)
		if !isSound && !utf8.Valid(text) || len(text) > 0 && !utf8.RuneStart(text[0]) {
			return fmt.Errorf("text %q is not UTF-8", text)
		}
	}
	return nil
}

func isASCII(b []byte) bool {
	const high = 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&high != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
