package preset

import (
	"fmt"
	"regexp"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Dialect is one way in which a source writes an object.
type Dialect struct {
	Name string `json:"dialect"`
	// When says how a file of this dialect is told from others.
	When When `json:"when"`
	// Files are patterns of which one must match as well; none where the path does not matter.
	Files []string `json:"files,omitempty"`
	// Read is complete: the object's options with those that the dialect changes.
	Read ReadOptions `json:"read"`
	// Mode is the object's where the dialect states none.
	Mode contract.Mode `json:"mode"`
}

// When holds conditions on the header and first records of a file, which must all hold.
type When struct {
	// Header are columns that the file has, Absent columns that it does not have.
	Header []Names `json:"header,omitempty"`
	Absent []Names `json:"absent,omitempty"`
	// Value tests the first value of a column.
	Value *ValueTest `json:"value,omitempty"`
}

// ValueTest holds where the first value of a column, under the first of its names that has one, matches a pattern.
type ValueTest struct {
	From    Names  `json:"from"`
	Matches string `json:"matches"`
}

// Dialect returns the first dialect that the file at path is written in, nil where none fits.
func (o *Object) Dialect(path string, s Sample) *Dialect {
	for i := range o.Dialects {
		d := &o.Dialects[i]
		if (len(d.Files) == 0 || matchAny(d.Files, path)) && d.When.holds(s) {
			return d
		}
	}
	return nil
}

func (w *When) holds(s Sample) bool {
	for _, names := range w.Header {
		if !names.has(s) {
			return false
		}
	}
	for _, names := range w.Absent {
		if names.has(s) {
			return false
		}
	}
	return w.Value == nil || w.Value.holds(s)
}

func (t *ValueTest) holds(s Sample) bool {
	re, err := regexp.Compile(t.Matches)
	if err != nil {
		return false
	}
	for _, name := range t.From {
		if value := s.Value(name); value != "" {
			return re.MatchString(value)
		}
	}
	return false
}

// In returns the object as d writes it: with the dialect's read options and mode, the latter also for the tables
// that have the object's. For nil it returns o itself. The version is that of o.
func (o *Object) In(d *Dialect) *Object {
	if d == nil {
		return o
	}
	spoken := *o
	spoken.base, spoken.DialectName, spoken.Read, spoken.Mode = o, d.Name, d.Read, d.Mode
	spoken.Tables = make([]Table, len(o.Tables))
	for i, t := range o.Tables {
		if t.Mode == o.Mode {
			t.Mode = d.Mode
		}
		spoken.Tables[i] = t
	}
	return &spoken
}

func (r *reader) dialect(m member, o *Object) Dialect {
	d := Dialect{Read: o.Read, Mode: o.Mode}
	for _, f := range r.members(m.path, m.value, []string{"dialect", "when", "files", "read", "mode", "needs"}) {
		switch f.key {
		case "dialect":
			if d.Name = r.text(f); !nameForm.MatchString(d.Name) {
				r.report(f.path, fmt.Sprintf("%q is no name of a dialect", d.Name), "use letters, digits, _ . and -")
			}
		case "when":
			d.When = r.when(f)
		case "files":
			d.Files = r.texts(f)
			r.checkGlobs(f.path, d.Files)
		case "read":
			d.Read = r.readOptions(f, o.Read)
		case "mode":
			if d.Mode = contract.Mode(r.text(f)); !d.Mode.Valid() {
				r.report(f.path, fmt.Sprintf("unknown mode %q", d.Mode), modeHint)
			}
		}
	}
	if d.Name == "" {
		r.report(m.path+".dialect", "is missing: lineage calls the dialect by its name", "")
	}
	if len(d.When.Header)+len(d.When.Absent)+len(d.Files) == 0 && d.When.Value == nil {
		r.report(m.path+".when", "is missing, so every file would be of this dialect", "for example when: {header: [SystemModstamp]}")
	}
	return d
}

func (r *reader) when(m member) When {
	var w When
	for _, f := range r.members(m.path, m.value, []string{"header", "absent", "value"}) {
		switch f.key {
		case "header":
			w.Header = r.columns(f)
		case "absent":
			w.Absent = r.columns(f)
		case "value":
			w.Value = &ValueTest{}
			for _, v := range r.members(f.path, f.value, []string{"from", "matches"}) {
				switch v.key {
				case "from":
					w.Value.From = r.names(v)
				case "matches":
					w.Value.Matches = r.pattern(v)
				}
			}
			if len(w.Value.From) == 0 || w.Value.Matches == "" {
				r.report(f.path, "needs from, a column, and matches, a pattern of its first value", "")
			}
		}
	}
	return w
}
