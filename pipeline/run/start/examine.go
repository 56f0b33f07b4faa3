package start

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest"
	"github.com/partnerhealth/partnerhealth/pipeline/ingest/archive"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

// opener opens a file from its beginning.
type opener func() (io.ReadCloser, error)

// spoolLimit is how many bytes of archives from a store that cannot seek are kept at a time.
const spoolLimit = 16 << 30

// headBytes tell an archive from other files.
const headBytes = 512

// eachMember calls visit for an export, or for every file in it when it is an archive. What cannot be opened is
// visited with an opener that says so.
func eachMember(ctx context.Context, store source.Store, o source.Object, visit func(path string, open opener) error) (err error) {
	direct := func() (io.ReadCloser, error) { return store.Open(ctx, o) }
	head, err := headOf(direct)
	if err != nil || !archive.IsArchive(head) {
		return visit(o.Path, direct)
	}
	scratch, err := os.MkdirTemp("", "partnerhealth-init-")
	if err != nil {
		return fmt.Errorf("make folder for archives: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	spool := source.NewSpool(filepath.Join(scratch, "exports"), spoolLimit)
	return expand(ctx, spool, store, o, scratch, visit)
}

func expand(ctx context.Context, spool *source.Spool, store source.Store, o source.Object, scratch string, visit func(string, opener) error) (err error) {
	defer func() { err = errors.Join(err, spool.Close()) }()
	copied, err := spool.Fetch(ctx, store, o)
	if err != nil {
		return visit(o.Path, failing(err))
	}
	f, err := copied.Open(ctx)
	if err != nil {
		return visit(o.Path, failing(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	limits := archive.DefaultLimits()
	limits.Dir = scratch
	contents, err := archive.Expand(ctx, o.Path, f, f.Size(), o.ModTime, limits)
	if err != nil {
		return visit(o.Path, failing(err))
	}
	defer func() { err = errors.Join(err, contents.Close()) }()
	for _, m := range contents.Members {
		if source.Skipped(m.Path) {
			continue
		}
		if err := visit(m.Path, func() (io.ReadCloser, error) { return contents.Open(m) }); err != nil {
			return err
		}
	}
	return nil
}

func failing(err error) opener { return func() (io.ReadCloser, error) { return nil, err } }

// headOf returns the first bytes of a file.
func headOf(open opener) (_ []byte, err error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	head := make([]byte, headBytes)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return head[:n], nil
}

// reading is the beginning of a file as each way of reading shows it.
type reading struct {
	ctx     context.Context
	open    opener
	samples map[string]*ingest.Sample
	errs    map[string]error
}

// sample reads the beginning of the file with the options of an object.
func (r *reading) sample(read preset.ReadOptions, format string) (*ingest.Sample, error) {
	// Zones say nothing about the form of a file.
	read.TimeZone = ""
	text, err := json.Marshal(read)
	if err != nil {
		return nil, fmt.Errorf("compare ways of reading: %w", err)
	}
	key := format + " " + string(text)
	if s, ok := r.samples[key]; ok {
		return s, r.errs[key]
	}
	s, err := r.inspect(read, format)
	r.samples[key], r.errs[key] = s, err
	return s, err
}

func (r *reading) inspect(read preset.ReadOptions, format string) (_ *ingest.Sample, err error) {
	f, err := r.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return ingest.Inspect(r.ctx, f, read, format)
}

// inspect looks into one file and asks the presets for it. Only an end of the context and an error of the store's
// own end the search; whatever is wrong with the file is its trouble.
func inspect(ctx context.Context, path string, open opener, presets []*known) (*File, error) {
	r := &reading{ctx: ctx, open: open, samples: map[string]*ingest.Sample{}, errs: map[string]error{}}
	f := &File{Path: path}
	plain, err := r.sample(preset.DefaultRead(), preset.FormatAuto)
	if err != nil {
		if !isOfFile(err) || ctx.Err() != nil {
			return nil, fmt.Errorf("look into %s: %w", path, err)
		}
		f.Trouble = troubleOf(err)
	} else {
		f.take(plain)
	}
	if err := f.recognise(r, presets); err != nil {
		return nil, err
	}
	if f.Preset == "" && f.Trouble != "" {
		f.decode(r)
	}
	if f.Preset != "" {
		f.Trouble = ""
	}
	return f, nil
}

// assumedEncoding is what exports that are no UTF-8 are in, mostly.
const assumedEncoding = "windows-1252"

// decode takes a file whose text is no UTF-8 for one in the usual encoding of old systems.
func (f *File) decode(r *reading) {
	read := preset.DefaultRead()
	read.Encoding = assumedEncoding
	if s, err := r.sample(read, preset.FormatAuto); err == nil {
		f.Trouble = ""
		f.take(s)
		f.Undecodable = len(s.Records)
	}
}

// troubleOf says what is wrong with a file, and what to do.
func troubleOf(err error) string {
	var file *ingest.FileError
	if errors.As(err, &file) {
		return file.Message + "; " + file.NextStep
	}
	return err.Error()
}

// isOfFile reports whether an error says something about one file only.
func isOfFile(err error) bool {
	var (
		file    *ingest.FileError
		packed  *archive.Error
		changed *source.ChangedError
	)
	return errors.As(err, &file) || errors.As(err, &packed) || errors.As(err, &changed)
}

func (f *File) take(s *ingest.Sample) {
	f.Format, f.Delimiter, f.Encoding, f.Columns, f.Records = s.Format, s.Delimiter, s.Encoding, s.Columns, s.Records
	f.Undecodable = s.Undecodable
}

// recognise asks every preset for the file. Of several that know it, the one counts that reads most of its columns.
// What none knows may be an object that a preset leaves out until a parameter is set.
func (f *File) recognise(r *reading, presets []*known) error {
	for _, k := range presets {
		if err := f.claim(r, k, k.mapping); err != nil {
			return err
		}
	}
	for _, k := range presets {
		if f.Preset != "" && len(f.Waits) == 0 {
			break
		}
		if err := f.claim(r, k, k.whole); err != nil {
			return err
		}
		if f.Preset == k.name {
			f.Waits = k.waits(f.Object)
		}
	}
	slices.Sort(f.Also)
	return nil
}

// claim lets a preset have the file if it knows it, and reads more of it than the one that has it.
func (f *File) claim(r *reading, k *known, m *preset.Mapping) error {
	object, sample, err := recogniseBy(m, f.Path, r)
	if object == nil || err != nil {
		return err
	}
	if m == k.whole && objectOf(k.mapping, object.Name) != nil {
		return nil // It is a matter of more than one setting.
	}
	read := columnsRead(object, sample)
	if f.Preset != "" && read <= f.Read {
		f.Also = append(f.Also, k.name)
		return nil
	}
	if f.Preset != "" {
		f.Also = append(f.Also, f.Preset)
	}
	f.Preset, f.Object, f.Read, f.Dialect = k.name, object.Name, read, ""
	dialect := object.Dialect(f.Path, sample)
	if dialect != nil {
		f.Dialect = dialect.Name
	}
	f.object = object.In(dialect)
	f.take(sample)
	return nil
}

// recogniseBy returns the object of a preset that a file is, with the file's beginning as that object reads it.
func recogniseBy(m *preset.Mapping, path string, r *reading) (*preset.Object, *ingest.Sample, error) {
	for _, o := range m.Candidates(path) {
		s, err := r.sample(o.Read, o.Format)
		if err != nil && !isOfFile(err) {
			return nil, nil, fmt.Errorf("look into %s: %w", path, err)
		}
		// What cannot be read as this object is none; one without a signature is told by its name alone.
		if err == nil && o.Fits(s) {
			return o, s, nil
		}
	}
	return nil, nil, nil
}

// columnsRead counts the columns of a file that an object reads.
func columnsRead(o *preset.Object, s *ingest.Sample) int {
	n := 0
	for _, names := range o.Reads() {
		if slices.ContainsFunc(names, s.Has) {
			n++
		}
	}
	return n
}
