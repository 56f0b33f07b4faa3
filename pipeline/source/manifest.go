package source

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// maxManifest bounds what is read of a manifest, in bytes: a hundred thousand names.
const maxManifest = 16 << 20

// Manifest is the list of a delivery, a JSON file that the writing system puts into the folder of the exports
// when all of them are there. It is either a list or an object whose member `files` is one; each entry is a
// name or an object of which only the name is needed:
//
//	{"files": ["Account.csv", {"name": "eu/Opportunity.csv", "size": 52311, "sha256": "9f86d0…"}]}
//
// Names are relative to the manifest's folder and separated by '/'. Further members are allowed and ignored,
// in the file and in its entries. A delivery is read whole or not at all: an export that is missing, has
// another size or was written after the manifest holds back every other one of the list. What a name's entry
// says of size and hash is checked, the hash while the export is read.
type Manifest struct {
	Files []ManifestEntry
}

// ManifestEntry is one export of a Manifest.
type ManifestEntry struct {
	Name string
	// Size is in bytes; nil when the manifest does not state it.
	Size *int64
	// SHA256 is lower-case hexadecimal; "" when the manifest does not state it.
	SHA256 string
}

// ParseManifest reads a manifest. Names that leave the folder or come twice, and hashes that are none, are errors.
func ParseManifest(data []byte) (Manifest, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var entries []json.RawMessage
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '[' {
		if err := json.Unmarshal(data, &entries); err != nil {
			return Manifest{}, fmt.Errorf("parse manifest: %w", err)
		}
	} else {
		var file struct {
			Files *[]json.RawMessage `json:"files"`
		}
		if err := json.Unmarshal(data, &file); err != nil {
			return Manifest{}, fmt.Errorf("parse manifest: %w", err)
		}
		if file.Files == nil {
			return Manifest{}, errors.New("parse manifest: neither a list nor an object with a list `files`")
		}
		entries = *file.Files
	}
	m := Manifest{Files: make([]ManifestEntry, len(entries))}
	seen := make(map[string]bool, len(entries))
	for i, raw := range entries {
		e, err := parseEntry(raw)
		if err == nil && seen[e.Name] {
			err = fmt.Errorf("%q is listed twice", e.Name)
		}
		if err != nil {
			return Manifest{}, fmt.Errorf("parse manifest, entry %d: %w", i+1, err)
		}
		seen[e.Name] = true
		m.Files[i] = e
	}
	return m, nil
}

func parseEntry(raw json.RawMessage) (ManifestEntry, error) {
	var e struct {
		Name   string `json:"name"`
		Size   *int64 `json:"size"`
		SHA256 string `json:"sha256"`
	}
	target := any(&e)
	if len(raw) > 0 && raw[0] == '"' {
		target = &e.Name
	}
	if err := json.Unmarshal(raw, target); err != nil {
		return ManifestEntry{}, err
	}
	e.SHA256 = strings.ToLower(e.SHA256)
	switch sum, err := hex.DecodeString(e.SHA256); {
	case e.Name == "":
		return ManifestEntry{}, errors.New("it has no name")
	case path.Clean(e.Name) != e.Name || path.IsAbs(e.Name) || e.Name == ".." || strings.HasPrefix(e.Name, "../"):
		return ManifestEntry{}, fmt.Errorf("%q is no plain path beneath the manifest", e.Name)
	case e.Size != nil && *e.Size < 0:
		return ManifestEntry{}, fmt.Errorf("%q has the size %d", e.Name, *e.Size)
	case err != nil || len(sum) != 0 && len(sum) != 32:
		return ManifestEntry{}, fmt.Errorf("%q: its sha256 is no SHA-256", e.Name)
	}
	return ManifestEntry{Name: e.Name, Size: e.Size, SHA256: e.SHA256}, nil
}

// delivered is a manifest as found in a store, beside what the store has of its exports.
type delivered struct {
	object Object
	// broken says why the manifest cannot be used; "" when it can.
	broken  string
	order   []string
	entries map[string]ManifestEntry
	found   map[string]Object
	// late is the first listed export that is not there as listed, with the reason; "" when all are.
	late, why string
}

// readDelivered reads a manifest from its store. One that is changing or not understood is broken.
func readDelivered(ctx context.Context, store Store, o Object) (_ *delivered, err error) {
	d := &delivered{object: o, entries: map[string]ManifestEntry{}, found: map[string]Object{}}
	if o.Size > maxManifest {
		d.broken = fmt.Sprintf("it has %d bytes, at most %d are read", o.Size, maxManifest)
		return d, nil
	}
	var data []byte
	r, err := store.Open(ctx, o)
	if err == nil {
		data, err = io.ReadAll(r)
		err = errors.Join(err, r.Close())
	}
	var changed *ChangedError
	if errors.As(err, &changed) {
		d.broken = changed.Reason
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := ParseManifest(data)
	if err != nil {
		d.broken = err.Error()
		return d, nil
	}
	for _, e := range m.Files {
		full := path.Join(path.Dir(o.Path), e.Name)
		d.order = append(d.order, full)
		d.entries[full] = e
	}
	return d, nil
}

// assign tells every manifest what the store has of its exports.
func assign(manifests map[string]*delivered, exports []Object) {
	for _, o := range exports {
		if m, ok := nearest(o.Path, manifests); ok {
			m.found[o.Path] = o
		}
	}
	for _, m := range manifests {
		for _, p := range m.order {
			if why := m.fault(p); why != "" {
				m.late, m.why = p, why
				break
			}
		}
	}
}

// fault says in what a listed export is not there as listed; "" when it is.
func (d *delivered) fault(p string) string {
	e := d.entries[p]
	o, ok := d.found[p]
	switch {
	case !ok:
		return "it is not there"
	case e.Size != nil && *e.Size != o.Size:
		return fmt.Sprintf("it has %d bytes, the manifest says %d", o.Size, *e.Size)
	case e.SHA256 == "" && o.ModTime.After(d.object.ModTime):
		return "it was written after the manifest, which does not state its sha256"
	}
	return ""
}

// admit returns why an export must wait for its manifest; one that need not takes over the promised hash.
func (d *delivered) admit(o *Object) *Waiting {
	w := &Waiting{Object: *o, Rule: RuleManifest}
	e, listed := d.entries[o.Path]
	switch {
	case d.broken != "":
		w.Reason, w.Next = fmt.Sprintf("%s cannot be used: %s", d.object.Path, d.broken), "correct the manifest, or let it be written anew"
	case !listed:
		w.Reason, w.Next = fmt.Sprintf("%s does not list it", d.object.Path), "list it in the manifest, or move it out of the folder"
	case d.late == o.Path:
		w.Reason, w.Next = d.why, "let the delivery be written again, its manifest last"
	case d.late != "":
		w.Reason, w.Next = fmt.Sprintf("it is part of the delivery of %s, which waits for %s (%s)", d.object.Path, d.late, d.why),
			"it is read as soon as the delivery is whole"
	default:
		o.SHA256 = e.SHA256
		return nil
	}
	return w
}

// missing returns the exports that are listed and not there.
func (d *delivered) missing() []Waiting {
	var out []Waiting
	for _, p := range d.order {
		if _, ok := d.found[p]; !ok {
			out = append(out, Waiting{Object: Object{Path: p}, Rule: RuleManifest,
				Reason: fmt.Sprintf("%s lists it, and it is not there", d.object.Path), Next: "let the delivery be written again, its manifest last"})
		}
	}
	return out
}
