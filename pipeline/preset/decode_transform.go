package preset

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/partnerhealth/partnerhealth/pipeline/preset/yamltext"
)

// transforms reads a transform's name, a mapping of its name to its options, or a list of these.
func (r *reader) transforms(m member) []Transform {
	items := []member{m}
	if _, ok := r.plain(m.value).(*ast.SequenceNode); ok {
		items = r.items(m.path, m.value)
	}
	var out []Transform
	for _, it := range items {
		name, ok := r.scalar(it.value)
		if ok {
			out = r.transform(out, member{key: name, path: it.path})
			continue
		}
		fields := r.members(it.path, it.value, nil)
		if len(fields) != 1 {
			r.report(it.path, "must be the name of a transform, or one name with its options", "")
			continue
		}
		out = r.transform(out, fields[0])
	}
	return out
}

// transform appends the transform called m.key with the options at m.value, nil for none.
func (r *reader) transform(list []Transform, m member) []Transform {
	t := Transform{Name: TransformName(m.key)}
	if _, ok := t.Name.Fills(); !ok {
		names := make([]string, len(transforms))
		for i, f := range transforms {
			names[i] = string(f.name)
		}
		hint := yamltext.Suggest(m.key, names)
		if hint == "" {
			hint = "known are " + strings.Join(names, ", ")
		}
		r.report(m.path, fmt.Sprintf("unknown transform %q", m.key), hint)
		return list
	}
	if m.value == nil {
		switch t.Name {
		case Split, Concat, FromFilename, MinorUnits, Regex, StripPrefix, NullIf, Replace, Shift:
			r.report(m.path, "needs its options", "for example "+examples[t.Name])
			return list
		}
		return append(list, t)
	}
	r.options(&t, m)
	r.checkOptions(m.path, &t)
	return append(list, t)
}

// examples show transforms that cannot do without options.
var examples = map[TransformName]string{
	Split:        `split: {sep: ";", index: 0}`,
	Concat:       `concat: " "`,
	FromFilename: `from_filename: "^completion-(.+)\.csv$"`,
	MinorUnits:   `minor_units: 2`,
	Regex:        `regex: "user with id '(\d+)'"`,
	StripPrefix:  `strip_prefix: "mailto:"`,
	NullIf:       `null_if: ["0", "-0001-11-30 00:00:00"]`,
	Replace:      `replace: {pattern: "[^a-z0-9-]", with: "_"}`,
	Shift:        `shift: 2`,
}

// options reads what stands behind the name of a transform.
func (r *reader) options(t *Transform, m member) {
	switch t.Name {
	case TS, Date:
		t.Layouts = r.texts(m)
	case Dec, Int, Float, Pct:
		for _, f := range r.members(m.path, m.value, []string{"decimal", "group"}) {
			switch f.key {
			case "decimal":
				t.Point = r.point(f)
			case "group":
				t.Group = r.text(f)
			}
		}
	case MinorUnits, Shift:
		t.Digits = r.whole(m)
	case Replace:
		for _, f := range r.members(m.path, m.value, []string{"pattern", "with"}) {
			switch f.key {
			case "pattern":
				t.Pattern = r.text(f)
			case "with":
				t.With = r.text(f)
			}
		}
	case Split:
		for _, f := range r.members(m.path, m.value, []string{"sep", "index"}) {
			switch f.key {
			case "sep":
				t.Sep = r.text(f)
			case "index":
				t.Index = r.whole(f)
			}
		}
	case Concat:
		t.Sep = r.text(m)
	case FromFilename, Regex:
		t.Pattern = r.text(m)
	case StripPrefix:
		t.Prefix = r.text(m)
	case NullIf:
		t.Texts = r.texts(m)
	case Bool:
		for _, f := range r.members(m.path, m.value, []string{"true", "false"}) {
			switch f.key {
			case "true":
				t.True = r.texts(f)
			case "false":
				t.False = r.texts(f)
			}
		}
	default:
		r.report(m.path, "takes no options", "")
	}
}

func (r *reader) point(m member) byte {
	switch r.text(m) {
	case "point", ".":
		return '.'
	case "comma", ",":
		return ','
	}
	r.report(m.path, "must be point or comma", "")
	return 0
}
