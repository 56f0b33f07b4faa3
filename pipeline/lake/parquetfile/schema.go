package parquetfile

import (
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

const decimalPrecision = 18

// physicalType returns how values of type t are laid out.
func physicalType(t contract.Type) format.Type {
	switch t {
	case contract.Bool:
		return format.Boolean
	case contract.Date:
		return format.Int32
	case contract.Int64, contract.Timestamp, contract.Decimal:
		return format.Int64
	case contract.Float64:
		return format.Double
	default:
		return format.ByteArray
	}
}

// schemaElements returns the footer's schema: a root called name and its columns, in the order given.
func schemaElements(name string, columns []contract.Column) []format.SchemaElement {
	out := make([]format.SchemaElement, 0, len(columns)+1)
	out = append(out, format.SchemaElement{Name: name, NumChildren: thrift.New(int32(len(columns)))})
	for _, c := range columns {
		e := format.SchemaElement{
			Name:           c.Name,
			Type:           thrift.New(physicalType(c.Type)),
			RepetitionType: thrift.New(format.Required),
		}
		if c.Nullable {
			e.RepetitionType = thrift.New(format.Optional)
		}
		switch c.Type {
		case contract.String, contract.JSON:
			e.LogicalType.Value = &format.StringType{}
			e.ConvertedType = thrift.New(deprecated.UTF8)
		case contract.Date:
			e.LogicalType.Value = &format.DateType{}
			e.ConvertedType = thrift.New(deprecated.Date)
		case contract.Decimal:
			e.LogicalType.Value = &format.DecimalType{Scale: contract.DecimalScale, Precision: decimalPrecision}
			e.ConvertedType = thrift.New(deprecated.Decimal)
			e.Scale, e.Precision = thrift.New(int32(contract.DecimalScale)), thrift.New(int32(decimalPrecision))
		case contract.Timestamp:
			// Not adjusted to UTC, and no converted type, since that would imply it: DuckDB then reads TIMESTAMP.
			e.LogicalType.Value = &format.TimestampType{Unit: format.TimeUnit{Value: &format.MicroSeconds{}}}
		}
		out = append(out, e)
	}
	return out
}
