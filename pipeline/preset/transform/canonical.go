package transform

import "github.com/partnerhealth/partnerhealth/pipeline/contract"

// The layouts in which dates and times are canonical: ISO 8601, with T or a blank between date and time, any
// fraction of a second, and an offset or none.
var (
	dateLayouts = mustCompile("2006-01-02")
	timeLayouts = mustCompile("2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999",
		"2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z0700")
)

func mustCompile(texts ...string) Layouts {
	ls, err := CompileLayouts(texts)
	if err != nil {
		panic(err) // a layout of this package is malformed
	}
	return ls
}

// DefaultDates returns the layouts of a date column for which a mapping declares none: 2006-01-02.
func DefaultDates() Layouts { return dateLayouts }

// DefaultTimes returns the layouts of a timestamp column for which a mapping declares none: ISO 8601 with seconds;
// a value without an offset needs a declared zone.
func DefaultTimes() Layouts { return timeLayouts }

// Value is one typed value; which field holds it is decided by the column's type. Int carries Int64, Date,
// Timestamp and Decimal as contract.Vector does, Text carries String and JSON.
type Value struct {
	Bool  bool
	Int   int64
	Float float64
	Text  string
}

// Canonical parses the text of a value as mappings write constants and defaults, without any options: numbers with
// a decimal point, ISO dates, times with their offset. The error is an *Error.
func Canonical(t contract.Type, text string) (Value, error) {
	var v Value
	var err error
	b := []byte(text)
	switch t {
	case contract.Bool:
		v.Bool, err = (&Words{}).Parse(b)
	case contract.Int64:
		v.Int, err = Numbers{}.Int(b)
	case contract.Float64:
		v.Float, err = Numbers{}.Float(b)
	case contract.Decimal:
		v.Int, err = Numbers{}.Decimal(b)
	case contract.Date:
		v.Int, err = dateLayouts.Date(b, nil)
	case contract.Timestamp:
		v.Int, err = timeLayouts.Timestamp(b, nil)
	case contract.JSON:
		b, err = AppendJSON(nil, b)
		v.Text = string(b)
	default:
		v.Text = text
	}
	return v, err
}
