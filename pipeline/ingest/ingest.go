// Package ingest turns the bytes of one export into typed rows and rejects.
//
// File unpacks the export, tells its format by its content, cuts it into records, types each record for every table that
// the mapping names, and hands batches of rows and all that was refused to a Sink. What a format is made of lies behind
// one reader: delimited text (scanner), JSON (jsonReader), workbooks (sheet) and Parquet (parquetReader).
//
// One goroutine reads, two type, one writes. Between them circulate a few chunks of records and blocks of rows, so that
// memory does not grow with the file; these come and go in the order of the records, so that the same file always has
// the same outcome.
//
// Its law: for every table, rows + unchanged + filtered + rejected = units, which are the records read, or at least as
// many where a mapping makes several rows of a record. It is checked on every file at run time, with both sides
// counted in different places.
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

// TableCount says what became of the units of a file for one table of its object: its records, or what an `each`
// makes of them. A record without any unit counts as one that was filtered.
type TableCount struct {
	Table                               string
	Units                               int64
	Rows, Unchanged, Filtered, Rejected int64
}

// Result says what became of a file.
type Result struct {
	Object, Dialect string
	// Format is one of the formats of package preset. Columns are the header as it was found; in a JSON file the paths
	// that were read and the members that were not.
	Format  string
	Columns []string
	// Footer is the number of records at the end that the mapping calls a footer: they are none of Records.
	Footer int64
	// Records are those behind the header, blank lines not counted. Values are those that were refused while the
	// row went on without them.
	Records, Values int64
	// Refused are the records that some table refused. Typed are the values that had a form to keep, such as numbers,
	// dates and ids.
	Refused, Typed int64
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
	if err == nil {
		if err = f.checkLaw(); err == nil {
			err = f.judge()
		}
	}
	var refused *FileError
	switch {
	case err == nil:
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
	frozen       frozen
}

const defaultBatchRows = 4096

// read does all but the final check.
func (f *file) read(ctx context.Context, src *source) error {
	o, err := open(src, opening{read: f.obj.Read, format: f.obj.Format, names: f.obj.SourceColumns(), note: f.note})
	defer o.close()
	f.result.Format = o.format
	if err != nil {
		return err
	}
	f.result.Dialect = o.dialect(f.obj.DialectName)
	h := o.header
	if h == nil {
		f.note(o.empty())
		h = newHeader(nil)
	} else if missing := h.missing(f.obj); len(missing) > 0 {
		return h.missingError(missing)
	}
	f.result.Columns = h.names
	p, err := f.compile(h)
	if err != nil {
		return err
	}
	if err := f.sink.SetDialect(f.result.Dialect); err != nil {
		return fmt.Errorf("set dialect of %s: %w", f.path, err)
	}
	if err := f.pump(ctx, o, p); err != nil {
		return err
	}
	return f.conclude(o)
}

// pump reads records in one goroutine, types them in up to maxTypers, and writes what comes of them in another.
func (f *file) pump(ctx context.Context, o *opened, p *plan) error {
	first := &chunk{}
	more, err := o.fillChunk(first)
	if err != nil {
		return err
	}
	plans := []*plan{p}
	for more && len(plans) < maxTypers {
		again, err := f.compileAgain(o)
		if err != nil {
			return err
		}
		plans = append(plans, again)
	}
	read := make(chan *chunk, chunksEach*len(plans)+1)
	for range cap(read) - 1 {
		read <- &chunk{}
	}
	w := &writer{file: f, plan: p, counts: make([]TableCount, len(p.tables)), unmapped: map[string]map[string]int64{}}
	for _, p := range plans {
		t := newTyper(f, p, read)
		if o.json != nil {
			t.json = &jsonTyper{fields: newJSONFields(p.header.names)}
		}
		w.typers = append(w.typers, t)
	}
	g, ctx := errgroup.WithContext(ctx)
	feed := &feeder{opened: o, typers: w.typers, free: read}
	g.Go(func() error { return feed.run(ctx, first, more) })
	for _, t := range w.typers {
		g.Go(func() error { return t.run(ctx) })
	}
	g.Go(func() error { return w.run(ctx) })
	err = g.Wait()
	f.add(o, w, plans)
	if o.json != nil {
		o.fields = newJSONFields(p.header.names)
		for _, t := range w.typers {
			o.fields.merge(t.json.fields)
		}
	}
	return err
}

// compileAgain compiles the object once more, since a plan serves one goroutine. What it reports was reported before.
func (f *file) compileAgain(o *opened) (*plan, error) {
	again := *f
	again.result = Result{}
	return again.compile(o.header)
}

// add takes over what was counted.
func (f *file) add(o *opened, w *writer, plans []*plan) {
	r := &f.result
	r.Records, r.Values, r.Refused, r.UnmappedValues = o.count(), w.values, w.refused, w.unmapped
	for _, p := range plans {
		r.Typed += p.typed()
	}
	for i, c := range w.counts {
		c.Table = w.plan.tables[i].table.Name
		r.Tables = append(r.Tables, c)
	}
	if r.Records == 0 && o.header != nil {
		f.note(o.none())
	}
}

func (f *file) batchRows() int {
	if f.opt.BatchRows > 0 {
		return f.opt.BatchRows
	}
	return defaultBatchRows
}

// checkLaw compares what became of the units with how many there were, and these with the records that were read.
func (f *file) checkLaw() error {
	for i, c := range f.result.Tables {
		units := f.result.Records
		if f.obj.Tables[i].Each != nil {
			units = max(units, c.Units)
		}
		if c.Units != units || c.Rows+c.Unchanged+c.Filtered+c.Rejected != units {
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
