package ingest

import (
	"bytes"
	"errors"
	"slices"

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
	// reaction is what the contract says: DiscardValue, DiscardRow or Freeze.
	reaction preset.Reaction
	// isFilled is set where the column has got what was left of its value.
	isFilled bool
}

var (
	errMissing = &transform.Error{Rule: "missing_value", Message: "is empty, but every row needs it",
		Next: "fill it in the source, or give the column a default in the mapping"}
	errNotListed = &transform.Error{Rule: "not_in_list", Message: "is not in the map or list of the column",
		Next: "add it to the map of the column, or say by else what is meant by every other text"}
	errCell = &transform.Error{Rule: "error_cell", Message: "is an error in place of a value",
		Next: "correct it in the source: in a workbook, the formula of the cell"}
	errLineBreak = &transform.Error{Rule: "line_break", Message: "holds a line break, which no identifier does",
		Next: "correct it in the source"}
)

// fill appends the column's value for a record to v: exactly one row where it answers nil or a refusal that is filled,
// none otherwise.
// unmapped is the text that the column's map does not know, where that is worth counting.
func (c *column) fill(rec *record, n *nulls, v *contract.Vector) (refused *refusal, unmapped []byte) {
	if c.constant != nil {
		appendValue(v, c.constant)
		return nil, nil
	}
	if len(rec.broken) > 0 {
		if src, ok := c.readsAny(rec.broken); ok {
			return c.refuse(errCell, rec.field(src), src), nil
		}
	}
	var (
		text   []byte
		isNull bool
		src    int
	)
	switch {
	case c.isPlain:
		src = c.src[0]
		text = rec.field(src)
		isNull = n.has(text)
	case c.refs != nil:
		return c.fillReferences(rec, n, v), nil
	default:
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
	c.typed++
	if err := c.parse.append(v, text); err != nil {
		return c.refuse(err, text, src), nil
	}
	return nil, nil
}

// readsAny returns the first of the fields at that the column reads.
func (c *column) readsAny(at []int32) (src int, ok bool) {
	for _, part := range c.origins() {
		for _, i := range part {
			if i >= 0 && slices.Contains(at, int32(i)) {
				return i, true
			}
		}
	}
	return 0, false
}

func (c *column) refuse(err error, text []byte, src int) *refusal {
	var rule *transform.Error
	if !errors.As(err, &rule) {
		rule = &transform.Error{Rule: "bad_value", Message: err.Error(), Next: "correct it in the source"}
	}
	return &refusal{rule: rule, text: text, src: c.column(src), reaction: c.reaction(c.onType)}
}

// reaction is what happens to a value of the column that the contract reacts to: where every row needs it, its row
// is refused with it.
func (c *column) reaction(r preset.Reaction) preset.Reaction {
	switch {
	case r == preset.Freeze || r == preset.DiscardRow:
		return r
	case c.required:
		return preset.DiscardRow
	}
	return preset.DiscardValue
}

// column returns the position of the column of the export, also of a value of the unit at hand.
func (c *column) column(src int) int {
	switch {
	case src <= lowestUnit:
		return -1
	case c.unit != nil && src < 0:
		return c.unit.src
	}
	return src
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
		return &refusal{rule: errMissing, src: c.column(src), reaction: preset.DiscardRow}, nil
	default:
		v.AppendNull()
	}
	return nil, nil
}

// fillLookup appends the value that map or list give for a text.
func (c *column) fillLookup(v *contract.Vector, text []byte, src int) (refused *refusal, unmapped []byte) {
	trimmed := transform.Trim(text)
	isTaken := c.lookup.keeps || c.lookup.other != nil
	if !isTaken {
		c.typed++ // a list that takes nothing else is a form
	}
	if value := c.lookup.find(trimmed); value != nil {
		appendValue(v, value)
		return nil, nil
	}
	if !isTaken || c.lookup.counts && c.onValue != preset.Unknown {
		refused = &refusal{rule: errNotListed, text: text, src: c.column(src), reaction: c.reaction(c.onValue)}
		if c.onValue != preset.Unknown {
			return refused, trimmed
		}
		return refused, nil
	}
	if c.lookup.keeps {
		appendText(v, nil, text)
	} else {
		appendValue(v, c.lookup.other)
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
	case c.joins == joinAll:
		text, isNull = c.join(rec, n)
	case c.joins == joinKey:
		return c.compose(rec, n)
	default:
		var at int
		if text, at, isNull = firstOf(c.src, rec, c.unit, n); !isNull {
			src = at
		}
	}
	if isNull || len(c.steps) == 0 {
		return text, isNull, src, nil
	}
	if c.typ == contract.String {
		c.typed++
	}
	out, isNull, err := transformed(c.steps, text, n)
	if err != nil {
		return text, false, src, err
	}
	return out, isNull, src, nil
}

// transformed takes a text through steps. A text of which nothing is left, or a null value, is null.
func transformed(steps []step, text []byte, n *nulls) (out []byte, isNull bool, err error) {
	for _, s := range steps {
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
	for _, part := range c.parts {
		field, _, partIsNull := firstOf(part, rec, c.unit, n)
		if partIsNull {
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
	for k, alternatives := range c.parts {
		field, at, isNull := firstOf(alternatives, rec, c.unit, n)
		if isNull {
			if at = -1; len(alternatives) > 0 {
				at = alternatives[0]
			}
			return nil, true, at, nil
		}
		part := field
		if len(c.steps) > 0 {
			c.typed++
			if part, isNull, err = transformed(c.steps, field, n); err != nil || isNull {
				return field, isNull, at, err
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
		src = at
	}
	return c.buffer, false, src, nil
}

// fillReferences appends the references of a record that are not null, one a line. One that is refused does not keep
// the others from naming the partner.
func (c *column) fillReferences(rec *record, n *nulls, v *contract.Vector) (refused *refusal) {
	c.buffer = c.buffer[:0]
	src := -1
	for i := range c.refs {
		ref := &c.refs[i]
		cell, at, isNull := firstOf(ref.src, rec, c.unit, n)
		if isNull {
			if src < 0 && len(ref.src) > 0 {
				src = ref.src[0]
			}
			continue
		}
		for more := true; more; {
			part := cell
			if more = false; len(ref.sep) > 0 {
				part, cell, more = bytes.Cut(cell, ref.sep)
				part = transform.Trim(part)
			}
			if err := c.appendReference(ref, part, n); err != nil && refused == nil {
				refused = c.refuse(err, part, at)
			}
		}
	}
	switch {
	case len(c.buffer) == 0 && refused == nil:
		refused, _ = c.fillNull(v, src)
	case len(c.buffer) > 0:
		v.AppendBytes(c.buffer)
		if refused != nil {
			refused.isFilled = true
			if c.onType == preset.DiscardValue {
				refused.reaction = preset.DiscardValue // a row that needs the value has it
			}
		}
	}
	return refused
}

// appendReference appends the reference that an identifier makes, nothing where it is null, to the buffer.
func (c *column) appendReference(ref *reference, id []byte, n *nulls) error {
	if len(ref.steps) > 0 {
		c.typed++
		var isNull bool
		var err error
		if id, isNull, err = transformed(ref.steps, id, n); err != nil || isNull {
			return err
		}
	}
	if len(id) == 0 {
		return nil
	}
	if bytes.IndexByte(id, '\n') >= 0 {
		return errLineBreak
	}
	if len(c.buffer) > 0 {
		c.buffer = append(c.buffer, '\n')
	}
	c.buffer = append(append(c.buffer, ref.prefix...), id...)
	return nil
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
		switch p.name {
		case preset.ISODuration:
			i, err = transform.Duration(b)
		case preset.Hash:
			i = transform.Hash(b)
		default:
			i, err = p.numbers.Int(b)
		}
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
