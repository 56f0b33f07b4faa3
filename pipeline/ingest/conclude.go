package ingest

import (
	"fmt"
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// conclude reports what is known only behind the last record, and judges the file.
func (f *file) conclude(o *opened) error {
	if o.zeroes != nil && o.zeroes.removed > 0 {
		f.note(fmt.Sprintf("zero bytes taken out of its texts: %d", o.zeroes.removed))
	}
	if o.footer != nil && len(o.footer.footer) > 0 {
		f.result.Footer = int64(len(o.footer.footer))
		for _, text := range o.footer.footer {
			f.note(fmt.Sprintf("footer: %q", head([]byte(text), maxNote)))
		}
	}
	if o.sheet != nil {
		for _, remark := range o.sheet.notes() {
			f.note(remark)
		}
	}
	if o.json != nil {
		return f.concludeJSON(o)
	}
	return nil
}

// concludeJSON reports the members that the records had and had not.
func (f *file) concludeJSON(o *opened) error {
	if o.header == nil {
		return nil
	}
	r := &f.result
	r.Columns = nil
	isFound := map[string]bool{}
	for i, name := range f.obj.SourceColumns() {
		if o.fields.found[i] {
			isFound[name] = true
			r.Columns = append(r.Columns, name)
		}
	}
	r.ExtraColumns = o.fields.unread()
	r.Columns = append(r.Columns, r.ExtraColumns...)
	if len(o.json.beside) > 0 {
		f.note(fmt.Sprintf("members beside the records are not read: %s", quoteList(o.json.beside)))
	}
	if r.Records == 0 {
		return nil
	}
	for _, names := range f.obj.Reads() {
		if !slices.ContainsFunc(names, func(name string) bool { return isFound[name] }) {
			r.MissingColumns = append(r.MissingColumns, names.String())
		}
	}
	return f.judgeMembers()
}

// judgeMembers refuses a JSON file for what the contract says of columns.
func (f *file) judgeMembers() error {
	r, c := &f.result, &f.obj.Contract
	if len(r.MissingColumns) > 0 && c.ColumnsMissing == preset.Freeze {
		return &FileError{Rule: RuleAbsentColumns, Missing: r.MissingColumns, Header: r.Columns,
			Message:  fmt.Sprintf("no record of it has %s, and its contract freezes files with columns missing", quoteList(r.MissingColumns)),
			NextStep: "export them, or state columns_missing: \"null\" in the contract of the mapping to load the file without them"}
	}
	if len(r.ExtraColumns) == 0 {
		return nil
	}
	switch c.ColumnsNew {
	case preset.Freeze:
		return &FileError{Rule: RuleNewColumns, Header: r.Columns,
			Message:  fmt.Sprintf("it has %s, which its mapping does not name, and its contract freezes files with new columns", quoteList(r.ExtraColumns)),
			NextStep: "map them, or state columns_new: evolve in the contract of the mapping to keep them unmapped"}
	case preset.DiscardValue:
		f.note(fmt.Sprintf("%s: not kept, as the contract says of new columns", quoteList(r.ExtraColumns)))
	}
	return nil
}
