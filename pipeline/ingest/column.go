package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
)

// column fills one column of a table.
type column struct {
	at       int
	name     string // table.column
	typ      contract.Type
	required bool

	// The text comes from fixed where it is the same for all records, else from the first of the columns src that is
	// not null, or from parts, each of which is again the first of some columns. Negative positions are values of unit.
	fixed   []byte
	isFixed bool
	src     []int
	parts   [][]int
	unit    *units
	joins   joining
	sep     []byte
	prefix  []byte // "<source>:<object>:" of native keys and references
	steps   []step
	// refs are the references of a column that holds several.
	refs []reference
	// isPlain is set where the text is that of one column as it is, which most are.
	isPlain bool
	// typed counts the values that had a form to keep.
	typed int64

	// onType and onValue are the reactions of the contract.
	onType, onValue preset.Reaction

	// The value comes from constant, or by lookup where there is a map or closed list, or else by parse.
	constant *transform.Value
	lookup   *lookup
	parse    parser
	// byNull takes the place of null; fallsBack is set where that is the list's unknown, which is counted.
	byNull    *transform.Value
	fallsBack bool

	// buffer holds texts made of several.
	buffer []byte
}

// joining says how the texts of several columns become one.
type joining uint8

const (
	joinFirst joining = iota // the first that is not null
	joinAll                  // all that are not null, with sep between them
	joinKey                  // all, escaped, null where one of them is
	joinRefs                 // the references that are not null, one a line
)

// reference is one of several references of a column, or as many as its cell holds between the signs sep.
type reference struct {
	prefix []byte
	src    []int
	sep    []byte
	steps  []step
}

// lookup takes texts to values.
type lookup struct {
	values map[string]*transform.Value
	// few holds the same where there are so few that comparing is faster than hashing.
	few []listed
	// other is the value of every other text, nil where it is refused, or kept as it is where keeps is set.
	other *transform.Value
	keeps bool
	// counts is set where texts that are not in values are worth a warning.
	counts bool
	// patterns give a value to texts that are not in values.
	patterns []pattern
}

// pattern is a value for the texts in which a regular expression finds a place.
type pattern struct {
	re    *regexp.Regexp
	value transform.Value
}

// listed is one text and its value.
type listed struct {
	text  string
	value *transform.Value
}

const fewTexts = 12

func (l *lookup) add(text string, v transform.Value) {
	l.values[text] = &v
}

// find returns the value of a text, nil where there is none.
func (l *lookup) find(text []byte) *transform.Value {
	if l.few == nil {
		if v := l.values[string(text)]; v != nil {
			return v
		}
	}
	for i := range l.few {
		if l.few[i].text == string(text) {
			return l.few[i].value
		}
	}
	for i := range l.patterns {
		if l.patterns[i].re.Match(text) {
			return &l.patterns[i].value
		}
	}
	return nil
}

// step takes text to text; ok is false where nothing is left. The result is valid until the next call.
type step func(b []byte) (out []byte, ok bool, err error)

func (b *binder) column(table *preset.Table, t *contract.Table, m *preset.Column) (column, error) {
	c := column{at: t.Index(m.Name), name: t.Name + "." + m.Name, unit: b.unit}
	if c.at < 0 {
		return c, fmt.Errorf("the table has no such column")
	}
	declared := t.Columns[c.at]
	c.typ, c.required = declared.Type, !declared.Nullable
	general := &b.file.obj.Contract
	c.onType = cmp.Or(m.Types, table.Types, general.Types, preset.DiscardValue)
	c.onValue = cmp.Or(m.Values, table.Values, general.Values, preset.Unknown)
	if m.Const != nil {
		v, err := transform.Canonical(c.typ, *m.Const)
		c.constant = &v
		return c, err
	}
	if err := b.origin(&c, m); err != nil {
		return c, err
	}
	if err := c.lookupOf(m, declared); err != nil {
		return c, err
	}
	if err := c.nullValue(m, declared); err != nil {
		return c, err
	}
	var err error
	c.parse, err = newParser(c.typ, m.Transforms, b.zone)
	return c, err
}

// origins returns the columns that the text comes from: for each part, the alternatives.
func (c *column) origins() [][]int {
	out := append([][]int{c.src}, c.parts...)
	for i := range c.refs {
		out = append(out, c.refs[i].src)
	}
	return out
}

// origin says where the text comes from and what is done to it.
func (b *binder) origin(c *column, m *preset.Column) error {
	if m.References != nil {
		return b.references(c, m)
	}
	concat, isConcat := m.Transform(preset.Concat)
	switch {
	case isConcat:
		c.joins, c.sep = joinAll, []byte(concat.Sep)
	case len(m.From) > 1:
		c.joins = joinKey
	}
	for _, names := range m.From {
		if found := b.find(names); c.joins == joinFirst {
			c.src = found
		} else {
			c.parts = append(c.parts, found)
		}
	}
	if object := m.Key + m.Resolve; object != "" {
		c.prefix = b.prefix(m.Source, object)
	}
	for i := range m.Transforms {
		t := &m.Transforms[i]
		if t.Name == preset.FromFilename {
			if err := b.fromFilename(c, m, t.Pattern); err != nil {
				return err
			}
		}
	}
	var err error
	if c.steps, err = b.newSteps(m.Transforms, c.required); err != nil {
		return err
	}
	c.isPlain = len(c.src) == 1 && c.src[0] >= 0 && len(c.steps) == 0
	return nil
}

// references compiles a column of several references.
func (b *binder) references(c *column, m *preset.Column) error {
	c.joins = joinRefs
	for i := range m.References {
		ref := &m.References[i]
		steps, err := b.newSteps(ref.Transforms, false)
		if err != nil {
			return err
		}
		prefix := b.prefix(ref.Source, ref.IDType)
		if ref.Key != "" {
			prefix = append(prefix, b.prefix(ref.Source, ref.Key)...)
		}
		c.refs = append(c.refs, reference{prefix: prefix, src: b.find(ref.From), sep: []byte(ref.Sep), steps: steps})
	}
	return nil
}

// prefix returns what native keys of an object, and references of a kind, begin with.
func (b *binder) prefix(source, object string) []byte {
	return []byte(cmp.Or(source, b.file.opt.Source) + ":" + object + ":")
}

// newSteps returns the text transforms among ts.
func (b *binder) newSteps(ts []preset.Transform, required bool) ([]step, error) {
	var out []step
	for i := range ts {
		s, err := b.newStep(&ts[i], required)
		if err != nil {
			return nil, err
		}
		if s != nil {
			out = append(out, s)
		}
	}
	return out, nil
}

// fromFilename takes the text from the name of the file, which must match where every row needs it.
func (b *binder) fromFilename(c *column, m *preset.Column, pattern string) error {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("compile pattern: %w", err)
	}
	c.isFixed = true
	name := path.Base(b.file.path)
	if match := re.FindStringSubmatch(name); len(match) > 1 {
		c.fixed = []byte(match[1])
		return nil
	}
	if c.required && m.Default == nil {
		return &FileError{Rule: RuleFileName, Message: fmt.Sprintf("its name does not match %q, from which %s comes", pattern, c.name),
			NextStep: "rename the file, or correct the pattern in the mapping"}
	}
	return nil
}

// newStep returns the text transform t of a column that every row needs or not; nil for those that are no step.
func (b *binder) newStep(t *preset.Transform, required bool) (step, error) {
	var buf []byte
	appender := func(do func(dst, b []byte) ([]byte, error)) step {
		return func(b []byte) ([]byte, bool, error) {
			var err error
			buf, err = do(buf[:0], b)
			return buf, true, err
		}
	}
	switch t.Name {
	case preset.Trim:
		return func(b []byte) ([]byte, bool, error) { return transform.Trim(b), true, nil }, nil
	case preset.Lower:
		return appender(func(dst, b []byte) ([]byte, error) { return transform.AppendLower(dst, b), nil }), nil
	case preset.Upper:
		return appender(func(dst, b []byte) ([]byte, error) { return transform.AppendUpper(dst, b), nil }), nil
	case preset.ID18:
		return appender(transform.AppendID18), nil
	case preset.HMACEmail:
		if len(b.file.opt.EmailKey) == 0 {
			if required {
				return nil, fmt.Errorf("hmac_email needs a key, and none is configured: set people.email_key_env and the variable that it names")
			}
			// Without a key no address is kept in any form.
			b.file.note("e-mail addresses are left out, since no key to hash them with is configured")
			return func([]byte) ([]byte, bool, error) { return nil, false, nil }, nil
		}
		return appender(transform.NewEmailHasher(b.file.opt.EmailKey).Append), nil
	case preset.Domain:
		return appender(func(dst, b []byte) ([]byte, error) {
			domain, err := transform.Domain(b)
			return append(dst, domain...), err
		}), nil
	case preset.Split:
		sep, index := []byte(t.Sep), t.Index
		return func(b []byte) ([]byte, bool, error) {
			part, ok := transform.Split(b, sep, index)
			return part, ok, nil
		}, nil
	case preset.Regex:
		re, err := regexp.Compile(t.Pattern)
		if err != nil {
			return nil, fmt.Errorf("compile pattern: %w", err)
		}
		return func(b []byte) ([]byte, bool, error) {
			group, ok := transform.Group(re, b)
			return group, ok, nil
		}, nil
	case preset.StripPrefix:
		prefix := []byte(t.Prefix)
		return func(b []byte) ([]byte, bool, error) { return transform.StripPrefix(b, prefix), true, nil }, nil
	case preset.Replace:
		re, err := regexp.Compile(t.Pattern)
		if err != nil {
			return nil, fmt.Errorf("compile pattern: %w", err)
		}
		with := []byte(t.With)
		return appender(func(dst, b []byte) ([]byte, error) { return transform.AppendReplaced(dst, b, re, with), nil }), nil
	case preset.Shift:
		digits := t.Digits
		return appender(func(dst, b []byte) ([]byte, error) { return transform.AppendShifted(dst, b, digits) }), nil
	case preset.SHA1:
		return appender(func(dst, b []byte) ([]byte, error) { return transform.AppendSHA1(dst, b), nil }), nil
	case preset.NullIf:
		texts := t.Texts
		return func(b []byte) ([]byte, bool, error) { return b, !transform.IsOneOf(b, texts), nil }, nil
	}
	return nil, nil
}

// lookupOf compiles map and else, or the closed list of the column where there is no map.
func (c *column) lookupOf(m *preset.Column, declared contract.Column) error {
	isMapped := m.Map != nil || m.Match != nil
	if !isMapped && len(declared.Enum) == 0 {
		return nil
	}
	l := &lookup{values: make(map[string]*transform.Value), keeps: len(declared.Enum) == 0 && c.typ == contract.String}
	for _, text := range slices.Sorted(maps.Keys(m.Map)) {
		v, err := transform.Canonical(c.typ, m.Map[text])
		if err != nil {
			return fmt.Errorf("map %q: %w", text, err)
		}
		l.add(text, v)
	}
	if !isMapped {
		for _, v := range declared.Enum {
			l.add(v, transform.Value{Text: v})
		}
	}
	if len(l.values) <= fewTexts {
		for _, text := range slices.Sorted(maps.Keys(l.values)) {
			l.few = append(l.few, listed{text, l.values[text]})
		}
	}
	for _, p := range m.Match {
		re, err := regexp.Compile(p.Matches)
		if err != nil {
			return fmt.Errorf("compile pattern: %w", err)
		}
		v, err := transform.Canonical(c.typ, p.To)
		if err != nil {
			return fmt.Errorf("match %q: %w", p.Matches, err)
		}
		l.patterns = append(l.patterns, pattern{re, v})
	}
	c.lookup = l
	if m.Else != nil {
		v, err := transform.Canonical(c.typ, *m.Else)
		l.other, l.keeps = &v, false
		return err
	}
	if v, ok := preset.Fallback(declared.Enum); ok {
		l.other = &transform.Value{Text: v}
	}
	l.counts = l.keeps || l.other != nil
	return nil
}

// nullValue decides what stands in place of null.
func (c *column) nullValue(m *preset.Column, declared contract.Column) error {
	switch {
	case m.Default != nil:
		v, err := transform.Canonical(c.typ, *m.Default)
		c.byNull = &v
		return err
	case m.Else != nil:
		c.byNull = c.lookup.other
	case c.required && c.lookup != nil && c.lookup.other != nil:
		c.byNull, c.fallsBack = c.lookup.other, true
	}
	return nil
}
