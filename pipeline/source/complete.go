package source

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// Completeness says how one recognises an export that its system has finished writing. Every rule that is
// given must hold; with none, every listed export counts as finished, since Skipped passes over names that
// say otherwise and a store refuses to read what changes under its hands.
type Completeness struct {
	// StableFor is how long an export must have kept its size and time of writing.
	StableFor time.Duration
	// Marker is the name of a file, such as _SUCCESS, that the writing system puts beside the exports, or into
	// a folder above them, when it is done. An export written after it belongs to the next delivery.
	Marker string
	// Manifest is the name of a file that lists a delivery; see Manifest for its form.
	Manifest string
}

// Rules by which an export can be unfinished.
const (
	RuleStable   = "stable"
	RuleMarker   = "marker"
	RuleManifest = "manifest"
)

// Waiting is an export that is not read tonight because it may not be whole.
type Waiting struct {
	// Object is as it was listed; one that a manifest lists and the store does not have has only a path.
	Object Object
	// Rule is RuleStable, RuleMarker or RuleManifest.
	Rule string
	// Reason says what is missing and Next what a person can do, each without a final stop.
	Reason, Next string
}

// Delivery is a listing parted into what may be read and what must wait. Markers and manifests are in neither.
type Delivery struct {
	Complete []Object
	Waiting  []Waiting
}

// Validate returns what is wrong with the rules.
func (c Completeness) Validate() error {
	var err error
	if c.StableFor < 0 {
		err = errors.Join(err, fmt.Errorf("stable_for is %s: give a time that is not negative, such as 5m", c.StableFor))
	}
	for _, f := range []struct{ key, name string }{{RuleMarker, c.Marker}, {RuleManifest, c.Manifest}} {
		switch {
		case f.name == "":
		case strings.Contains(f.name, "/"):
			err = errors.Join(err, fmt.Errorf("%s is %q: give the name of a file without its folder", f.key, f.name))
		case Skipped(f.name):
			err = errors.Join(err, fmt.Errorf("%s is %q: files of such a name are never listed; choose another", f.key, f.name))
		}
	}
	return err
}

// Split parts the listing objects of store by the rules, as of the moment now, in the order of the listing.
// It reads manifests; a manifest that cannot be understood holds its folder back, and an error of the store
// is returned.
func (c Completeness) Split(ctx context.Context, store Store, objects []Object, now time.Time) (Delivery, error) {
	var d Delivery
	if err := c.Validate(); err != nil {
		return d, fmt.Errorf("rules of completeness: %w", err)
	}
	markers, manifests := map[string]Object{}, map[string]*delivered{}
	var exports []Object
	for _, o := range objects {
		switch name := path.Base(o.Path); {
		case c.Marker != "" && name == c.Marker:
			markers[path.Dir(o.Path)] = o
		case c.Manifest != "" && name == c.Manifest:
			m, err := readDelivered(ctx, store, o)
			if err != nil {
				return d, fmt.Errorf("read manifest %s: %w", o.Path, err)
			}
			manifests[path.Dir(o.Path)] = m
		default:
			exports = append(exports, o)
		}
	}
	assign(manifests, exports)
	for _, o := range exports {
		w := c.unstable(o, now)
		if w == nil {
			w = c.unmarked(o, markers)
		}
		if w == nil {
			w = c.undelivered(&o, manifests)
		}
		if w != nil {
			d.Waiting = append(d.Waiting, *w)
		} else {
			d.Complete = append(d.Complete, o)
		}
	}
	for _, o := range objects {
		if m := manifests[path.Dir(o.Path)]; m != nil && m.object.Path == o.Path {
			d.Waiting = append(d.Waiting, m.missing()...)
		}
	}
	return d, nil
}

// unstable returns why an export is too young.
func (c Completeness) unstable(o Object, now time.Time) *Waiting {
	age := now.Sub(o.ModTime)
	if c.StableFor == 0 || age >= c.StableFor {
		return nil
	}
	w := &Waiting{Object: o, Rule: RuleStable,
		Reason: fmt.Sprintf("it was written %s ago and must rest for %s", age.Round(time.Second), c.StableFor),
		Next:   "the next run reads it; start later, or lower complete.stable_for, if it is always too young"}
	if age < 0 {
		w.Reason = fmt.Sprintf("its time of writing is %s ahead of this machine's clock", (-age).Round(time.Second))
		w.Next = "set the clock of the machine that wrote it, or of this one"
	}
	return w
}

// unmarked returns why no marker vouches for an export.
func (c Completeness) unmarked(o Object, markers map[string]Object) *Waiting {
	if c.Marker == "" {
		return nil
	}
	marker, ok := nearest(o.Path, markers)
	if !ok {
		return &Waiting{Object: o, Rule: RuleMarker, Reason: fmt.Sprintf("no %s lies beside it or in a folder above", c.Marker),
			Next: "let the export end by writing it, or take complete.marker out of the configuration"}
	}
	if o.ModTime.After(marker.ModTime) {
		return &Waiting{Object: o, Rule: RuleMarker, Reason: fmt.Sprintf("it was written after %s", marker.Path),
			Next: "write the marker last, when the delivery is whole"}
	}
	return nil
}

// undelivered returns why no manifest vouches for an export; one that is vouched for takes over the hash
// that the manifest promises.
func (c Completeness) undelivered(o *Object, manifests map[string]*delivered) *Waiting {
	if c.Manifest == "" {
		return nil
	}
	m, ok := nearest(o.Path, manifests)
	if !ok {
		return &Waiting{Object: *o, Rule: RuleManifest, Reason: fmt.Sprintf("no %s lies beside it or in a folder above", c.Manifest),
			Next: "let the export end by writing it, or take complete.manifest out of the configuration"}
	}
	return m.admit(o)
}

// nearest returns what belongs to the folder of p, or else to the nearest folder above.
func nearest[T any](p string, of map[string]T) (T, bool) {
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		if found, ok := of[dir]; ok || dir == "." || dir == "/" {
			return found, ok
		}
	}
}
