package warehouse

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Type is the SQL type of a column in DuckDB's spelling, for example DECIMAL(18,4).
type Type string

// The types of tables that the warehouse makes, beside the DECIMALs.
const (
	Boolean   Type = "BOOLEAN"
	Integer   Type = "INTEGER"
	BigInt    Type = "BIGINT"
	Double    Type = "DOUBLE"
	Varchar   Type = "VARCHAR"
	Date      Type = "DATE"
	Timestamp Type = "TIMESTAMP"
)

// Decimal returns the type DECIMAL(width,scale).
func Decimal(width, scale int) Type { return Type(fmt.Sprintf("DECIMAL(%d,%d)", width, scale)) }

var decimalType = regexp.MustCompile(`^DECIMAL\((\d{1,2}),(\d{1,2})\)$`)

// decimal returns width and scale of a DECIMAL.
func (t Type) decimal() (width, scale int, ok bool) {
	m := decimalType.FindStringSubmatch(string(t))
	if m == nil {
		return 0, 0, false
	}
	width, _ = strconv.Atoi(m[1])
	scale, _ = strconv.Atoi(m[2])
	return width, scale, width >= 1 && width <= 38 && scale <= width
}

// Valid reports whether t is one of the types that a table of the warehouse may have.
func (t Type) Valid() bool {
	switch t {
	case Boolean, Integer, BigInt, Double, Varchar, Date, Timestamp:
		return true
	}
	_, _, ok := t.decimal()
	return ok
}

// simpleTypes names the types without parameters.
var simpleTypes = map[mapping.Type]Type{
	mapping.TypeBoolean: Boolean, mapping.TypeInteger: Integer, mapping.TypeBigInt: BigInt,
	mapping.TypeDouble: Double, mapping.TypeVarchar: Varchar, mapping.TypeDate: Date, mapping.TypeTimestamp: Timestamp,
	mapping.TypeTinyInt: "TINYINT", mapping.TypeSmallInt: "SMALLINT", mapping.TypeUTinyInt: "UTINYINT",
	mapping.TypeUSmallInt: "USMALLINT", mapping.TypeUInteger: "UINTEGER", mapping.TypeUBigInt: "UBIGINT",
	mapping.TypeHugeInt: "HUGEINT", mapping.TypeUHugeInt: "UHUGEINT", mapping.TypeFloat: "FLOAT",
	mapping.TypeTimestampS: "TIMESTAMP_S", mapping.TypeTimestampMS: "TIMESTAMP_MS", mapping.TypeTimestampNS: "TIMESTAMP_NS",
	mapping.TypeTimestampTZ: "TIMESTAMP WITH TIME ZONE", mapping.TypeTime: "TIME", mapping.TypeTimeTZ: "TIME WITH TIME ZONE",
	mapping.TypeInterval: "INTERVAL", mapping.TypeBlob: "BLOB", mapping.TypeBit: "BIT", mapping.TypeUUID: "UUID",
	mapping.TypeEnum: "ENUM", mapping.TypeMap: "MAP", mapping.TypeUnion: "UNION", mapping.TypeBigNum: "BIGNUM",
	mapping.TypeSQLNull: `"NULL"`, mapping.TypeInvalid: "UNKNOWN", mapping.TypeTimeNS: "TIME_NS", mapping.TypeGeometry: "GEOMETRY", mapping.TypeVariant: "VARIANT",
}

// readType returns the name of a DuckDB type; the caller destroys t.
func readType(t mapping.LogicalType) Type {
	switch id := mapping.GetTypeId(t); id {
	case mapping.TypeDecimal:
		return Decimal(int(mapping.DecimalWidth(t)), int(mapping.DecimalScale(t)))
	case mapping.TypeList, mapping.TypeArray:
		child, suffix := mapping.LogicalType{}, "[]"
		if id == mapping.TypeArray {
			child, suffix = mapping.ArrayTypeChildType(t), fmt.Sprintf("[%d]", mapping.ArrayTypeArraySize(t))
		} else {
			child = mapping.ListTypeChildType(t)
		}
		defer mapping.DestroyLogicalType(&child)
		return readType(child) + Type(suffix)
	case mapping.TypeStruct:
		fields := make([]string, mapping.StructTypeChildCount(t))
		for i := range fields {
			child := mapping.StructTypeChildType(t, mapping.IdxT(i))
			fields[i] = mapping.StructTypeChildName(t, mapping.IdxT(i)) + " " + string(readType(child))
			mapping.DestroyLogicalType(&child)
		}
		return Type("STRUCT(" + strings.Join(fields, ", ") + ")")
	default:
		if name, ok := simpleTypes[id]; ok {
			return name
		}
		return Type(fmt.Sprintf("TYPE_%d", id))
	}
}
