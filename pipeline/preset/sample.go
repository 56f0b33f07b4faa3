package preset

import (
	"regexp"
	"slices"
	"strings"
)

// Sample is what is known of a file before it is read: its columns and its first records. The readers of the formats
// implement it; in a JSON file a column is a path.
type Sample interface {
	// Has reports whether the file has the column; case and spacing of its name do not count.
	Has(column string) bool
	// Value returns the first value of the column in the first records that is not empty, "" where there is none.
	Value(column string) string
}

// Rows is the Sample of a table whose header and first records are read.
type Rows struct {
	Header  []string
	Records [][]string
}

// Has reports whether the header holds the column.
func (r Rows) Has(column string) bool { return r.find(column) >= 0 }

// Value returns the first value of the column that is not empty.
func (r Rows) Value(column string) string {
	i := r.find(column)
	if i < 0 {
		return ""
	}
	for _, record := range r.Records {
		if i < len(record) && record[i] != "" {
			return record[i]
		}
	}
	return ""
}

func (r Rows) find(column string) int {
	return slices.IndexFunc(r.Header, func(name string) bool { return Fold(name) == Fold(column) })
}

// has reports whether the sample has the column under one of its names.
func (n Names) has(s Sample) bool { return slices.ContainsFunc(n, s.Has) }

// Find returns the first object whose file patterns match path, which is '/'-separated and relative to the source.
func (m *Mapping) Find(path string) (*Object, bool) {
	for i := range m.Objects {
		if m.Objects[i].matches(path) {
			return &m.Objects[i], true
		}
	}
	return nil, false
}

// Candidates returns the objects that a file may be of, as far as its path tells: those whose patterns match, then
// those that have none, each in the order of the mapping.
func (m *Mapping) Candidates(path string) []*Object {
	var out []*Object
	for i := range m.Objects {
		if m.Objects[i].matches(path) {
			out = append(out, &m.Objects[i])
		}
	}
	for i := range m.Objects {
		if len(m.Objects[i].Files) == 0 {
			out = append(out, &m.Objects[i])
		}
	}
	return out
}

// Recognise returns the object of a file: the first of its candidates whose signature fits, nil where there is none.
// sample reads the beginning of the file as the object says; it is called for candidates with a signature only, and
// its error ends the search.
func (m *Mapping) Recognise(path string, sample func(o *Object) (Sample, error)) (*Object, error) {
	for _, o := range m.Candidates(path) {
		if len(o.Header) == 0 {
			return o, nil
		}
		s, err := sample(o)
		if err != nil {
			return nil, err
		}
		if o.Fits(s) {
			return o, nil
		}
	}
	return nil, nil
}

// matches reports whether one of the object's patterns matches path. What a file is packed with does not count.
func (o *Object) matches(path string) bool { return matchAny(o.Files, path) }

func matchAny(globs []string, path string) bool {
	unpacked := path
	for _, suffix := range []string{".gz", ".zst"} {
		unpacked = strings.TrimSuffix(unpacked, suffix)
	}
	return slices.ContainsFunc(globs, func(glob string) bool {
		return Match(glob, path) || unpacked != path && Match(glob, unpacked)
	})
}

// Fits reports whether a file has every column of the object's signature; true where it has no signature.
func (o *Object) Fits(s Sample) bool {
	return !slices.ContainsFunc(o.Header, func(n Names) bool { return !n.has(s) })
}

// PartOf returns what the files of one snapshot have in common in their paths; ok is false where path is a whole
// snapshot by itself.
func (o *Object) PartOf(path string) (group string, ok bool) {
	if o.Parts == "" {
		return "", false
	}
	re, err := regexp.Compile(o.Parts)
	if err != nil {
		return "", false
	}
	match := re.FindStringSubmatch(path)
	if match == nil {
		return "", false
	}
	return strings.Join(match[1:], "\x00"), true
}
