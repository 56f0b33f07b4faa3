package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
	"github.com/partnerhealth/partnerhealth/pipeline/source/local"
)

// export is one file that a mapping recognises.
type export struct {
	source *config.Source
	store  source.Store
	file   source.Object
	object *preset.Object
	sha256 string
}

// key identifies the export's content under its mapping: what was read once is never read again. The version
// is that of the object alone, so that a change to one object's mapping reads no other object's files again.
func (e *export) key() lake.InputKey {
	return lake.InputKey{SHA256: e.sha256, MappingVersion: e.object.Version(), Source: e.source.Name}
}

// receivedAt is when the export arrived: its modification time at the source, in whole microseconds.
func (e *export) receivedAt() time.Time { return e.file.ModTime.UTC().Truncate(time.Microsecond) }

// listing is everything that lies in the sources' folders.
type listing struct {
	exports   []export
	unmatched []string
}

// listExports finds the exports of all sources, hashes them, and orders them as they were received, because
// a later export corrects an earlier one. Files received at the same moment are ordered by source and path.
func listExports(ctx context.Context, sources []config.Source, o Observer) (*listing, error) {
	out := &listing{}
	var broken error
	for i := range sources {
		s := &sources[i]
		store, err := local.New(s.Path)
		if err != nil {
			broken = errors.Join(broken, fmt.Errorf("open source %s: %w", s.Name, err))
			continue
		}
		files, err := store.List(ctx)
		if err != nil {
			broken = errors.Join(broken, fmt.Errorf("list source %s: %w; correct its path in the configuration, or make the folder", s.Name, err))
			continue
		}
		for _, f := range files {
			object, ok := s.Mapping.Find(f.Path)
			if !ok {
				out.unmatched = append(out.unmatched, s.Name+"/"+f.Path)
				continue
			}
			out.exports = append(out.exports, export{source: s, store: store, file: f, object: object})
		}
	}
	// Without one source's exports every number would be told on a biased remainder.
	if broken != nil {
		return nil, broken
	}
	for i := range out.exports {
		e := &out.exports[i]
		sum, err := source.Hash(ctx, e.store, e.file)
		if err != nil {
			return nil, fmt.Errorf("hash %s/%s: %w", e.source.Name, e.file.Path, err)
		}
		e.sha256 = sum
		o.StageAdvanced(1)
	}
	sort.SliceStable(out.exports, func(i, j int) bool {
		a, b := &out.exports[i], &out.exports[j]
		if x, y := a.receivedAt(), b.receivedAt(); !x.Equal(y) {
			return x.Before(y)
		}
		if a.source.Name != b.source.Name {
			return a.source.Name < b.source.Name
		}
		return a.file.Path < b.file.Path
	})
	return out, nil
}

// runID names the night by what it is a function of, so that the same night always has the same id.
func runID(asOf time.Time, configHash, codeVersion string, known []lake.InputKey, found []export) string {
	inputs := make(map[string]bool, len(known)+len(found))
	for _, k := range known {
		inputs[k.Source+" "+k.SHA256+" "+k.MappingVersion] = true
	}
	for i := range found {
		k := found[i].key()
		inputs[k.Source+" "+k.SHA256+" "+k.MappingVersion] = true
	}
	lines := make([]string, 0, len(inputs))
	for line := range inputs {
		lines = append(lines, line)
	}
	sort.Strings(lines)
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n", asOf.Format(time.DateOnly), configHash, codeVersion)
	for _, line := range lines {
		fmt.Fprintln(h, line)
	}
	const idLength = 8
	return hex.EncodeToString(h.Sum(nil))[:idLength]
}
