package lake

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// View is what a lake holds at one moment. It reads the manifest only and changes nothing.
type View struct {
	d *disk
	m manifest
}

// OpenView returns what the lake in folder dir holds. It needs no lock: a run that commits meanwhile is seen
// before or after. A folder without a lake holds nothing. Errors are those of Open.
func OpenView(dir string) (*View, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("read lake: %w", err)
	}
	d := &disk{dir: dir}
	m, _, err := readManifest(d)
	if err != nil {
		return nil, fmt.Errorf("read lake: %w", err)
	}
	return &View{d: d, m: m}, nil
}

// KnownAt returns what of the view had been received up to moment t, that moment included.
//
// Leaving out the later exports leaves the very rows that the earlier ones need: a row counts as unchanged only
// where the version that it repeats was received no later than itself. So the result is the lake that the earlier
// exports alone make, under the mappings of today: an export that was loaded late counts from its receipt on, and
// one that was read again under a changed mapping counts with its new reading. It needs that late exports were loaded
// in the order of their receipt, and snapshots on time: the lake has no word of a version that was merely repeated.
func (v *View) KnownAt(t time.Time) *View {
	out := &View{d: v.d, m: manifest{Version: v.m.Version, Generation: v.m.Generation}}
	for i := range v.m.Inputs {
		if in := &v.m.Inputs[i]; !in.ReceivedAt.After(t) {
			out.m.Inputs = append(out.m.Inputs, *in)
		}
	}
	return out
}

// Has reports whether an export with this content was loaded under this mapping; of a delivery in parts k is its
// Key. See Loaded for the rare export whose content has been seen before but counts again.
func (v *View) Has(k InputKey) bool {
	for i := range v.m.Inputs {
		if in := &v.m.Inputs[i]; in.Quarantined == "" && in.Content() == k {
			return true
		}
	}
	return false
}

// Loaded reports whether an export received at receivedAt need not be loaded. It is what Has says but for a
// content that comes back: where another export of the same object was loaded in between, and a table of it is
// a snapshot or upserted, the return to the old content is a change that must be loaded.
func (v *View) Loaded(k InputKey, receivedAt time.Time) bool {
	var last *InputRecord
	for i := range v.m.Inputs {
		in := &v.m.Inputs[i]
		if in.Quarantined == "" && in.Content() == k && (last == nil || in.ReceivedAt.After(last.ReceivedAt)) {
			last = in
		}
	}
	if last == nil {
		return false
	}
	if appendsOnly(last) {
		return true
	}
	for i := range v.m.Inputs {
		in := &v.m.Inputs[i]
		if in.Quarantined == "" && in.Source == last.Source && in.Object == last.Object && in.Content().SHA256 != k.SHA256 &&
			in.ReceivedAt.After(last.ReceivedAt) && receivedAt.After(in.ReceivedAt) {
			return false
		}
	}
	return true
}

func appendsOnly(in *InputRecord) bool {
	for i := range in.Tables {
		if in.Tables[i].Mode != contract.Append {
			return false
		}
	}
	return true
}

// Files returns the absolute paths of the live files of a table, in the order of the manifest.
func (v *View) Files(table string) []string {
	var out []string
	for i := range v.m.Inputs {
		for j := range v.m.Inputs[i].Tables {
			if t := &v.m.Inputs[i].Tables[j]; t.Table == table && t.File.Path != "" {
				out = append(out, v.d.path(t.File.Path))
			}
		}
	}
	return out
}

// Rejects returns the absolute paths of the live files of refused records, in the order of the manifest.
func (v *View) Rejects() []string {
	var out []string
	for i := range v.m.Inputs {
		if f := v.m.Inputs[i].Rejects; f.Path != "" {
			out = append(out, v.d.path(f.Path))
		}
	}
	return out
}

// Inputs returns a record of every export in the lake, in the order of the manifest.
func (v *View) Inputs() []InputRecord {
	out := slices.Clone(v.m.Inputs)
	for i := range out {
		out[i].Tables = slices.Clone(out[i].Tables)
	}
	return out
}

// Last returns the newest good export of an object, all its parts; none where there is no good one.
func (v *View) Last(source, object string) []InputRecord {
	var out []InputRecord
	for i := range v.m.Inputs {
		in := &v.m.Inputs[i]
		if in.Source != source || in.Object != object || in.Quarantined != "" {
			continue
		}
		switch {
		case len(out) > 0 && in.Content() == out[0].Content() && in.ReceivedAt.Equal(out[0].ReceivedAt):
			out = append(out, *in)
		case len(out) == 0 || !in.ReceivedAt.Before(out[0].ReceivedAt):
			out = append(out[:0], *in)
		}
	}
	return out
}

// Generation returns the number of commits that made the lake what it is.
func (v *View) Generation() int64 { return v.m.Generation }

// Dir returns the lake's folder, to which the paths of a FileRecord are relative.
func (v *View) Dir() string { return v.d.dir }
