// Package start looks at a folder of exports and writes the configuration that a first night needs.
//
// Look reads the beginning of every export and asks the built-in presets which of their objects and dialects it is.
// What they recognise becomes sources, one for each system and folder; what none knows is described, so that a
// person can complete a mapping for it. Findings.Files writes both down: a configuration that runs as it is, in
// which every assumption is marked, and for each unknown system a mapping to complete.
//
// Nothing is decided that the exports do not say, except where a night could not run without it: such a line
// carries the word ASK and the question.
package start

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
	"github.com/partnerhealth/partnerhealth/pipeline/source/open"
)

// ErrNothing says that there is no export to look at.
var ErrNothing = errors.New("there is no export here")

// File is one export, or one member of an archive, as far as its beginning tells.
type File struct {
	// Path is relative to the folder that was looked at: `crm/WE_1.zip/Account.csv`.
	Path string
	// Format is csv, json, xlsx or parquet.
	Format    string
	Delimiter byte
	Encoding  string
	Columns   []string
	// Records are the first ones, by Columns.
	Records [][]string
	// Undecodable is how many of the first records are no text in that encoding.
	Undecodable int
	// Preset, Object and Dialect are what the file was recognised as; "" for none.
	Preset, Object, Dialect string
	// Read is how many of the columns the object reads.
	Read int
	// Waits are parameters without which the preset passes over such a file.
	Waits []string
	// Also are the presets that would know the file too, and less of it.
	Also []string
	// Trouble says why the file could not be looked into; "" when it could.
	Trouble string

	object *preset.Object
}

// Complaint says which file could not be looked into, and why.
func (f *File) Complaint() string {
	if strings.Contains(f.Trouble, f.Path) {
		return f.Trouble
	}
	return f.Path + ": " + f.Trouble
}

// Instance is one system: the files of one preset in one folder.
type Instance struct {
	// Name is the source's name in the configuration; no two instances have the same.
	Name string
	// Preset and Title are the preset's name and what it stands for.
	Preset, Title string
	// Folder is relative to the folder that was looked at; "" for that folder itself.
	Folder string
	Files  []*File
	// Settings are what the source states beside name, preset and path.
	Settings []Setting
	// More says that the preset has parameters beyond those that it requires.
	More bool
}

// Setting is a line of the configuration.
type Setting struct {
	// Key is program.currency, timezone, or with.currency, for example.
	Key string
	// Value is YAML: a scalar or flow on one line, or the lines of a block.
	Value string
	// Why says where the value comes from; for an assumption it is the question.
	Why string
	// Assumed marks a value that the exports do not tell.
	Assumed bool
	// Open marks a setting that is only proposed, as a comment: a night runs without it and passes files over.
	Open bool
}

// Unknown is a folder with exports that no preset knows.
type Unknown struct {
	// Name is that of the source and mapping to complete.
	Name string
	// Folder is relative to the folder that was looked at.
	Folder string
	Files  []*File
}

// Findings is what lies in a folder of exports.
type Findings struct {
	From      open.Place
	Program   []Setting
	Instances []Instance
	Unknown   []Unknown
	// Troubled are files that could not be looked into.
	Troubled []*File
	// Listed is the number of exports in the folder, archives counted once.
	Listed int
}

// Assumed returns the settings that a person should confirm; those of sources begin with the source's name.
func (f *Findings) Assumed() []Setting {
	return f.settings(func(s Setting) bool { return s.Assumed })
}

// Proposed returns the settings that are written as comments, like Assumed.
func (f *Findings) Proposed() []Setting { return f.settings(func(s Setting) bool { return s.Open }) }

func (f *Findings) settings(wanted func(Setting) bool) []Setting {
	var out []Setting
	for _, s := range f.Program {
		if wanted(s) {
			out = append(out, s)
		}
	}
	for i := range f.Instances {
		for _, s := range f.Instances[i].Settings {
			if wanted(s) {
				s.Key = f.Instances[i].Name + "." + strings.TrimPrefix(s.Key, "with.")
				out = append(out, s)
			}
		}
	}
	return out
}

// Hints are what the person states who asks; each may be "".
type Hints struct {
	// Name, Currency and Timezone are those of the programme.
	Name, Currency, Timezone string
}

// Look reads the beginning of every export at a place. A place without any is ErrNothing, wrapped.
func Look(ctx context.Context, from open.Place, hints Hints) (*Findings, error) {
	store, err := open.Store(ctx, from)
	if err != nil {
		return nil, err
	}
	objects, err := store.List(ctx)
	if err != nil {
		return nil, err
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("look into %s: %w", from.Path, ErrNothing)
	}
	presets, err := load()
	if err != nil {
		return nil, err
	}
	found := &Findings{From: from, Listed: len(objects)}
	files, err := examine(ctx, store, objects, presets)
	if err != nil {
		return nil, err
	}
	found.part(files, presets)
	found.settle(hints, presets)
	return found, nil
}

// examine looks into every export and archive.
func examine(ctx context.Context, store source.Store, objects []source.Object, presets []*known) ([]*File, error) {
	var out []*File
	for _, o := range objects {
		err := eachMember(ctx, store, o, func(path string, open opener) error {
			f, err := inspect(ctx, path, open, presets)
			if err == nil {
				out = append(out, f)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
