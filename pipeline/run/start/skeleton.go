package start

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// skeleton writes a mapping to complete: every file of the folder with its columns and what their first values look
// like. It is valid YAML, and `partnerhealth check` names each line that is still to be completed.
func (u *Unknown) skeleton() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# A mapping to complete: no preset knows these exports of %s.
#
#  1. Put the table that a record becomes in place of ASK_TABLE: partner, person, opportunity, ledger_entry, ...
#     (partnerhealth tables). Delete an object that is of no use, with all its lines.
#  2. Put one of the table's columns in place of each ASK_n (partnerhealth tables opportunity), or delete the line: what
#     no line reads is kept beside the row, in _extra.
#  3. List the source in the configuration, where it waits as a comment, and see what is still wrong: partnerhealth check
#
# A complete example: partnerhealth preset show adventureworks
objects:
`, orHere(u.Folder))
	for _, g := range alike(u.Files) {
		g.object(&b)
	}
	return b.String()
}

// sheet is one or more files with the same columns.
type sheet struct {
	name   string
	first  *File
	files  []*File
	folder string
}

// alike puts files with the same columns together, in the order of their paths.
func alike(files []*File) []*sheet {
	byHeader := map[string]*sheet{}
	var out []*sheet
	names := map[string]bool{}
	for _, f := range files {
		key := f.Format + "\x00" + strings.Join(f.Columns, "\x00")
		s := byHeader[key]
		if s == nil {
			s = &sheet{first: f, folder: childOf("", f.Path)}
			s.name = unique(names, nameOf(stem(f.Path)), "object")
			byHeader[key] = s
			out = append(out, s)
		}
		s.files = append(s.files, f)
	}
	return out
}

// stem is the name of a file without folder, kind and digits that tell one delivery from the next.
func stem(p string) string {
	name := path.Base(p)
	for {
		ext := path.Ext(name)
		if ext == "" || !extension.MatchString(ext) {
			break
		}
		name = strings.TrimSuffix(name, ext)
	}
	return strings.Trim(delivery.ReplaceAllString(name, ""), "-_. ")
}

var (
	extension = regexp.MustCompile(`(?i)^\.(csv|tsv|txt|json|jsonl|ndjson|xlsx|parquet|gz|zst|zip)$`)
	delivery  = regexp.MustCompile(`[-_. ]?\d{4,}.*$`)
)

// patterns are the file patterns of the sheet within its source.
func (s *sheet) patterns() []string {
	var out []string
	for _, f := range s.files {
		out = append(out, glob(strings.TrimPrefix(f.Path, s.folder+"/")))
	}
	slices.Sort(out)
	if len(out) <= fewPatterns {
		return out
	}
	return []string{"**/" + glob(stem(s.first.Path)) + "*"}
}

// fewPatterns is up to how many files are named one by one.
const fewPatterns = 5

// glob writes a name as a pattern that means this name only.
func glob(name string) string {
	return special.ReplaceAllString(name, "?")
}

var special = regexp.MustCompile(`[*?\[\]{}\\]`)

func (s *sheet) object(b *strings.Builder) {
	f := s.first
	fmt.Fprintf(b, "  # %s", oneLine(f.Path))
	if more := len(s.files) - 1; more > 0 {
		fmt.Fprintf(b, " and %d more with the same columns", more)
	}
	fmt.Fprintf(b, ": %s, %s\n  - object: %s\n    files:\n", f.Format, plural(len(f.Columns), "column"), preset.Scalar(s.name))
	for _, p := range s.patterns() {
		fmt.Fprintf(b, "      - %s\n", preset.Scalar(p))
	}
	b.WriteString("    # snapshot: each file holds all records, what is missing was deleted; upsert: a file holds what changed;\n")
	b.WriteString("    # append: a file holds what is new.\n    mode: upsert\n")
	b.WriteString("    # The zone of times that carry none.\n    read:\n      timezone: UTC\n")
	if f.Format == "csv" && f.Delimiter != 0 {
		fmt.Fprintf(b, "      delimiter: %s\n", preset.Scalar(string(rune(f.Delimiter))))
	}
	if f.Undecodable > 0 {
		fmt.Fprintf(b, "      # ASK: the text is no UTF-8; this is what such exports are in, mostly.\n      encoding: %s\n", assumedEncoding)
	}
	b.WriteString("    tables:\n      - table: ASK_TABLE\n        columns:\n")
	if len(f.Columns) == 0 {
		b.WriteString("          ASK_1: { const: \"\" }\n")
	}
	for i, column := range f.Columns {
		fmt.Fprintf(b, "          ASK_%d: { from: %s }  # %s\n", i+1, preset.Scalar(column), kindOf(f, i))
	}
}
