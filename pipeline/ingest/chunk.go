package ingest

import (
	"context"
	"errors"
	"io"
)

const (
	// maxTypers is how many goroutines type records. More would wait for the one that reads and the one that writes.
	maxTypers = 2
	// chunksEach is how many chunks there are for each of them, blocksEach how many blocks at most, so that typing goes on
	// while the writer packs a group of rows.
	chunksEach = 2
	blocksEach = 6
	// A chunk is full when it holds chunkRecords records or chunkBytes of text.
	chunkRecords = 2048
	chunkBytes   = 256 << 10
)

// chunk is records in a row, copied, so that they can be typed while others are read. Where chunks begin and end depends
// on the records alone.
type chunk struct {
	records []record
	bytes   []byte
	fields  []span
	broken  []int32
}

// add copies a record. why says what is wrong with one that cannot be read.
func (c *chunk) add(rec *record, why *complaint) {
	c.records = append(c.records, *rec)
	copied := &c.records[len(c.records)-1]
	copied.raw, c.bytes = keepBytes(rec.raw, c.bytes)
	copied.unescaped, c.bytes = keepBytes(rec.unescaped, c.bytes)
	copied.rest, c.bytes = keepBytes(rec.rest, c.bytes)
	from := len(c.fields)
	c.fields = append(c.fields, rec.fields...)
	copied.fields = c.fields[from:len(c.fields):len(c.fields)]
	from = len(c.broken)
	c.broken = append(c.broken, rec.broken...)
	copied.broken = c.broken[from:len(c.broken):len(c.broken)]
	copied.why = why
}

// keepBytes appends b to the bytes of a chunk and returns it there. Where these grow, what was kept before stays in the
// old place.
func keepBytes(b, kept []byte) (here, all []byte) {
	from := len(kept)
	kept = append(kept, b...)
	return kept[from:len(kept):len(kept)], kept
}

func (c *chunk) isFull() bool { return len(c.records) >= chunkRecords || len(c.bytes) >= chunkBytes }

func (c *chunk) reset() {
	c.records, c.bytes, c.fields, c.broken = c.records[:0], c.bytes[:0], c.fields[:0], c.broken[:0]
}

// fillChunk reads records until the chunk is full. more is false at the end of the file.
func (o *opened) fillChunk(c *chunk) (more bool, err error) {
	c.reset()
	for !c.isFull() {
		rec, err := o.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, o.damaged(err)
		}
		var why *complaint
		if rec.fault != sound {
			what := o.describe(rec)
			why = &what
		}
		c.add(rec, why)
	}
	return true, nil
}

// feeder reads chunks and hands them to the typers in turn.
type feeder struct {
	opened *opened
	typers []*typer
	free   chan *chunk
}

// run feeds first, which was read before, and what follows it.
func (f *feeder) run(ctx context.Context, first *chunk, more bool) error {
	defer func() {
		for _, t := range f.typers {
			close(t.chunks)
		}
	}()
	c := first
	for turn := 0; ; turn++ {
		select {
		case f.typers[turn%len(f.typers)].chunks <- c:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !more {
			return nil
		}
		select {
		case c = <-f.free:
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		if more, err = f.opened.fillChunk(c); err != nil {
			return err
		}
	}
}
