package preset

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// nameForm is what the parts of native keys may look like: nothing that would end the part.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

const nameHint = "use letters, digits, _ . and -, since it becomes a part of native keys"

const modeHint = "snapshot: the file is the whole truth; upsert: the newest version of a key wins; append: records never change"

// checkMapping reports everything in m that could not be carried out, or would do what nobody means.
func (r *reader) checkMapping(m *Mapping) {
	if len(m.Objects) == 0 {
		r.report("objects", "must list at least one object", "")
	}
	seen := map[string]bool{}
	for i := range m.Objects {
		o := &m.Objects[i]
		path := fmt.Sprintf("objects[%d]", i)
		if seen[o.Name] && o.Name != "" {
			r.report(path+".object", fmt.Sprintf("names %q a second time", o.Name),
				"one object has one list of files: a snapshot of one would delete what the other loaded")
		}
		seen[o.Name] = true
		r.checkObject(path, o)
	}
}

func (r *reader) checkObject(path string, o *Object) {
	if !nameForm.MatchString(o.Name) {
		r.report(path+".object", fmt.Sprintf("%q is no name of an object", o.Name), nameHint)
	}
	if len(o.Files) == 0 {
		r.report(path+".files", "must list at least one pattern of files", `for example files: ["deals*.csv"]`)
	}
	for i, glob := range o.Files {
		if err := checkGlob(glob); err != nil {
			r.report(fmt.Sprintf("%s.files[%d]", path, i), fmt.Sprintf("%q %v", glob, err), "")
		}
	}
	for i, name := range o.RequiredColumns {
		if name == "" {
			r.report(fmt.Sprintf("%s.required[%d]", path, i), "must name a column of the export", "")
		}
	}
	r.checkRead(path+".read", &o.Read)
	if len(o.Tables) == 0 {
		r.report(path+".tables", "must list at least one table", "")
	}
	if o.Mode != "" && !o.Mode.Valid() {
		r.report(path+".mode", fmt.Sprintf("unknown mode %q", o.Mode), modeHint)
	}
	modes := map[string]contract.Mode{}
	for i := range o.Tables {
		t := &o.Tables[i]
		at := fmt.Sprintf("%s.tables[%d]", path, i)
		if mode, ok := modes[t.Name]; ok && mode != t.Mode {
			r.report(at+".mode", fmt.Sprintf("is %s, but the same table is %s above", t.Mode, mode), "")
		}
		modes[t.Name] = t.Mode
		switch {
		case t.Mode == "":
			r.report(at+".mode", "is not stated, neither here nor for the object", modeHint)
		case t.Mode != o.Mode && !t.Mode.Valid():
			r.report(at+".mode", fmt.Sprintf("unknown mode %q", t.Mode), modeHint)
		}
		r.checkTable(at, t)
	}
}

func (r *reader) checkRead(path string, o *ReadOptions) {
	switch q := o.Quote; {
	case q == 0:
	case q >= 0x80 || q < ' ' || q == ' ' || nameForm.MatchString(string(q)):
		r.report(path+".quote", "must be a sign such as \" or '", "")
	case q == o.Delimiter:
		r.report(path+".quote", "is the delimiter as well", "")
	}
	if !KnownEncoding(o.Encoding) {
		r.report(path+".encoding", fmt.Sprintf("unknown encoding %q", o.Encoding),
			"known are auto, utf-8, utf-16le, utf-16be and single-byte encodings such as windows-1252, iso-8859-1 and iso-8859-15")
	}
	if o.TimeZone != "" {
		if _, err := time.LoadLocation(o.TimeZone); err != nil || o.TimeZone == "Local" {
			r.report(path+".timezone", fmt.Sprintf("unknown time zone %q", o.TimeZone), "use a name such as Europe/Berlin or UTC")
		}
	}
}

func (r *reader) checkTable(path string, t *Table) {
	declared, ok := contract.Lookup(t.Name)
	if !ok {
		var names []string
		for _, d := range contract.Tables() {
			names = append(names, d.Name)
		}
		r.report(path+".table", fmt.Sprintf("unknown table %q", t.Name), nearest(t.Name, names))
		return
	}
	for i := range t.Where {
		r.checkCondition(fmt.Sprintf("%s.where[%d]", path, i), &t.Where[i])
	}
	if t.Deleted != nil {
		r.checkCondition(path+".deleted", t.Deleted)
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		at := path + ".columns." + c.Name
		if column, ok := declared.Column(c.Name); ok {
			r.checkColumn(at, c, column, declared)
		} else {
			r.unknownColumn(at, c.Name, declared)
		}
	}
	r.checkFilled(path+".columns", t, declared)
}

func (r *reader) unknownColumn(path, name string, declared *contract.Table) {
	if slices.ContainsFunc(contract.Lineage(), func(c contract.Column) bool { return c.Name == name }) {
		hint := "leave it out: it is filled when the file is read"
		if name == "_deleted" {
			hint = "use deleted: {from: ..., in: [...]} beside columns"
		}
		r.report(path, "cannot be filled by a mapping", hint)
		return
	}
	names := make([]string, len(declared.Columns))
	for i, c := range declared.Columns {
		names[i] = c.Name
	}
	r.report(path, fmt.Sprintf("table %s has no column %q", declared.Name, name), nearest(name, names))
}

// checkFilled reports the columns that every row must have and that nothing fills.
func (r *reader) checkFilled(path string, t *Table, declared *contract.Table) {
	for _, column := range declared.Columns {
		if _, ok := t.Column(column.Name); ok || column.Nullable || isRawOfMapped(t, declared, column.Name) {
			continue
		}
		what := "required"
		if declared.IsKey(column.Name) {
			what = "key"
		}
		r.report(path, fmt.Sprintf("leaves out the %s column %s (%s)", what, column.Name, column.Meaning),
			fmt.Sprintf("add %s: {from: ...} or %s: {const: ...}", column.Name, column.Name))
	}
}

// isRawOfMapped reports whether the column called name keeps the source text of an enum that t maps from a column.
func isRawOfMapped(t *Table, declared *contract.Table, name string) bool {
	for i := range t.Columns {
		c, ok := declared.Column(t.Columns[i].Name)
		if !ok || len(t.Columns[i].From) == 0 {
			continue
		}
		if raw, ok := RawSibling(declared, c); ok && raw.Name == name {
			return true
		}
	}
	return false
}

func (r *reader) checkCondition(path string, c *Condition) {
	if c.From == "" {
		r.report(path+".from", "must name a column of the export", "")
	}
	tests := 0
	for _, set := range []bool{len(c.In) > 0, len(c.NotIn) > 0, c.Matches != "", c.Empty != nil} {
		if set {
			tests++
		}
	}
	if tests != 1 {
		r.report(path, "must have exactly one test", `one of in: [...], not_in: [...], matches: "..." and empty: true`)
	}
	for _, text := range slices.Concat(c.In, c.NotIn) {
		r.checkTrimmed(path, text)
	}
	if _, err := regexp.Compile(c.Matches); err != nil {
		r.report(path+".matches", "is no regular expression: "+err.Error(), "")
	}
}

// checkTrimmed reports a text that can never be met, because blanks are taken off before comparing.
func (r *reader) checkTrimmed(path, text string) {
	if text != strings.Trim(text, " \t") {
		r.report(path, fmt.Sprintf("%q has blanks around it, which the compared text never has", text), "")
	}
}
