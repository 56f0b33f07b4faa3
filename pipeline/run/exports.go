package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
	"github.com/partnerhealth/partnerhealth/pipeline/source/open"
)

// export is one file that a mapping recognises: a file of a store, or a member of an archive.
type export struct {
	source *config.Source
	// path is that inside the source; a member's is behind the archive's.
	path   string
	sha256 string
	size   int64
	// file and copy are what the store lists, member is set where that is an archive.
	file   source.Object
	copy   *source.Copy
	member archiveMember
	// object is as written in the file's dialect.
	object *preset.Object
	// keyMark names the key with which the mapping hashes e-mail addresses, "" where it hashes none.
	keyMark string
	// refused says why the file is refused before it is read; nil where it is not.
	refused *ingest.FileError
}

// key identifies the file's content under its mapping: what was read once is never read again. The version is that
// of the object alone, so that a change to one object's mapping reads no other object's files again, and the mark of the
// key, where addresses are hashed with one.
func (e *export) key() lake.InputKey {
	k := lake.InputKey{SHA256: e.sha256, MappingVersion: noMapping, Source: e.source.Name}
	if e.object != nil {
		k.MappingVersion = e.object.Version() + e.keyMark
	}
	return k
}

// noMapping stands for the mapping's version where no mapping comes into it: an archive that cannot be opened.
const noMapping = "none"

// receivedAt is when the file arrived: its modification time at the source, in whole microseconds.
func (e *export) receivedAt() time.Time { return e.file.ModTime.UTC().Truncate(time.Microsecond) }

// listing is everything that lies in the sources' folders.
type listing struct {
	deliveries []delivery
	// unmatched are files that no mapping names; frozen are those among them that stop the night.
	unmatched, frozen []string
	// waiting are files that may not be whole yet, ignored counts those that the configuration says not to read.
	waiting []Waiting
	ignored int
}

// lister finds the exports of all sources.
type lister struct {
	catalog  *catalog
	spool    *source.Spool
	archives *archives
	observer Observer
	now      time.Time
	// keyMark names the key of e-mail hashes.
	keyMark string

	out     listing
	exports []*export
	// passed are the files that a source passes over, by the place where they lie; taken are the places of those
	// that some source takes. Several sources may share a folder.
	passed map[string]string
	taken  map[string]bool
	// strict are the places of passed files of sources that take no unknown ones.
	strict map[string]bool
}

// list finds the exports, hashes them, looks into archives, tells which object each is, and orders them as they
// were received, because a later export corrects an earlier one. Files received at the same moment are ordered by
// source and path.
func (l *lister) list(ctx context.Context, sources []config.Source) (*listing, error) {
	l.passed, l.taken, l.strict = map[string]string{}, map[string]bool{}, map[string]bool{}
	type found struct {
		source *config.Source
		store  source.Store
		files  []source.Object
	}
	var all []found
	var broken error
	for i := range sources {
		s := &sources[i]
		store, err := open.Store(ctx, open.Place{Path: s.Path, Endpoint: s.Endpoint, Region: s.Region})
		if err != nil {
			broken = errors.Join(broken, fmt.Errorf("open source %s: %w", s.Name, err))
			continue
		}
		files, err := store.List(ctx)
		if err != nil {
			broken = errors.Join(broken, fmt.Errorf("list source %s: %w%s", s.Name, err, nextStep(s, err)))
			continue
		}
		all = append(all, found{s, store, files})
	}
	// Without one source's exports every number would be told on a biased remainder.
	if broken != nil {
		return nil, broken
	}
	for _, f := range all {
		whole, err := source.Completeness(f.source.Complete).Split(ctx, f.store, f.files, l.now)
		if err != nil {
			return nil, fmt.Errorf("list source %s: %w", f.source.Name, err)
		}
		for _, w := range whole.Waiting {
			l.wait(f.source, w.Object.Path, w.Rule, w.Reason, w.Next)
		}
		for _, o := range whole.Complete {
			if err := l.file(ctx, f.source, f.store, o); err != nil {
				return nil, err
			}
			l.observer.StageAdvanced(1)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(l.passed)) {
		if !l.taken[place] {
			l.out.unmatched = append(l.out.unmatched, l.passed[place])
			if l.strict[place] {
				l.out.frozen = append(l.out.frozen, l.passed[place])
			}
		}
	}
	slices.Sort(l.out.unmatched)
	l.out.deliveries = deliveries(l.exports)
	return &l.out, nil
}

// nextStep is what to do about a folder that cannot be listed. Errors of a single file, and those of a bucket, say it
// themselves.
func nextStep(s *config.Source, err error) string {
	var folder *source.FolderError
	switch {
	case open.Remote(s.Path) || !errors.As(err, &folder):
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return "; correct its path in the configuration, or make the folder"
	case errors.Is(err, fs.ErrPermission):
		return "; let the account that runs this program read it"
	}
	return "; correct its path in the configuration, or look at the folder"
}

func (l *lister) wait(s *config.Source, file, rule, reason, next string) {
	l.out.waiting = append(l.out.waiting, Waiting{Source: s.Name, File: file, Rule: rule, Reason: reason, NextStep: next})
}

// ruleChanged is the rule of files that were written while the night looked at them.
const ruleChanged = "changed"

// file takes in one file of a store. One that changes while it is read waits for the next night.
func (l *lister) file(ctx context.Context, s *config.Source, store source.Store, o source.Object) error {
	err := l.whole(ctx, s, store, o)
	var changed *source.ChangedError
	if errors.As(err, &changed) && ctx.Err() == nil {
		l.wait(s, o.Path, ruleChanged, "it changed while it was looked at: "+changed.Reason, "there is nothing to do; where this comes every night, start later")
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %s/%s: %w", s.Name, o.Path, err)
	}
	return nil
}

// ignores reports whether the configuration says not to read a file, and counts it. No other source that sees it calls
// it unknown then.
func (l *lister) ignores(e *export) bool {
	if !slices.ContainsFunc(e.source.Ignore, func(glob string) bool { return preset.Match(glob, e.path) }) {
		return false
	}
	l.taken[place(e)] = true
	l.out.ignored++
	return true
}

// whole hashes a file and takes it in, or the members that it holds.
func (l *lister) whole(ctx context.Context, s *config.Source, store source.Store, o source.Object) error {
	if l.ignores(&export{source: s, path: o.Path}) {
		return nil
	}
	var c *source.Copy
	if sum, ok := l.catalog.hash(s.Name, o); ok {
		c = l.spool.Known(store, o, sum)
	} else {
		var err error
		if c, err = l.spool.Fetch(ctx, store, o); err != nil {
			return err
		}
	}
	l.catalog.keepHash(s.Name, o, c.SHA256())
	content, err := remember(l.catalog.known.Archives, l.catalog.asked.Archives, c.SHA256(), func() (archiveContent, error) {
		return l.archives.look(ctx, c, o)
	})
	if err != nil {
		return err
	}
	e := export{source: s, path: o.Path, sha256: c.SHA256(), size: o.Size, file: o, copy: c}
	switch {
	case content.Refused != nil:
		l.refuseArchive(e, content.Refused)
	case len(content.Members) > 0:
		for _, m := range content.Members {
			member := e
			member.path, member.sha256, member.size, member.member = o.Path+"/"+m.Path, m.SHA256, m.Size, m
			if l.ignores(&member) {
				continue
			}
			if err := l.recognise(ctx, &member); err != nil {
				return err
			}
		}
	default:
		return l.recognise(ctx, &e)
	}
	return nil
}

// refuseArchive takes in an archive of which nothing can be used.
func (l *lister) refuseArchive(e export, r *archiveRefusal) {
	e.refused = &ingest.FileError{Source: e.source.Name, File: e.path, SHA256: e.sha256, Rule: r.Rule, Message: r.Message, NextStep: r.NextStep}
	// An archive may be called like the one export that it holds; that object's last good export then stays.
	if o, ok := e.source.Mapping.Find(e.path); ok {
		e.object, e.keyMark = o, markFor(o, l.keyMark)
		e.refused.Object = o.Name
	}
	l.taken[place(&e)] = true
	l.exports = append(l.exports, &e)
}

// place is where a file lies, whatever the source through which it is seen.
func place(e *export) string {
	if open.Remote(e.source.Path) {
		return e.source.Endpoint + " " + strings.TrimSuffix(e.source.Path, "/") + "/" + e.path
	}
	return filepath.ToSlash(filepath.Clean(filepath.Join(e.source.Path, filepath.FromSlash(e.path))))
}

// open opens the export's bytes.
func (l *lister) open(ctx context.Context, e *export) (io.ReadCloser, error) {
	if e.member.Path == "" {
		return e.copy.Open(ctx)
	}
	return l.archives.open(ctx, e.copy, e.file, e.member)
}

// close lets go of what is open and of what was downloaded.
func (l *lister) close() error { return errors.Join(l.archives.close(), l.spool.Close()) }

// runID names the night by what it is a function of, so that the same night always has the same id.
func runID(asOf, knownAt time.Time, configHash, codeVersion string, inputs []lake.InputKey) string {
	distinct := make(map[string]bool, len(inputs))
	for _, k := range inputs {
		distinct[k.Source+" "+k.SHA256+" "+k.MappingVersion] = true
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n", asOf.Format(time.DateOnly), configHash, codeVersion)
	if !knownAt.IsZero() {
		fmt.Fprintf(h, "known at %s\n", knownAt.UTC().Format(time.RFC3339Nano))
	}
	for _, line := range slices.Sorted(maps.Keys(distinct)) {
		fmt.Fprintln(h, line)
	}
	const idLength = 8
	return hex.EncodeToString(h.Sum(nil))[:idLength]
}

// delivery is one export in one file or in several parts, with what is known of it before it is read.
type delivery struct {
	parts []part
}

// part is one file of a delivery, with the paths of files of the same bytes that are not read again.
type part struct {
	*export
	copies []string
}

func (d *delivery) first() *export { return d.parts[0].export }

// key identifies the delivery's content under its mapping.
func (d *delivery) key() lake.InputKey {
	keys := make([]lake.InputKey, len(d.parts))
	for i := range d.parts {
		keys[i] = d.parts[i].key()
	}
	return lake.DeliveryKey(keys...)
}

// receivedAt is when the last of the parts arrived.
func (d *delivery) receivedAt() time.Time {
	var last time.Time
	for i := range d.parts {
		if t := d.parts[i].receivedAt(); t.After(last) {
			last = t
		}
	}
	return last
}

// size is the number of bytes to be read.
func (d *delivery) size() int64 {
	var n int64
	for i := range d.parts {
		n += d.parts[i].size
	}
	return n
}

// name is how a person calls the delivery.
func (d *delivery) name() string {
	text := d.first().source.Name + "/" + d.first().path
	if n := len(d.parts) - 1; n > 0 {
		text += fmt.Sprintf(" and %s", count(n, "more part"))
	}
	return text
}

// refused returns why the delivery is refused before it is read, nil where it is not.
func (d *delivery) refused() *ingest.FileError {
	for i := range d.parts {
		if r := d.parts[i].refused; r != nil {
			return r
		}
	}
	return nil
}

// deliveries puts the parts of snapshots together: files of one object, in one folder, that the mapping calls parts
// of one, written in the same mode. Of parts with the same bytes one is read.
func deliveries(exports []*export) []delivery {
	var out []delivery
	groups := map[string]int{}
	sort.SliceStable(exports, func(i, j int) bool {
		if a, b := exports[i], exports[j]; a.source.Name != b.source.Name {
			return a.source.Name < b.source.Name
		}
		return exports[i].path < exports[j].path
	})
	for _, e := range exports {
		group, ok := "", false
		if e.object != nil && e.refused == nil {
			group, ok = e.object.PartOf(e.path)
		}
		if !ok {
			out = append(out, delivery{parts: []part{{export: e}}})
			continue
		}
		key := fmt.Sprintf("%q %q %q %q %q", e.source.Name, e.object.Name, path.Dir(e.file.Path), group, e.object.Mode)
		at, ok := groups[key]
		if !ok {
			groups[key] = len(out)
			out = append(out, delivery{parts: []part{{export: e}}})
			continue
		}
		d := &out[at]
		if i := slices.IndexFunc(d.parts, func(p part) bool { return p.sha256 == e.sha256 }); i >= 0 {
			d.parts[i].copies = append(d.parts[i].copies, e.path)
			continue
		}
		d.parts = append(d.parts, part{export: e})
	}
	slices.SortStableFunc(out, func(a, b delivery) int { return a.receivedAt().Compare(b.receivedAt()) })
	return out
}
