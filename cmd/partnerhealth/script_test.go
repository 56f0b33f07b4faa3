package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
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
	testscript.Run(t, testscript.Params{
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
		},
	})
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
