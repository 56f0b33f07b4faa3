package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/partnerhealth/partnerhealth/pipeline/publish"
)

// TestMain lets the scripts run this very program as `partnerhealth`.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"partnerhealth": func() { os.Exit(realMain()) }})
}

// TestScripts runs every script of testdata/script: the program as a person or a scheduler meets it.
func TestScripts(t *testing.T) {
	fixtures, err := filepath.Abs("../../fixtures")
	if err != nil {
		t.Fatal(err)
	}
	params := testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fixture": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: fixture NAME")
				}
				ts.Check(copyTree(filepath.Join(fixtures, args[0]), ts.MkAbs(args[0])))
			},
			// status runs a command and demands an exit code: status 2 partnerhealth run --nonsense
			"status": runStatus,
			// json demands that a file is one JSON value, and what stands at paths in it: json stdout ingest.rejected 4
			"json": checkJSON,
			// tree writes a listing of a folder, each file with its size and hash and each link with its target:
			// tree FOLDER LISTING
			"tree": writeTree,
			// lock holds the lock of a state folder to the end of the script, as another run would.
			"lock": holdLock,
		},
	}
	if testing.Short() {
		// Under the race detector whole nights take minutes, and the packages that they go through are raced on their own.
		params.Dir, params.Files = "", []string{"testdata/script/configuration.txtar", "testdata/script/preset.txtar"}
	}
	testscript.Run(t, params)
}

// copyTree copies a folder of fixtures, so that a script may write beside them.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
}

// checkJSON reads a file as JSON and compares the values at dotted paths; a number steps into an array, and
// `len` is its length.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args)%2 != 1 {
		ts.Fatalf("usage: json FILE [PATH VALUE]...")
	}
	var whole any
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	decoder.UseNumber()
	ts.Check(decoder.Decode(&whole))
	if decoder.More() {
		ts.Fatalf("%s holds more than one JSON value", args[0])
	}
	for i := 1; i < len(args); i += 2 {
		if got := fmt.Sprint(valueAt(whole, args[i])); got != args[i+1] {
			ts.Fatalf("%s is %s, want %s", args[i], got, args[i+1])
		}
	}
}

func valueAt(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[step]
		case []any:
			if step == "len" {
				v = len(node)
				continue
			}
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

func writeTree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tree FOLDER LISTING")
	}
	var list strings.Builder
	root := ts.MkAbs(args[0])
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			fmt.Fprintf(&list, "%s -> %s\n", filepath.ToSlash(rel), target)
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&list, "%s %d %x\n", filepath.ToSlash(rel), len(data), sha256.Sum256(data))
		return err
	}))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(list.String()), 0o644))
}

func holdLock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lock FOLDER")
	}
	lock, err := publish.Acquire(context.Background(), ts.MkAbs(args[0]), time.Now())
	ts.Check(err)
	ts.Defer(func() { _ = lock.Release() })
}
