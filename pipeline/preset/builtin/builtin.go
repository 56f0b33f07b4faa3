// Package builtin holds the mappings that come with the program: one file for each system, written in the format of
// package preset like any other, so that a person can print one, read it, and take over what is to be different.
package builtin

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.yaml
var files embed.FS

const suffix = ".yaml"

// Names returns the names of the built-in mappings in alphabetical order.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil // an embedded folder is always there
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), suffix)
	}
	return names
}

// Read returns the text of the built-in mapping called name. The error says which there are.
func Read(name string) ([]byte, error) {
	data, err := files.ReadFile(name + suffix)
	if err != nil {
		return nil, fmt.Errorf("no built-in preset is called %q: there are %s", name, strings.Join(Names(), ", "))
	}
	return data, nil
}
