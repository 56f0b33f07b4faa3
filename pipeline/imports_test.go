package pipeline

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/partnerhealth/partnerhealth/"

// owners says which packages alone may import a library, by the prefix of its path.
var owners = map[string][]string{
	"github.com/parquet-go/":      {"pipeline/lake", "pipeline/ingest"},
	"github.com/xuri/":            {"pipeline/ingest"},
	"github.com/duckdb/":          {"pipeline/warehouse"},
	"github.com/apache/arrow-go/": {"pipeline/warehouse", "pipeline/score", "pipeline/run"},
	"gonum.org/v1/gonum/":         {"models", "pipeline/score", "pipeline/report"},
	"gonum.org/v1/plot":           {"pipeline/report"},
	"github.com/aws/":             {"pipeline/source/s3", "pipeline/publish"},
}

// ground is what the first storey may import of the house; a stage may import contract, preset and itself.
var ground = map[string][]string{
	"pipeline/contract": {},
	"pipeline/preset":   {"pipeline/contract"},
	"pipeline/config":   {"pipeline/contract", "pipeline/preset"},
}

var stages = []string{
	"pipeline/source", "pipeline/ingest", "pipeline/lake", "pipeline/rollup", "pipeline/warehouse",
	"pipeline/score", "pipeline/report", "pipeline/publish",
}

// refusal returns why the package from, a path inside the module, may not import target, or "".
func refusal(from, target string) string {
	for library, users := range owners {
		if strings.HasPrefix(target, library) && !slices.ContainsFunc(users, func(u string) bool { return within(from, u) }) {
			return "only " + strings.Join(users, ", ") + " may"
		}
	}
	own, inside := strings.CutPrefix(target, module)
	if within(from, "models") {
		return refusalOfModels(from, target, own, inside)
	}
	if !inside {
		return ""
	}
	if within(own, "cmd") {
		return "nobody imports cmd"
	}
	if within(from, "cmd") {
		if within(own, "models") {
			return "cmd imports pipeline"
		}
		return ""
	}
	for room, may := range ground {
		if within(from, room) && within(own, "pipeline") && !within(own, room) &&
			!slices.ContainsFunc(may, func(m string) bool { return within(own, m) }) {
			return room + " imports of pipeline only [" + strings.Join(may, ", ") + "]"
		}
	}
	for _, stage := range stages {
		if !within(from, stage) || !within(own, "pipeline") || within(own, stage) {
			continue
		}
		if !within(own, "pipeline/contract") && !within(own, "pipeline/preset") {
			return "a stage imports no other room of pipeline than contract and preset"
		}
	}
	return ""
}

// refusalOfModels keeps statistics pure. models/internal reads the reference data of their tests, and only that.
func refusalOfModels(from, target, own string, inside bool) string {
	standard := !strings.Contains(strings.SplitN(target, "/", 2)[0], ".")
	switch {
	case inside && within(own, "models"), strings.HasPrefix(target, "gonum.org/v1/gonum/"):
		return ""
	case !standard:
		return "models import the standard library and gonum"
	case !within(from, "models/internal") && slices.Contains([]string{"os", "io", "net", "log"}, strings.SplitN(target, "/", 2)[0]):
		return "models do no I/O and no logging"
	}
	return ""
}

// within reports whether package p is room or below it.
func within(p, room string) bool { return p == room || strings.HasPrefix(p, room+"/") }

func TestRefusal(t *testing.T) {
	for _, c := range []struct {
		from, target string
		refused      bool
	}{
		{"models/logistic", "math", false},
		{"models/logistic", "gonum.org/v1/gonum/mat", false},
		{"models/logistic", module + "models/linear", false},
		{"models/logistic", "os", true},
		{"models/internal/reference", "os", false},
		{"models/internal/reference", module + "pipeline/contract", true},
		{"models/logistic", "log/slog", true},
		{"models/logistic", "gonum.org/v1/plot", true},
		{"models/logistic", "golang.org/x/sync/errgroup", true},
		{"models/logistic", module + "pipeline/contract", true},
		{"pipeline/lake", "github.com/parquet-go/parquet-go", false},
		{"pipeline/report", "github.com/parquet-go/parquet-go", true},
		{"pipeline/report", "github.com/xuri/excelize/v2", true},
		{"pipeline/warehouse", "github.com/duckdb/duckdb-go/v2/mapping", false},
		{"cmd/partnerhealth", "github.com/duckdb/duckdb-go/v2", true},
		{"pipeline/run", "github.com/apache/arrow-go/v18/arrow", false},
		{"pipeline/report", "github.com/apache/arrow-go/v18/arrow", true},
		{"pipeline/report", "gonum.org/v1/plot/plotter", false},
		{"pipeline/run", "gonum.org/v1/gonum/stat", true},
		{"pipeline/score", "gonum.org/v1/plot", true},
		{"pipeline/run", "gonum.org/v1/plot/vg", true},
		{"cmd/partnerhealth", module + "models/survival", true},
		{"cmd/partnerhealth", module + "pipeline/run", false},
		{"fixtures", module + "cmd/partnerhealth", true},
		{"pipeline/contract", module + "pipeline/preset", true},
		{"pipeline/preset", module + "pipeline/contract", false},
		{"pipeline/preset", module + "pipeline/config", true},
		{"pipeline/config", module + "pipeline/preset", false},
		{"pipeline/config", module + "pipeline/lake", true},
		{"pipeline/lake", module + "pipeline/ingest", true},
		{"pipeline/lake", module + "pipeline/contract", false},
		{"pipeline/lake", module + "pipeline/config", true},
		{"pipeline/lake", module + "pipeline/run", true},
		{"pipeline/source/local", module + "pipeline/source", false},
		{"pipeline/warehouse", module + "sql", false},
		{"pipeline/score", module + "models/logistic", false},
		{"pipeline/run", module + "pipeline/lake", false},
	} {
		if got := refusal(c.from, c.target); (got != "") != c.refused {
			t.Errorf("%s importing %s: refusal %q, want refused = %v", c.from, c.target, got, c.refused)
		}
	}
}

// goFiles calls f for every Go file of the repository, with its path from the root.
func goFiles(t *testing.T, f func(file string, content []byte)) {
	t.Helper()
	root, count := "..", 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if file != root && (strings.HasPrefix(name, ".") || name == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		count++
		f(filepath.ToSlash(rel), content)
		return nil
	})
	if err != nil || count == 0 {
		t.Fatalf("walk the repository: %d files, %v", count, err)
	}
}

func TestImports(t *testing.T) {
	goFiles(t, func(file string, content []byte) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, content, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, spec := range parsed.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Error(err)
				continue
			}
			if why := refusal(path.Dir(file), target); why != "" {
				t.Errorf("%s imports %s: %s", file, target, why)
			}
		}
	})
}

// A file past these sizes holds two ideas.
func TestFileSizes(t *testing.T) {
	goFiles(t, func(file string, content []byte) {
		most := 500
		if strings.HasSuffix(file, "_test.go") {
			most = 1000
		}
		if lines := bytes.Count(content, []byte("\n")); lines > most {
			t.Errorf("%s has %d lines, at most %d", file, lines, most)
		}
	})
}
