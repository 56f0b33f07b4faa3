package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
)

// ruleSignature is the rule of files that are called like an object's and are not like them.
const ruleSignature = "signature"

// recognise tells which object of its source's mapping a file is, in which dialect, and takes it in.
func (l *lister) recognise(ctx context.Context, e *export) error {
	mapping := e.source.Mapping
	key := fmt.Sprintf("%s %s %q", e.sha256, mapping.Version(), e.path)
	found, err := remember(l.catalog.known.Objects, l.catalog.asked.Objects, key, func() (recognition, error) {
		return l.find(ctx, e)
	})
	if err != nil {
		return err
	}
	object := objectOf(mapping, found.Object)
	if object == nil {
		if _, ok := l.passed[place(e)]; !ok {
			l.passed[place(e)] = e.source.Name + "/" + e.path
		}
		l.strict[place(e)] = l.strict[place(e)] || e.source.UnknownFiles == config.FreezeUnknown
		return nil
	}
	l.taken[place(e)] = true
	e.object, e.keyMark = object, markFor(object, l.keyMark)
	for i := range object.Dialects {
		if d := &object.Dialects[i]; d.Name == found.Dialect {
			e.object = object.In(d)
		}
	}
	if len(found.Lacks) > 0 {
		e.refused = lacks(e, found)
	}
	l.exports = append(l.exports, e)
	return nil
}

func objectOf(m *preset.Mapping, name string) *preset.Object {
	for i := range m.Objects {
		if m.Objects[i].Name == name {
			return &m.Objects[i]
		}
	}
	return nil
}

// lacks refuses a file that has the name of an object's and not its columns.
func lacks(e *export, found recognition) *ingest.FileError {
	return &ingest.FileError{
		Source: e.source.Name, Object: e.object.Name, File: e.path, SHA256: e.sha256, Rule: ruleSignature,
		Message:  fmt.Sprintf("its name is that of %s, but it lacks the columns by which that is known: %s", e.object.Name, strings.Join(found.Lacks, ", ")),
		NextStep: "export it with these columns; or, if the source calls them otherwise now, add an alias to the source or a dialect to the mapping; or move the file away",
		Missing:  found.Lacks, Header: found.Columns,
	}
}

// glimpse reads the beginnings of one file, once for each way of reading it.
type glimpse struct {
	l       *lister
	e       *export
	samples map[string]*ingest.Sample
	broken  map[string]*ingest.FileError
}

func way(o *preset.Object) string { return fmt.Sprintf("%s %+v", o.Format, o.Read) }

// sample returns the beginning of the file as object o says. A file that cannot be read that way has no columns.
func (g *glimpse) sample(ctx context.Context, o *preset.Object) (preset.Sample, error) {
	key := way(o)
	if s := g.samples[key]; s != nil {
		return s, nil
	}
	if g.broken[key] != nil {
		return preset.Rows{}, nil
	}
	s, err := g.read(ctx, o)
	var refused *ingest.FileError
	switch {
	case errors.As(err, &refused):
		g.broken[key] = refused
		return preset.Rows{}, nil
	case err != nil:
		return nil, err
	}
	g.samples[key] = s
	return s, nil
}

func (g *glimpse) read(ctx context.Context, o *preset.Object) (_ *ingest.Sample, err error) {
	r, err := g.l.open(ctx, g.e)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return ingest.Inspect(ctx, r, o.Read, o.Format)
}

// find looks at the file.
func (l *lister) find(ctx context.Context, e *export) (recognition, error) {
	g := &glimpse{l: l, e: e, samples: map[string]*ingest.Sample{}, broken: map[string]*ingest.FileError{}}
	o, err := e.source.Mapping.Recognise(e.path, func(o *preset.Object) (preset.Sample, error) { return g.sample(ctx, o) })
	if err != nil {
		return recognition{}, err
	}
	if o == nil {
		return g.byName(), nil
	}
	found := recognition{Object: o.Name}
	if len(o.Dialects) > 0 {
		s, err := g.sample(ctx, o)
		if err != nil {
			return recognition{}, err
		}
		if d := o.Dialect(e.path, s); d != nil {
			found.Dialect = d.Name
		}
	}
	return found, nil
}

// byName decides on a file that no signature fits. Where its path names one object alone the file is that object's,
// for better or worse: it is refused and the object's last good export stays, which nobody would be told of a
// file that is passed over.
func (g *glimpse) byName() recognition {
	var named []*preset.Object
	for _, o := range g.e.source.Mapping.Candidates(g.e.path) {
		if len(o.Files) > 0 {
			named = append(named, o)
		}
	}
	if len(named) != 1 {
		return recognition{}
	}
	found := recognition{Object: named[0].Name}
	s := g.samples[way(named[0])]
	if s == nil {
		return found // It cannot even be read: reading it will say why.
	}
	for _, names := range named[0].Header {
		if !hasAny(s, names) {
			found.Lacks = append(found.Lacks, names.String())
		}
	}
	found.Columns = s.Columns
	return found
}

func hasAny(s preset.Sample, names preset.Names) bool {
	for _, name := range names {
		if s.Has(name) {
			return true
		}
	}
	return false
}
