package run

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
)

var updateQuirks = flag.Bool("update-quirks", false, "write the sections of fixtures/quirks/*/*/want.txtar anew")

// TestQuirks loads the exports of fixtures/quirks, a folder a quirk; its package documentation says how they are written.
func TestQuirks(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("..", "..", "fixtures", "quirks", "*", "*", "want.txtar"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("found %d quirks, %v", len(folders), err)
	}
	for _, want := range folders {
		folder := filepath.Dir(want)
		t.Run(filepath.Base(filepath.Dir(folder))+"/"+filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			if patches, err := filepath.Glob(filepath.Join(folder, "without*.patch")); err != nil || len(patches) == 0 {
				t.Error("no without*.patch takes the handling of the quirk out: nobody knows whether this test can fail")
			}
			testQuirk(t, folder)
		})
	}
}

func testQuirk(t *testing.T, folder string) {
	archive, err := txtar.ParseFile(filepath.Join(folder, "want.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		t.Error("want.txtar does not say what the quirk is")
	}
	var canonical bool
	var only []string
	for _, f := range archive.Files {
		schema, table, _ := strings.Cut(strings.TrimSuffix(f.Name, ".csv"), ".")
		canonical = canonical || schema == "canonical" || schema == "rollup"
		if schema == "canonical" {
			only = append(only, table)
		}
	}
	l := loadExports(t, received(t, folder), time.Date(2026, time.December, 31, 0, 0, 0, 0, time.UTC), canonical, only...)
	expected := map[string]bool{}
	for i, f := range archive.Files {
		name := strings.TrimSuffix(f.Name, ".csv")
		expected[name] = true
		want := parseTable(t, f)
		got := l.section(t, name, want)
		if *updateQuirks {
			archive.Files[i].Data = got.print()
			continue
		}
		if diff := cmp.Diff(want.sorted(), got.sorted()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if *updateQuirks {
		if err := os.WriteFile(filepath.Join(folder, "want.txtar"), txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// What went wrong must have been expected.
	for name, columns := range map[string]string{"lake.reject": "file,record,column,rule,value", "quarantined": "file,reason", "unmatched": "file"} {
		if expected[name] {
			continue
		}
		if found := l.section(t, name, sheet{columns: strings.Split(columns, ",")}); len(found.rows) > 0 {
			t.Errorf("%s is not expected:\n%s", name, found.print())
		}
	}
}

// received copies a quirk into a folder of its own, gives its files the times at which they are received, and loads the
// configuration.
func received(t *testing.T, folder string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, time.January, 1, 3, 0, 0, 0, time.UTC)
	err := filepath.WalkDir(filepath.Join(dir, "exports"), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		at = at.Add(time.Minute)
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		moment := at
		for _, segment := range strings.Split(path.Dir(filepath.ToSlash(rel)), "/") {
			if day, err := time.Parse(time.DateOnly, segment); err == nil {
				moment = day.Add(at.Sub(at.Truncate(24 * time.Hour)))
			}
		}
		return os.Chtimes(name, moment, moment)
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(filepath.Join(dir, "partnerhealth.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sheet is a section of want.txtar, or what came out in its place.
type sheet struct {
	columns []string
	rows    [][]string
}

func parseTable(t *testing.T, f txtar.File) sheet {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(f.Data))
	r.TrimLeadingSpace = true
	records, err := r.ReadAll()
	if err != nil || len(records) == 0 {
		t.Fatalf("section %s: %d lines, %v", f.Name, len(records), err)
	}
	for _, record := range records {
		for i := range record {
			record[i] = strings.TrimSpace(record[i])
		}
	}
	return sheet{columns: records[0], rows: records[1:]}
}

// sorted is the sheet as lines that can be compared.
func (s sheet) sorted() []string {
	out := make([]string, len(s.rows))
	for i, row := range s.rows {
		out[i] = strings.Join(row, " | ")
	}
	slices.Sort(out)
	return out
}

// print is the sheet as want.txtar has it.
func (s sheet) print() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := slices.Clone(s.rows)
	slices.SortFunc(rows, slices.Compare)
	_ = w.Write(s.columns)
	_ = w.WriteAll(rows)
	return b.Bytes()
}

var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// section returns what came out under the name of a section, with the columns that are wanted of it.
func (l *loaded) section(t *testing.T, name string, want sheet) sheet {
	t.Helper()
	out := sheet{columns: want.columns}
	switch name {
	case "unmatched":
		for _, file := range l.summary.Exports.Unmatched {
			out.rows = append(out.rows, []string{file})
		}
		return out
	case "quarantined":
		for _, q := range l.summary.Ingest.Quarantined {
			out.rows = append(out.rows, []string{q.File, partOf(q.Reason, want, 1)})
		}
		return out
	case "notes":
		told := slices.Concat(l.summary.Warnings, l.summary.Notes)
		_, remarks := l.texts(t, "SELECT DISTINCT unnest(string_split(notes, chr(10))) AS note FROM lake.input WHERE notes IS NOT NULL ORDER BY note", "")
		for _, row := range remarks {
			told = append(told, row[0])
		}
		for _, note := range told {
			for _, row := range want.rows {
				if strings.Contains(note, row[0]) && !slices.ContainsFunc(out.rows, func(r []string) bool { return r[0] == row[0] }) {
					out.rows = append(out.rows, []string{row[0]})
				}
			}
		}
		return out
	}
	columns := make([]string, len(want.columns))
	for i, column := range want.columns {
		if !plainName.MatchString(column) {
			t.Fatalf("section %s: %q is no column", name, column)
		}
		columns[i] = fmt.Sprintf("%q", column)
		if column == "dialect" {
			// Its name; how the file was read in detail is told behind it.
			columns[i] = "split_part(dialect, ' ', 1)"
		}
	}
	const null = "\x00"
	schema, table, ok := strings.Cut(name, ".")
	if !ok || !plainName.MatchString(schema) || !plainName.MatchString(table) {
		t.Fatalf("section %s is neither a relation nor unmatched, quarantined or notes", name)
	}
	_, out.rows = l.texts(t, fmt.Sprintf("SELECT %s FROM %s.%s", strings.Join(columns, ", "), schema, table), null)
	escape := strings.NewReplacer("\r", `\r`, "\n", `\n`)
	for _, row := range out.rows {
		for i := range row {
			switch row[i] {
			case null:
				row[i] = ""
			case "":
				row[i] = "''"
			}
			row[i] = strings.TrimSpace(escape.Replace(row[i]))
		}
	}
	return out
}

// partOf is the text of the wanted column that occurs in the message, or the message.
func partOf(message string, want sheet, column int) string {
	for _, row := range want.rows {
		if column < len(row) && row[column] != "" && strings.Contains(message, row[column]) {
			return row[column]
		}
	}
	return message
}
