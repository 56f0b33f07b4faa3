package preset

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/yamltext"
)

// nameForm is what the parts of native keys may look like: nothing that would end the part.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

const nameHint = "use letters, digits, _ . and -, since it becomes a part of native keys"

const modeHint = "snapshot: the file is the whole truth; upsert: the newest version of a key wins; append: records never change"

func (r *reader) checkObject(path string, o *Object) {
	if !nameForm.MatchString(o.Name) {
		r.report(path+".object", fmt.Sprintf("%q is no name of an object", o.Name), nameHint)
	}
	if len(o.Files) == 0 && len(o.Header) == 0 {
		r.report(path+".files", "must list at least one pattern of files", `for example files: ["deals*.csv"], or header: [columns that tell its files from all others]`)
	}
	r.checkGlobs(path+".files", o.Files)
	formats := []string{FormatAuto, FormatCSV, FormatJSON, FormatXLSX, FormatParquet}
	if !slices.Contains(formats, o.Format) {
		r.report(path+".format", fmt.Sprintf("unknown format %q", o.Format), "known are "+strings.Join(formats, ", "))
	}
	if o.Mode != "" && !o.Mode.Valid() {
		r.report(path+".mode", fmt.Sprintf("unknown mode %q", o.Mode), modeHint)
	}
	if o.Parts != "" && o.Mode != contract.Snapshot && !slices.ContainsFunc(o.Dialects, func(d Dialect) bool { return d.Mode == contract.Snapshot }) {
		r.report(path+".parts", "means nothing, since the files of this object are no snapshots", "leave it out, or state mode: snapshot")
	}
	seen := map[string]bool{}
	for i := range o.Dialects {
		if name := o.Dialects[i].Name; seen[name] && name != "" {
			r.report(path+".dialects", fmt.Sprintf("names the dialect %q a second time", name), "")
		} else {
			seen[name] = true
		}
	}
}

func (r *reader) checkGlobs(path string, globs []string) {
	for i, glob := range globs {
		if err := CheckGlob(glob); err != nil {
			r.report(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("%q %v", glob, err), "")
		}
	}
}

// checkMode reports tables without a mode, and with another than the same table has above.
func (r *reader) checkMode(path string, t *Table, o *Object, modes map[string]contract.Mode) {
	if mode, ok := modes[t.Name]; ok && mode != t.Mode {
		r.report(path+".mode", fmt.Sprintf("is %s, but the same table is %s above", t.Mode, mode), "")
	}
	modes[t.Name] = t.Mode
	switch {
	case t.Mode == "":
		r.report(path+".mode", "is not stated, neither here nor for the object", modeHint)
	case t.Mode != o.Mode && !t.Mode.Valid():
		r.report(path+".mode", fmt.Sprintf("unknown mode %q", t.Mode), modeHint)
	}
}

func (r *reader) checkTable(path string, t *Table) {
	declared, ok := contract.Lookup(t.Name)
	if !ok {
		var names []string
		for _, d := range contract.Tables() {
			names = append(names, d.Name)
		}
		r.report(path+".table", fmt.Sprintf("unknown table %q", t.Name), yamltext.Suggest(t.Name, names))
		return
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
	r.checkUnits(path, t, declared)
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
	r.report(path, fmt.Sprintf("table %s has no column %q", declared.Name, name), yamltext.Suggest(name, names))
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
	tests := 0
	for _, set := range []bool{len(c.In) > 0, len(c.NotIn) > 0, c.Matches != "", c.Empty != nil} {
		if set {
			tests++
		}
	}
	if len(c.Any) > 0 {
		if tests > 0 || len(c.From) > 0 || c.Optional {
			r.report(path, "has any, so it cannot test a column itself", "put the test into the list of any")
		}
		return
	}
	if len(c.From) == 0 {
		r.report(path+".from", "must name a column of the export", "")
	}
	if tests != 1 {
		r.report(path, "must have exactly one test", `one of in: [...], not_in: [...], matches: "..." and empty: true`)
	}
	for _, text := range c.In {
		r.checkTrimmed(path+".in", text)
	}
	for _, text := range c.NotIn {
		r.checkTrimmed(path+".not_in", text)
	}
}

// checkTrimmed reports a text that can never be met, because blanks are taken off before comparing.
func (r *reader) checkTrimmed(path, text string) {
	if text != strings.Trim(text, " \t") {
		r.report(path, fmt.Sprintf("%q has blanks around it, which the compared text never has", text), "")
	}
}
