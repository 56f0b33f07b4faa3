package start

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/source/open"
)

// Text is a file to write.
type Text struct {
	// Path is relative to the folder of the configuration.
	Path, Content string
}

// ExistsError says that a file is there already and was not to be replaced. Nothing was written.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string { return fmt.Sprintf("%s is there already", e.Path) }

// InsideError says that the configuration, and the state folder beside it, would lie among the exports of a source.
// Nothing was written.
type InsideError struct{ Out, Folder string }

func (e *InsideError) Error() string {
	return fmt.Sprintf("%s would lie among the exports of %s", e.Out, e.Folder)
}

// Write writes the configuration to the path out and the mappings beside it, and returns the paths written. Unless
// force is set, no file is replaced: the first that is there is an *ExistsError, and nothing is written. A path among
// the exports is an *InsideError.
func (f *Findings) Write(out string, force bool) ([]string, error) {
	for i := range f.Instances {
		if folder := f.path(f.Instances[i].Folder, filepath.Dir(out)); contains(folder, filepath.Dir(out)) {
			return nil, &InsideError{Out: out, Folder: filepath.Join(f.From.Path, f.Instances[i].Folder)}
		}
	}
	texts := f.Files(out)
	var paths []string
	for _, t := range texts {
		p := filepath.Join(filepath.Dir(out), filepath.FromSlash(t.Path))
		if _, err := os.Lstat(p); err == nil && !force {
			return nil, &ExistsError{Path: p}
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("write configuration: %w", err)
		}
		paths = append(paths, p)
	}
	for i, t := range texts {
		if err := os.MkdirAll(filepath.Dir(paths[i]), 0o755); err != nil {
			return nil, fmt.Errorf("write configuration: %w", err)
		}
		if err := renameio.WriteFile(paths[i], []byte(t.Content), 0o644); err != nil {
			return nil, fmt.Errorf("write configuration: %w", err)
		}
	}
	return paths, nil
}

// contains reports whether the folder at path, as a configuration in dir names it, holds that configuration.
func contains(path, dir string) bool {
	if open.Remote(path) {
		return false
	}
	if filepath.IsAbs(path) {
		base, err := filepath.Abs(dir)
		rel, notBelow := filepath.Rel(path, base)
		return err == nil && notBelow == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
	}
	// A relative path leads to a folder above, or to the folder itself, if it goes up and never down.
	return strings.Trim(filepath.ToSlash(path), "./") == ""
}

// Files returns the configuration for the path out, first, and the mappings to complete.
func (f *Findings) Files(out string) []Text {
	texts := []Text{{Path: filepath.Base(out), Content: f.configuration(filepath.Dir(out))}}
	for i := range f.Unknown {
		u := &f.Unknown[i]
		texts = append(texts, Text{Path: u.MappingFile(), Content: u.skeleton()})
	}
	return texts
}

// MappingFile is the mapping to complete, relative to the folder of the configuration.
func (u *Unknown) MappingFile() string { return "mappings/" + u.Name + ".yaml" }

// configuration writes the configuration that lies in the folder dir.
func (f *Findings) configuration(dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by `partnerhealth init --from %s`.\n", oneLine(f.From.Path))
	if len(f.Assumed()) > 0 {
		b.WriteString("# Lines marked ASK rest on an assumption that only you can confirm; a night runs on them all the same.\n")
	}
	b.WriteString("# What a night would make of it: partnerhealth check\n")
	b.WriteString("program:\n")
	for _, s := range f.Program {
		s.line(&b, "  ", strings.TrimPrefix(s.Key, "program."))
	}
	b.WriteString("state: ./state\nsources:")
	if len(f.Instances) == 0 {
		b.WriteString(" []  # no export was recognised: complete a mapping below, then list its source here\n")
	} else {
		b.WriteString("\n")
	}
	for i := range f.Instances {
		f.source(&b, &f.Instances[i], dir)
	}
	for i := range f.Unknown {
		f.unknownSource(&b, &f.Unknown[i], dir)
	}
	if len(f.Troubled) > 0 {
		b.WriteString("\n# These files could not be looked into:\n")
		for _, file := range f.Troubled {
			fmt.Fprintf(&b, "#   %s\n", oneLine(file.Complaint()))
		}
	}
	return b.String()
}

// line writes a setting with its question or its reason.
func (s Setting) line(b *strings.Builder, indent, key string) {
	why := oneLine(s.Why)
	if s.Assumed || s.Open {
		why = "ASK: " + why
	}
	if why != "" {
		for _, line := range wrap(why, width-len(indent)) {
			fmt.Fprintf(b, "%s# %s\n", indent, line)
		}
	}
	if s.Open {
		indent += "# "
	}
	lines := strings.Split(s.Value, "\n")
	if len(lines) == 1 {
		fmt.Fprintf(b, "%s%s: %s\n", indent, key, s.Value)
		return
	}
	fmt.Fprintf(b, "%s%s:\n", indent, key)
	for _, line := range lines {
		fmt.Fprintf(b, "%s  %s\n", indent, line)
	}
}

func (f *Findings) source(b *strings.Builder, in *Instance, dir string) {
	fmt.Fprintf(b, "  # %s: %s\n", oneLine(in.Title), plural(len(in.Files), "file"))
	for _, line := range in.objects() {
		fmt.Fprintf(b, "  #   %s\n", line)
	}
	fmt.Fprintf(b, "  - name: %s\n    preset: %s\n    path: %s\n", preset.Scalar(in.Name), in.Preset, preset.Scalar(f.path(in.Folder, dir)))
	f.place(b, "    ")
	if names := f.unknownIn(in.Folder); len(names) > 0 {
		b.WriteString("    # ASK: are these of no use? Then take out the #, and no night mentions them again.\n    # ignore:\n")
		for _, name := range names {
			fmt.Fprintf(b, "    #   - %s\n", preset.Scalar(name))
		}
	}
	inWith := false
	for _, s := range in.Settings {
		key, with := strings.CutPrefix(s.Key, "with.")
		switch {
		case !with:
			s.line(b, "    ", key)
			continue
		case !inWith:
			inWith = true
			b.WriteString("    with:\n")
		}
		s.line(b, "      ", key)
	}
	if in.More {
		fmt.Fprintf(b, "    # What your organisation may do its own way: partnerhealth preset show %s --parameters\n", in.Preset)
	}
}

// place writes how the store is reached.
func (f *Findings) place(b *strings.Builder, indent string) {
	if f.From.Endpoint != "" {
		fmt.Fprintf(b, "%sendpoint: %s\n", indent, preset.Scalar(f.From.Endpoint))
	}
	if f.From.Region != "" {
		fmt.Fprintf(b, "%sregion: %s\n", indent, preset.Scalar(f.From.Region))
	}
}

// unknownIn lists the files of a folder that no preset knows, relative to it. A member of an archive is named behind it.
func (f *Findings) unknownIn(folder string) []string {
	var out []string
	for i := range f.Unknown {
		for _, file := range f.Unknown[i].Files {
			if rest, ok := strings.CutPrefix(file.Path, folder+"/"); ok {
				out = append(out, rest)
			} else if folder == "" || folder == "." {
				out = append(out, file.Path)
			}
		}
	}
	return out
}

// unknownSource writes a source that waits for its mapping.
func (f *Findings) unknownSource(b *strings.Builder, u *Unknown, dir string) {
	fmt.Fprintf(b, "\n  # No preset knows %s in %s. Complete %s, then take out the # of the lines below.\n",
		plural(len(u.Files), "file"), orHere(u.Folder), u.MappingFile())
	fmt.Fprintf(b, "  # - name: %s\n  #   mapping: %s\n  #   path: %s\n", preset.Scalar(u.Name), u.MappingFile(), preset.Scalar(f.path(u.Folder, dir)))
	var place strings.Builder
	f.place(&place, "  #   ")
	b.WriteString(place.String())
}

// path writes the path of a folder for a configuration that lies in dir: relative to it where that is possible, so
// that both can be moved together.
func (f *Findings) path(folder, dir string) string {
	if open.Remote(f.From.Path) {
		return placeOf(f.From, folder)
	}
	full, err := filepath.Abs(filepath.Join(f.From.Path, filepath.FromSlash(folder)))
	if err != nil {
		return placeOf(f.From, folder)
	}
	base, err := filepath.Abs(dir)
	if err != nil {
		return full
	}
	rel, err := filepath.Rel(base, full)
	if err != nil || strings.HasPrefix(rel, filepath.Join("..", "..", "..")) {
		return full
	}
	return filepath.ToSlash(rel)
}

// kind is what a file of an instance is, and in which dialect, or what it waits for.
type kind struct{ object, dialect string }

// kinds returns what the files of an instance are, in order, with their paths.
func (in *Instance) kinds() ([]kind, map[kind][]string) {
	paths := map[kind][]string{}
	var order []kind
	for _, f := range in.Files {
		k := kind{f.Object, f.Dialect}
		if len(f.Waits) > 0 {
			k.dialect = "waits for " + strings.Join(f.Waits, ", ")
		}
		if paths[k] == nil {
			order = append(order, k)
		}
		paths[k] = append(paths[k], f.Path)
	}
	slices.SortFunc(order, func(a, b kind) int {
		return cmp.Or(strings.Compare(a.dialect, b.dialect), strings.Compare(a.object, b.object))
	})
	return order, paths
}

// objects tells, a line each, which objects an instance has, in which dialects, and in which files.
func (in *Instance) objects() []string {
	order, paths := in.kinds()
	var out []string
	for _, k := range order {
		line := k.object
		if k.dialect != "" {
			line += " (" + k.dialect + ")"
		}
		line += ": " + paths[k][0]
		if more := len(paths[k]) - 1; more > 0 {
			line += fmt.Sprintf(" and %d more", more)
		}
		out = append(out, oneLine(line))
	}
	return out
}

// Kinds tells, beginning a new line for each dialect, which objects an instance has.
func (in *Instance) Kinds() []string {
	order, _ := in.kinds()
	objects := map[string][]string{}
	var dialects []string
	for _, k := range order {
		if objects[k.dialect] == nil {
			dialects = append(dialects, k.dialect)
		}
		objects[k.dialect] = append(objects[k.dialect], k.object)
	}
	var out []string
	for _, dialect := range dialects {
		line := strings.Join(objects[dialect], ", ")
		if dialect != "" {
			line = dialect + ": " + line
		}
		const column = 80
		out = append(out, wrap(line, column)...)
	}
	return out
}

// width is how long a line of the configuration becomes, about.
const width = 110

// wrap breaks a text into lines.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}

// oneLine keeps what a file is called, or holds, from breaking out of a comment.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == '\u007f' || r == '\u0085' || r == '\u2028' || r == '\u2029' }), " ")
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func orHere(folder string) string {
	if folder == "" {
		return "this folder"
	}
	return folder + "/"
}
