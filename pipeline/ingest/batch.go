package ingest

import (
	"unicode/utf8"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// truncate takes back what was appended to b behind row n. Columns may be of different lengths.
func truncate(b *contract.Batch, n int) {
	for i := range b.Columns {
		if b.Columns[i].Len() > n {
			truncateVector(&b.Columns[i], n)
		}
	}
}

func truncateVector(v *contract.Vector, n int) {
	v.Valid = v.Valid[:n]
	switch v.Type {
	case contract.Bool:
		v.Bools = v.Bools[:n]
	case contract.Int64, contract.Date, contract.Timestamp, contract.Decimal:
		v.Ints = v.Ints[:n]
	case contract.Float64:
		v.Floats = v.Floats[:n]
	default:
		v.Data, v.Offsets = v.Data[:v.Offsets[n]], v.Offsets[:n+1]
	}
}

// compact keeps the rows of b for which keep is set, in their order.
func compact(b *contract.Batch, keep []bool) {
	for i := range b.Columns {
		compactVector(&b.Columns[i], keep)
	}
	compactVector(&b.Extra, keep)
	b.Row = compactSlice(b.Row, keep)
	b.RowHash = compactSlice(b.RowHash, keep)
	b.KeyHash = compactSlice(b.KeyHash, keep)
	b.Deleted = compactSlice(b.Deleted, keep)
}

func compactVector(v *contract.Vector, keep []bool) {
	v.Valid = compactSlice(v.Valid, keep)
	switch v.Type {
	case contract.Bool:
		v.Bools = compactSlice(v.Bools, keep)
	case contract.Int64, contract.Date, contract.Timestamp, contract.Decimal:
		v.Ints = compactSlice(v.Ints, keep)
	case contract.Float64:
		v.Floats = compactSlice(v.Floats, keep)
	default:
		n, end := 0, 0
		for i, k := range keep {
			if !k {
				continue
			}
			from, to := v.Offsets[i], v.Offsets[i+1]
			// Offsets[n] is the end of the rows kept so far; row i is read before its offsets are overwritten.
			end += copy(v.Data[end:], v.Data[from:to])
			n++
			v.Offsets[n] = end
		}
		v.Data, v.Offsets = v.Data[:end], v.Offsets[:n+1]
	}
}

func compactSlice[T any](s []T, keep []bool) []T {
	n := 0
	for i, k := range keep {
		if k {
			s[n] = s[i]
			n++
		}
	}
	return s[:n]
}

const hexDigits = "0123456789abcdef"

// appendJSONText appends UTF-8 text as a JSON string.
func appendJSONText(dst, text []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' || c >= utf8.RuneSelf {
			continue
		}
		dst = append(dst, text[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		from = i + 1
	}
	return append(append(dst, text[from:]...), '"')
}
