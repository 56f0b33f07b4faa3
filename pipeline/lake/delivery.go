package lake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// Input is one export of one file to be loaded.
type Input struct {
	Key InputKey
	// Provenance is what goes on every row. Source and SHA256 are those of Key; Dialect may be set later.
	Provenance contract.Provenance
	// Modes says, for each table that the export may feed, how its records meet those already there.
	Modes map[string]contract.Mode
	// AllowShrink lets a snapshot delete any number of keys: a person has looked at the *ShrinkError.
	AllowShrink bool
}

// Delivery is one export that comes in one file or in several: the parts of one snapshot, which is complete only
// with all of them. It is loaded, refused and compared as a whole; what a snapshot no longer has is looked for
// once, behind the last part, in whose file the deletions lie.
type Delivery struct {
	// Parts are in the order in which they are read: of one source, object and mapping version, each with another
	// content. All are received when the last of them was, so that their Provenance.LoadedAt is the same.
	Parts []Part
	// Modes and AllowShrink are those of Input. Without any table a delivery can only be quarantined.
	Modes       map[string]contract.Mode
	AllowShrink bool
}

// Part is one file of a delivery.
type Part struct {
	Key        InputKey
	Provenance contract.Provenance
	// Copies are the paths of further files with the very same bytes.
	Copies []string
}

// Key returns the identity of the delivery's content: that of its file, or what the hashes of all its parts make,
// whatever their order.
func (d *Delivery) Key() InputKey {
	keys := make([]InputKey, len(d.Parts))
	for i := range d.Parts {
		keys[i] = d.Parts[i].Key
	}
	return DeliveryKey(keys...)
}

// DeliveryKey returns the Key of a delivery whose parts have these keys.
func DeliveryKey(parts ...InputKey) InputKey {
	if len(parts) == 1 {
		return parts[0]
	}
	hashes := make([]string, len(parts))
	for i, k := range parts {
		hashes[i] = k.SHA256
	}
	slices.Sort(hashes)
	h := sha256.New()
	for _, x := range hashes {
		fmt.Fprintln(h, x)
	}
	return InputKey{SHA256: hex.EncodeToString(h.Sum(nil)), MappingVersion: parts[0].MappingVersion, Source: parts[0].Source}
}

// path names the delivery by its first part.
func (d *Delivery) path() string {
	switch len(d.Parts) {
	case 0:
		return "nothing"
	case 1:
		return d.Parts[0].Provenance.File
	}
	return fmt.Sprintf("%s and %d more", d.Parts[0].Provenance.File, len(d.Parts)-1)
}

var (
	sha256Hex   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	versionName = regexp.MustCompile(`^[0-9A-Za-z._]+$`)
)

func (l *Lake) validate(d *Delivery) error {
	if len(d.Parts) == 0 {
		return errors.New("it has no parts")
	}
	first, seen := &d.Parts[0], map[string]bool{}
	for i := range d.Parts {
		p := &d.Parts[i]
		if err := p.validate(); err != nil {
			return err
		}
		switch {
		case p.Key.Source != first.Key.Source || p.Key.MappingVersion != first.Key.MappingVersion ||
			p.Provenance.Object != first.Provenance.Object || p.Provenance.LoadedAt != first.Provenance.LoadedAt:
			return fmt.Errorf("part %s differs from %s in source, object, mapping or time of receipt", p.Provenance.File, first.Provenance.File)
		case seen[p.Key.SHA256]:
			return fmt.Errorf("part %s has the content of another", p.Provenance.File)
		}
		seen[p.Key.SHA256] = true
	}
	for _, name := range slices.Sorted(maps.Keys(d.Modes)) {
		if l.tables[name] == nil {
			return fmt.Errorf("table %s is not in the contract", name)
		}
		if !d.Modes[name].Valid() {
			return fmt.Errorf("table %s: write mode %q is unknown", name, d.Modes[name])
		}
	}
	return nil
}

func (part *Part) validate() error {
	k, p := part.Key, &part.Provenance
	switch {
	case !sha256Hex.MatchString(k.SHA256):
		return fmt.Errorf("sha256 %q is not 64 hexadecimal digits", k.SHA256)
	case !versionName.MatchString(k.MappingVersion):
		return fmt.Errorf("mapping version %q is not of letters and digits", k.MappingVersion)
	case k.Source == "" || p.Source != k.Source || p.SHA256 != k.SHA256:
		return fmt.Errorf("source %q and sha256 %q of the rows are not those of the input", p.Source, p.SHA256)
	}
	for _, text := range append([]string{p.Source, p.Preset, p.Object, p.File, p.Dialect, p.RunID}, part.Copies...) {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%q is not UTF-8", text)
		}
	}
	return nil
}

// place finds where in the manifest the delivery goes, and what it replaces there.
func (ld *Load) place() error {
	inputs, first := ld.l.m.Inputs, &ld.d.Parts[0].Provenance
	received := time.UnixMicro(first.LoadedAt).UTC()
	for i, n := 0, 0; i < len(inputs); i += n {
		r := &inputs[i]
		n = partsAt(inputs, i)
		// Two objects may have exports of the same content, empty ones for example: those are not one export.
		if r.Source != ld.key.Source || r.Content().SHA256 != ld.key.SHA256 || r.Object != first.Object && r.Path != first.File {
			continue
		}
		same := r.ReceivedAt.Equal(received)
		if r.Quarantined == "" && r.MappingVersion == ld.key.MappingVersion {
			if same {
				return fmt.Errorf("begin load of %s: it is loaded already", ld.d.path())
			}
			continue
		}
		if r.Quarantined != "" && ld.l.hasLater(i+n-1) {
			continue // What came after it was compared with what was before it: it is late now.
		}
		// Facts do not depend on when they were received, so that another reading replaces them in any case.
		if same || appendsOnly(r) && appendsAll(ld.d.Modes) {
			ld.at, ld.replaces = i, n
			if r.ReceivedAt.Before(received) {
				ld.receivedAt(r.ReceivedAt)
			}
			return nil
		}
	}
	for i := range inputs {
		r := &inputs[i]
		if r.Source != ld.key.Source || r.Object != first.Object || !r.ReceivedAt.After(received) {
			continue
		}
		for j := range r.Tables {
			if t := &r.Tables[j]; t.Mode == contract.Snapshot && ld.d.Modes[t.Table] == contract.Snapshot {
				return &OrderError{Source: r.Source, Object: r.Object, Path: ld.d.path(),
					Received: received, Newest: r.ReceivedAt, NewestPath: r.Path}
			}
		}
	}
	ld.at = len(inputs)
	return nil
}

// receivedAt dates the delivery.
func (ld *Load) receivedAt(t time.Time) {
	for i := range ld.d.Parts {
		ld.d.Parts[i].Provenance.LoadedAt = t.UnixMicro()
	}
}

// partsAt returns how many records from position i on are parts of one delivery.
func partsAt(inputs []InputRecord, i int) int {
	n := 1
	for inputs[i].Delivery != "" && i+n < len(inputs) && inputs[i+n].Content() == inputs[i].Content() &&
		inputs[i+n].ReceivedAt.Equal(inputs[i].ReceivedAt) {
		n++
	}
	return n
}

// hasLater reports whether an export of the same object was loaded after input i.
func (l *Lake) hasLater(i int) bool {
	r := &l.m.Inputs[i]
	return slices.ContainsFunc(l.m.Inputs[i+1:], func(in InputRecord) bool {
		return in.Source == r.Source && in.Object == r.Object && in.Quarantined == ""
	})
}

func appendsAll(modes map[string]contract.Mode) bool {
	for _, mode := range modes {
		if mode != contract.Append {
			return false
		}
	}
	return true
}
