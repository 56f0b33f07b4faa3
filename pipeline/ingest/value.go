package ingest

import (
	"errors"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
)

// refusal is a value that a column does not take: the rule, the text, and the position of the column of the export,
// -1 where it comes from none.
type refusal struct {
	rule *transform.Error
	text []byte
	src  int
}

var (
	errMissing = &transform.Error{Rule: "missing_value", Message: "is empty, but every row needs it",
		Next: "fill it in the source, or give the column a default in the mapping"}
	errNotListed = &transform.Error{Rule: "not_in_list", Message: "is not in the map or list of the column",
		Next: "add it to the map of the column, or say by else what is meant by every other text"}
)

// fill appends the column's value for a record to v: exactly one row where it answers nil, none otherwise.
// unmapped is the text that the column's map does not know, where that is worth counting.
func (c *column) fill(rec *record, n *nulls, v *contract.Vector) (refused *refusal, unmapped []byte) {
	if c.constant != nil {
		appendValue(v, c.constant)
		return nil, nil
	}
	var (
		text   []byte
		isNull bool
		src    int
	)
	if c.isPlain {
		src = c.src[0]
		text = rec.field(src)
		isNull = n.has(text)
	} else {
		var err error
		if text, isNull, src, err = c.text(rec, n); err != nil {
			return c.refuse(err, text, src), nil
		}
	}
	if isNull {
		return c.fillNull(v, src)
	}
	if c.lookup != nil {
		return c.fillLookup(v, text, src)
	}
	if c.typ == contract.String {
		appendText(v, c.prefix, text)
		return nil, nil
	}
	if err := c.parse.append(v, text); err != nil {
		return c.refuse(err, text, src), nil
	}
	return nil, nil
}

func (c *column) refuse(err error, text []byte, src int) *refusal {
	var rule *transform.Error
	if !errors.As(err, &rule) {
		rule = &transform.Error{Rule: "bad_value", Message: err.Error(), Next: "correct it in the source"}
	}
	return &refusal{rule: rule, text: text, src: src}
}

// fillNull appends what stands for null.
func (c *column) fillNull(v *contract.Vector, src int) (*refusal, []byte) {
	switch {
	case c.byNull != nil:
		appendValue(v, c.byNull)
		if c.fallsBack {
			return nil, []byte{}
		}
	case c.required:
		return &refusal{rule: errMissing, src: src}, nil
	default:
		v.AppendNull()
	}
	return nil, nil
}

// fillLookup appends the value that map or list give for a text.
func (c *column) fillLookup(v *contract.Vector, text []byte, src int) (refused *refusal, unmapped []byte) {
	trimmed := transform.Trim(text)
	if value := c.lookup.find(trimmed); value != nil {
		appendValue(v, value)
		return nil, nil
	}
	switch {
	case c.lookup.keeps:
		appendText(v, nil, text)
	case c.lookup.other != nil:
		appendValue(v, c.lookup.other)
	default:
		return &refusal{rule: errNotListed, text: text, src: src}, nil
	}
	if c.lookup.counts {
		return nil, trimmed
	}
	return nil, nil
}

// text returns the text of the column in a record, after its transforms, and the column of the export that it came
// from. Where err is not nil, text is what was refused.
func (c *column) text(rec *record, n *nulls) (text []byte, isNull bool, src int, err error) {
	src = -1
	if len(c.src) > 0 {
		src = c.src[0]
	}
	switch {
	case c.isFixed:
		text, isNull = c.fixed, c.fixed == nil
	case c.absent || len(c.src) == 0:
		isNull = true
	case c.joins == joinAll:
		text, isNull = c.join(rec, n)
	case c.joins == joinKey && len(c.src) > 1:
		return c.compose(rec, n)
	default:
		isNull = true
		for _, i := range c.src {
			if field := rec.field(i); !n.has(field) {
				text, isNull, src = field, false, i
				break
			}
		}
	}
	if isNull || len(c.steps) == 0 {
		return text, isNull, src, nil
	}
	out, isNull, err := c.transformed(text, n)
	if err != nil {
		return text, false, src, err
	}
	return out, isNull, src, nil
}

// transformed takes a text through the steps. A text of which nothing is left, or a null value, is null.
func (c *column) transformed(text []byte, n *nulls) (out []byte, isNull bool, err error) {
	for _, s := range c.steps {
		var ok bool
		if text, ok, err = s(text); err != nil || !ok {
			return nil, !ok, err
		}
	}
	return text, len(text) == 0 || n.has(text), nil
}

// join puts the texts that are not null behind each other.
func (c *column) join(rec *record, n *nulls) (text []byte, isNull bool) {
	c.buffer = c.buffer[:0]
	isNull = true
	for _, i := range c.src {
		field := rec.field(i)
		if n.has(field) {
			continue
		}
		if !isNull {
			c.buffer = append(c.buffer, c.sep...)
		}
		c.buffer = append(c.buffer, field...)
		isNull = false
	}
	return c.buffer, isNull
}

// compose makes the id of a key of several parts, which is null where one of them is.
func (c *column) compose(rec *record, n *nulls) (text []byte, isNull bool, src int, err error) {
	c.buffer = c.buffer[:0]
	for k, i := range c.src {
		field := rec.field(i)
		if n.has(field) {
			return nil, true, i, nil
		}
		part := field
		if len(c.steps) > 0 {
			if part, isNull, err = c.transformed(field, n); err != nil || isNull {
				return field, isNull, i, err
			}
		}
		if k > 0 {
			c.buffer = append(c.buffer, '|')
		}
		for _, b := range part {
			if b == '|' || b == '\\' {
				c.buffer = append(c.buffer, '\\')
			}
			c.buffer = append(c.buffer, b)
		}
	}
	return c.buffer, false, c.src[0], nil
}

// appendText appends prefix and text as one text.
func appendText(v *contract.Vector, prefix, text []byte) {
	if len(prefix) > 0 {
		v.Data = append(v.Data, prefix...)
	}
	v.AppendBytes(text)
}

// appendValue appends a value that is known beforehand.
func appendValue(v *contract.Vector, x *transform.Value) {
	switch v.Type {
	case contract.Bool:
		v.AppendBool(x.Bool)
	case contract.Int64, contract.Decimal, contract.Date, contract.Timestamp:
		v.AppendInt(x.Int)
	case contract.Float64:
		v.AppendFloat(x.Float)
	default:
		v.Data = append(v.Data, x.Text...)
		v.AppendBytes(nil)
	}
}

// parser reads texts as values of one type.
type parser struct {
	name    preset.TransformName
	numbers transform.Numbers
	digits  int
	words   transform.Words
	layouts transform.Layouts
	zone    *transform.Zone
	json    []byte
}

// newParser returns the parser of the typed transform among ts, or the strict default of the type.
func newParser(typ contract.Type, ts []preset.Transform, zone *transform.Zone) (parser, error) {
	p := parser{zone: zone}
	for i := range ts {
		t := &ts[i]
		fills, ok := t.Name.Fills()
		if !ok || fills == 0 {
			continue
		}
		p.name, p.digits = t.Name, t.Digits
		p.numbers = transform.Numbers{Point: t.Point, Group: t.Group}
		p.words = transform.Words{True: t.True, False: t.False}
		var err error
		if p.layouts, err = transform.CompileLayouts(t.Layouts); err != nil {
			return p, err
		}
	}
	if len(p.layouts) == 0 {
		switch typ {
		case contract.Date:
			p.layouts = transform.DefaultDates()
		case contract.Timestamp:
			p.layouts = transform.DefaultTimes()
		}
	}
	return p, nil
}

// append parses b and appends it to v, or appends nothing and says why.
func (p *parser) append(v *contract.Vector, b []byte) (err error) {
	var i int64
	switch v.Type {
	case contract.Bool:
		var x bool
		if x, err = p.words.Parse(b); err == nil {
			v.AppendBool(x)
		}
		return err
	case contract.Float64:
		var x float64
		if p.name == preset.Pct {
			x, err = p.numbers.Percent(b)
		} else {
			x, err = p.numbers.Float(b)
		}
		if err == nil {
			v.AppendFloat(x)
		}
		return err
	case contract.JSON:
		if p.json, err = transform.AppendJSON(p.json[:0], b); err == nil {
			v.AppendBytes(p.json)
		}
		return err
	case contract.Decimal:
		if p.name == preset.MinorUnits {
			i, err = p.numbers.MinorUnits(b, p.digits)
		} else {
			i, err = p.numbers.Decimal(b)
		}
	case contract.Int64:
		i, err = p.numbers.Int(b)
	case contract.Date:
		i, err = p.layouts.Date(b, p.zone)
	case contract.Timestamp:
		i, err = p.layouts.Timestamp(b, p.zone)
	}
	if err == nil {
		v.AppendInt(i)
	}
	return err
}
