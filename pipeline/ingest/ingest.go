// Package ingest turns the bytes of one export into typed rows and rejects.
//
// File unpacks and decodes the export, cuts it into records, types each record for every table that the mapping
// names, and hands batches of rows and all that was refused to a Sink. One goroutine reads and types, another
// one writes; between them circulate a few blocks, so that memory does not grow with the file.
//
// Its law: for every table, rows + unchanged + filtered + rejected = records read. It is checked on every file at
// run time, with both sides counted in different places.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
)

// Options say what a mapping leaves to the run.
type Options struct {
	// Source is the configured name of the source instance; native keys begin with it.
	Source string
	// TimeZone is the IANA zone of local times where the mapping states none; "" for none.
	TimeZone string
	// EmailKey is the key of hmac_email. Without one no address is kept in any form: such columns are null, and a
	// mapping whose keys need one is refused.
	EmailKey []byte
	// BatchRows is the number of rows in a batch, 0 for the default.
	BatchRows int
}

// Sink takes what File makes of an export. It is called from one goroutine.
type Sink interface {
	// SetDialect is called once, before all else, with how the file is read.
	SetDialect(dialect string) error
	// Unchanged reports whether row is the newest known version of key, and remembers it otherwise: that row is then
	// written. It is not called for tables of mode append.
	Unchanged(table string, key contract.KeyHash, row uint64) bool
	// Keep says that a record of this key was refused, so that its absence is no deletion.
	Keep(table string, key contract.KeyHash)
	// Write takes rows. The batch is reused after it returns.
	Write(ctx context.Context, b *contract.Batch) error
	// Reject takes a refused record, or a refused value.
	Reject(ctx context.Context, r contract.Reject) error
}

// TableCount says what became of the records of a file for one table of its object.
type TableCount struct {
	Table                               string
	Rows, Unchanged, Filtered, Rejected int64
}

// Result says what became of a file.
type Result struct {
	Object, Dialect string
	// Records are those behind the header, blank lines not counted. Values are those that were refused while the
	// row went on without them.
	Records, Values int64
	// Tables has an entry for each table of the object, in its order.
	Tables []TableCount
	// UnmappedValues counts, by table.column, the texts that neither map nor closed list know; OtherValues stands
	// for those beyond the first hundred.
	UnmappedValues map[string]map[string]int64
	// MissingColumns are named by the mapping and not in the file, ExtraColumns the other way round.
	MissingColumns, ExtraColumns []string
	// Notes are remarks for a person, such as that the file is empty.
	Notes []string
}

// File reads the export r, which its source calls path and whose content hash is sha256, as obj says. A *FileError
// means that the file as a whole is refused; a *LawError that records were lost. Whatever the error, nothing that
// the sink was given may be kept.
func File(ctx context.Context, r io.Reader, path, sha256 string, obj *preset.Object, opt Options, sink Sink) (Result, error) {
	f := &file{
		path: path, sha256: sha256, obj: obj, opt: opt, sink: sink,
		result: Result{Object: obj.Name},
	}
	src := &source{r: r}
	err := f.read(ctx, src)
	var refused *FileError
	switch {
	case err == nil:
		err = f.checkLaw()
	case src.err != nil:
		err = fmt.Errorf("read %s: %w", path, src.err)
	case errors.As(err, &refused):
		refused.Source, refused.Object, refused.File, refused.SHA256 = opt.Source, obj.Name, path, sha256
	}
	return f.result, err
}

// file is one export on its way.
type file struct {
	path, sha256 string
	obj          *preset.Object
	opt          Options
	sink         Sink
	result       Result
}

const defaultBatchRows = 4096

// read does all but the final check.
func (f *file) read(ctx context.Context, src *source) error {
	t, err := decode(src, f.obj.Read.Encoding)
	if err != nil {
		return damaged(err)
	}
	s := newScanner(t, f.obj.Read.Quote, startBuffer)
	s.skipBOM()
	if s.delim = f.obj.Read.Delimiter; s.delim == 0 {
		s.delim = detectDelimiter(s.sample(sampleSize), s.quote, sourceColumns(f.obj))
	}
	f.result.Dialect = fmt.Sprintf("delimiter=%q quote=%q encoding=%s compression=%s", s.delim, quoteText(s), t.encoding, t.compression)
	h, err := readHeader(s)
	if err != nil {
		return damaged(err)
	}
	if h == nil {
		f.note("the file is empty: it has no header")
		h = newHeader(nil)
	} else if missing := h.missing(f.obj); len(missing) > 0 {
		return h.missingError(missing)
	}
	p, err := f.compile(h)
	if err != nil {
		return err
	}
	if err := f.sink.SetDialect(f.result.Dialect); err != nil {
		return fmt.Errorf("set dialect of %s: %w", f.path, err)
	}
	return f.pump(ctx, s, p)
}

func quoteText(s *scanner) string {
	if !s.quotes {
		return ""
	}
	return string(rune(s.quote))
}

// readHeader returns the header of the file, nil where there is none.
func readHeader(s *scanner) (*header, error) {
	rec, err := s.next()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if rec.fault != sound {
		p := describeFault(rec, s)
		next := p.next
		if rec.fault == nulByte || rec.fault == badUTF8 {
			next = "declare the encoding in the mapping, for example read: {encoding: windows-1252}, or utf-16le where every second byte is zero"
		}
		return nil, &FileError{Rule: RuleBadHeader, Message: "the header cannot be read: it " + p.message, NextStep: next}
	}
	h := newHeader(cells(rec))
	s.width, s.records = len(h.names), 0
	return h, nil
}

// damaged refuses a file whose compressed data cannot be unpacked; the refusals of File and errors of the reader
// pass through.
func damaged(err error) error {
	var refused *FileError
	if errors.As(err, &refused) {
		return err
	}
	return &FileError{Rule: RuleDamaged, Message: "its gzip data is cut off or damaged: " + err.Error(),
		NextStep: "export or copy the file again", Err: err}
}

// pump types records in one goroutine and writes what comes of them in another.
func (f *file) pump(ctx context.Context, s *scanner, p *plan) error {
	g, ctx := errgroup.WithContext(ctx)
	free, full := make(chan *block, blocks), make(chan *block, blocks)
	for range blocks {
		free <- newBlock(p)
	}
	t := &typer{file: f, s: s, plan: p, counts: make([]TableCount, len(p.tables)), unmapped: map[string]map[string]*int64{}, free: free, full: full}
	w := &writer{file: f, plan: p, counts: make([]TableCount, len(p.tables)), free: free, full: full}
	g.Go(func() error {
		defer close(full)
		return t.run(ctx)
	})
	g.Go(func() error { return w.run(ctx) })
	err := g.Wait()
	f.result.Records, f.result.Values, f.result.UnmappedValues = s.records, t.values, t.unmappedValues()
	for i := range p.tables {
		f.result.Tables = append(f.result.Tables, TableCount{
			Table: p.tables[i].table.Name, Rows: w.counts[i].Rows, Unchanged: w.counts[i].Unchanged,
			Filtered: t.counts[i].Filtered, Rejected: t.counts[i].Rejected,
		})
	}
	return err
}

func (f *file) batchRows() int {
	if f.opt.BatchRows > 0 {
		return f.opt.BatchRows
	}
	return defaultBatchRows
}

// checkLaw compares what became of the records with how many were read.
func (f *file) checkLaw() error {
	for _, c := range f.result.Tables {
		if c.Rows+c.Unchanged+c.Filtered+c.Rejected != f.result.Records {
			return &LawError{File: f.path, Count: c, Records: f.result.Records}
		}
	}
	return nil
}

// note adds a remark, once.
func (f *file) note(remark string) {
	if !slices.Contains(f.result.Notes, remark) {
		f.result.Notes = append(f.result.Notes, remark)
	}
}

// zone returns the zone of local times, nil where none is declared.
func (f *file) zone() (*transform.Zone, error) {
	name := f.obj.Read.TimeZone
	if name == "" {
		name = f.opt.TimeZone
	}
	if name == "" {
		return nil, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("load time zone of %s: %w", f.obj.Name, err)
	}
	return transform.NewZone(loc), nil
}
