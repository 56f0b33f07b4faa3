package ingest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetShow appends the text of a value that is not null.
type parquetShow func(dst []byte, v parquet.Value) ([]byte, error)

// parquetText returns how the values of a type are written, and whether JSON writes them in quotes. Decimals and times
// are exact.
func parquetText(t parquet.Type) (show func([]byte, parquet.Value) ([]byte, error), isText bool) {
	if logical := t.LogicalType(); logical != nil {
		if show, isText := logicalText(t, logical); show != nil {
			return show, isText
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return func(dst []byte, v parquet.Value) ([]byte, error) { return strconv.AppendBool(dst, v.Boolean()), nil }, false
	case parquet.Int32:
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			return strconv.AppendInt(dst, int64(v.Int32()), 10), nil
		}, false
	case parquet.Int64:
		return func(dst []byte, v parquet.Value) ([]byte, error) { return strconv.AppendInt(dst, v.Int64(), 10), nil }, false
	case parquet.Float:
		return func(dst []byte, v parquet.Value) ([]byte, error) { return appendFloat(dst, float64(v.Float()), 32) }, false
	case parquet.Double:
		return func(dst []byte, v parquet.Value) ([]byte, error) { return appendFloat(dst, v.Double(), 64) }, false
	case parquet.Int96:
		return appendInt96, true
	}
	return func(dst []byte, v parquet.Value) ([]byte, error) { return append(dst, v.ByteArray()...), nil }, true
}

// logicalText returns how the values of a logical type are written, nil for those that are written as they are stored.
func logicalText(t parquet.Type, logical *format.LogicalType) (show parquetShow, isText bool) {
	switch l := logical.Value.(type) {
	case *format.DecimalType:
		return decimalText(t, int(l.Scale)), false
	case *format.DateType:
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			return appendTime(dst, time.Unix(int64(v.Int32())*86_400, 0), time.DateOnly)
		}, true
	case *format.TimestampType:
		layout := "2006-01-02T15:04:05.999999999"
		if l.IsAdjustedToUTC {
			layout += "Z"
		}
		unit := l.Unit.Value
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			return appendTime(dst, instant(v.Int64(), unit), layout)
		}, true
	case *format.TimeType:
		unit := l.Unit.Value
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			n := v.Int64()
			if v.Kind() == parquet.Int32 {
				n = int64(v.Int32())
			}
			return appendTime(dst, instant(n, unit), "15:04:05.999999999")
		}, true
	case *format.IntType:
		if l.IsSigned {
			return nil, false
		}
		return func(dst []byte, v parquet.Value) ([]byte, error) {
			if v.Kind() == parquet.Int32 {
				return strconv.AppendUint(dst, uint64(v.Uint32()), 10), nil
			}
			return strconv.AppendUint(dst, v.Uint64(), 10), nil
		}, false
	case *format.UUIDType:
		return appendUUID, true
	case *format.JsonType:
		return func(dst []byte, v parquet.Value) ([]byte, error) { return append(dst, v.ByteArray()...), nil }, false
	}
	return nil, false
}

// instant is a number of units since 1970.
func instant(n int64, unit format.TimeUnitValue) time.Time {
	switch unit.(type) {
	case *format.MilliSeconds:
		return time.UnixMilli(n)
	case *format.NanoSeconds:
		return time.Unix(0, n)
	}
	return time.UnixMicro(n)
}

func appendTime(dst []byte, t time.Time, layout string) ([]byte, error) {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return dst, fmt.Errorf("the year %d", t.Year())
	}
	return t.AppendFormat(dst, layout), nil
}

// appendInt96 appends a time as old writers store it: nanoseconds of a Julian day. It tells no zone.
func appendInt96(dst []byte, v parquet.Value) ([]byte, error) {
	const julian1970 = 2_440_588
	x := v.Int96()
	nanos, day := int64(x[0])|int64(x[1])<<32, int64(x[2])
	if nanos < 0 || nanos >= int64(24*time.Hour) {
		return dst, fmt.Errorf("%d nanoseconds of a day", nanos)
	}
	return appendTime(dst, time.Unix((day-julian1970)*86_400, nanos), "2006-01-02T15:04:05.999999999")
}

// appendFloat appends the shortest text that reads as the same number.
func appendFloat(dst []byte, x float64, bits int) ([]byte, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return dst, fmt.Errorf("%v is no number", x)
	}
	return strconv.AppendFloat(dst, x, 'f', -1, bits), nil
}

// appendHalf appends a number of two bytes: a sign, five bits of exponent and ten of fraction (IEEE 754 binary16).
func appendHalf(dst []byte, v parquet.Value) ([]byte, error) {
	b := v.ByteArray()
	if len(b) != 2 {
		return dst, fmt.Errorf("a number of %d bytes", len(b))
	}
	bits := binary.LittleEndian.Uint16(b)
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	var x float64
	switch exponent {
	case 31:
		return dst, fmt.Errorf("%#04x is no number", bits)
	case 0:
		x = math.Ldexp(fraction, -24)
	default:
		x = math.Ldexp(1024+fraction, exponent-25)
	}
	if bits>>15 == 1 {
		x = -x
	}
	return appendFloat(dst, x, 32)
}

// decimalText writes unscaled numbers with scale decimals.
func decimalText(t parquet.Type, scale int) parquetShow {
	return func(dst []byte, v parquet.Value) ([]byte, error) {
		switch t.Kind() {
		case parquet.Int32:
			return appendScaled(dst, strconv.FormatInt(int64(v.Int32()), 10), scale), nil
		case parquet.Int64:
			return appendScaled(dst, strconv.FormatInt(v.Int64(), 10), scale), nil
		}
		stored := v.ByteArray()
		n := new(big.Int).SetBytes(stored)
		if len(stored) > 0 && stored[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(stored))))
		}
		return appendScaled(dst, n.String(), scale), nil
	}
}

// appendScaled appends a whole number with its last scale digits behind a point.
func appendScaled(dst []byte, digits string, scale int) []byte {
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	if scale <= 0 {
		return append(dst, digits...)
	}
	for len(digits) <= scale {
		digits = "0" + digits
	}
	whole := len(digits) - scale
	return append(append(append(dst, digits[:whole]...), '.'), digits[whole:]...)
}

func appendUUID(dst []byte, v parquet.Value) ([]byte, error) {
	b := v.ByteArray()
	if len(b) != 16 {
		return dst, fmt.Errorf("an id of %d bytes", len(b))
	}
	return fmt.Appendf(dst, "%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}
