package warehouse

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// Metadata keys of Arrow schemas that Insert understands. On the schema: comment (one sentence, what a row
// is), grain and key (columns, comma-separated); on a field: comment (the column's meaning).
const (
	MetaComment = "comment"
	MetaGrain   = "grain"
	MetaKey     = "key"
)

// arrowType returns the Arrow type that carries a SQL type.
func arrowType(t Type) (arrow.DataType, bool) {
	switch t {
	case Boolean:
		return arrow.FixedWidthTypes.Boolean, true
	case Integer:
		return arrow.PrimitiveTypes.Int32, true
	case BigInt:
		return arrow.PrimitiveTypes.Int64, true
	case Double:
		return arrow.PrimitiveTypes.Float64, true
	case Varchar:
		return arrow.BinaryTypes.String, true
	case Date:
		return arrow.FixedWidthTypes.Date32, true
	case Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond}, true
	}
	if width, scale, ok := t.decimal(); ok {
		return &arrow.Decimal128Type{Precision: int32(width), Scale: int32(scale)}, true
	}
	return nil, false
}

// sqlType returns the SQL type that an Arrow type becomes.
func sqlType(t arrow.DataType) (Type, bool) {
	switch t := t.(type) {
	case *arrow.BooleanType:
		return Boolean, true
	case *arrow.Int32Type:
		return Integer, true
	case *arrow.Int64Type:
		return BigInt, true
	case *arrow.Float64Type:
		return Double, true
	case *arrow.StringType:
		return Varchar, true
	case *arrow.Date32Type:
		return Date, true
	case *arrow.TimestampType:
		return Timestamp, t.Unit == arrow.Microsecond && t.TimeZone == ""
	case *arrow.Decimal128Type:
		return Decimal(int(t.Precision), int(t.Scale)), true
	}
	return "", false
}

// TypeError says that a column's type cannot travel as Arrow.
type TypeError struct {
	Column string
	Type   string
}

// Error names the column, its type and the remedy.
func (e *TypeError) Error() string {
	return fmt.Sprintf("column %s has type %s, which does not travel as Arrow; cast it to BOOLEAN, INTEGER, BIGINT, DOUBLE, VARCHAR, DATE, TIMESTAMP or DECIMAL", e.Column, e.Type)
}

// schemaOf returns the Arrow schema of a result.
func schemaOf(columns []resultColumn) (*arrow.Schema, error) {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		t, ok := arrowType(c.Type)
		if !ok {
			return nil, &TypeError{c.Name, string(c.Type)}
		}
		fields[i] = arrow.Field{Name: c.Name, Type: t, Nullable: true}
	}
	return arrow.NewSchema(fields, nil), nil
}

// columnsOf returns the declared columns of a table that is made from an Arrow schema.
func columnsOf(schema *arrow.Schema) ([]Column, error) {
	columns := make([]Column, schema.NumFields())
	for i, f := range schema.Fields() {
		t, ok := sqlType(f.Type)
		if !ok {
			return nil, &TypeError{f.Name, f.Type.String()}
		}
		if !declaredName.MatchString(f.Name) {
			return nil, fmt.Errorf("column name %q: want lower case letters, digits and _", f.Name)
		}
		columns[i] = Column{Name: f.Name, Type: t}
		columns[i].Meaning, _ = f.Metadata.GetValue(MetaComment)
	}
	return columns, nil
}
