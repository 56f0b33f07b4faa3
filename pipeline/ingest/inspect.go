package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/jsonpath"
)

// sampleRecords is how many records Inspect reads.
const sampleRecords = 100

// Sample is what the beginning of a file tells. It is a preset.Sample.
type Sample struct {
	// Format is one of the formats of package preset.
	Format, Compression, Encoding string
	// Delimiter is that of delimited text, 0 for other formats.
	Delimiter byte
	// Columns are the header; those of a JSON file are the paths of all values in the first records.
	Columns []string
	// Records are the first records that could be read, by Columns. They are empty where a record has no value.
	Records [][]string
	// Undecodable is how many of the first records are no text in the encoding of the file.
	Undecodable int
	// Sheets are those of a workbook.
	Sheets []string

	header *header
	// raws are the first records of a JSON file.
	raws [][]byte
}

// Inspect reads the beginning of a file: its header and first records, as format and options say. A *FileError means
// that the file cannot be read so. Workbooks and Parquet files are read from their end, so these are copied first.
func Inspect(ctx context.Context, r io.Reader, read preset.ReadOptions, format string) (*Sample, error) {
	src := &source{r: &contextReader{ctx, r}}
	o, err := open(src, opening{read: read, format: format, note: func(string) {}})
	defer o.close()
	s := &Sample{Format: o.format, Compression: o.compression, Encoding: o.encoding, Delimiter: o.delim, Sheets: o.sheets, header: o.header}
	if err == nil && o.header != nil {
		err = s.read(o)
	}
	switch {
	case src.err != nil:
		return nil, fmt.Errorf("inspect: %w", src.err)
	case err != nil:
		return nil, err
	}
	if s.header == nil {
		s.header = newHeader(nil)
	}
	return s, nil
}

// contextReader reads until the run is cancelled.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// read keeps the first records. Damage behind them is no matter of the sample.
func (s *Sample) read(o *opened) error {
	s.Columns = s.header.names
	fields := newJSONFields(nil)
	for len(s.Records)+len(s.raws) < sampleRecords && o.count() < 2*sampleRecords {
		rec, err := o.next()
		var refused *FileError
		switch {
		case errors.Is(err, io.EOF), errors.As(err, &refused):
			return s.readPaths(o)
		case err != nil:
			return o.damaged(err)
		case rec.fault == badUTF8:
			s.Undecodable++
		case rec.fault != sound:
			continue
		case o.json != nil:
			if err := fields.read(rec); err == nil {
				s.raws = append(s.raws, slices.Clone(rec.raw))
			}
		default:
			s.Records = append(s.Records, cells(rec))
		}
	}
	return s.readPaths(o)
}

// readPaths names the columns of a JSON file and takes them from its records.
func (s *Sample) readPaths(o *opened) error {
	if o.json == nil {
		return nil
	}
	known := map[string]bool{}
	for _, raw := range s.raws {
		walkJSON("", raw, func(path string) {
			if !known[path] {
				known[path] = true
				s.Columns = append(s.Columns, path)
			}
		})
	}
	s.header = newPaths(s.Columns)
	fields := newJSONFields(s.Columns)
	rec := &record{}
	for _, raw := range s.raws {
		rec.raw = raw
		if err := fields.read(rec); err != nil {
			return fmt.Errorf("read a record again: %w", err)
		}
		s.Records = append(s.Records, cells(rec))
	}
	return nil
}

// maxPaths is how many paths a sample of a JSON file tells.
const maxPaths = 10_000

// walkJSON calls visit with the path of each value in a sound record that is no object with members.
func walkJSON(path string, value []byte, visit func(string)) {
	at, c := behindSpace(value, 0)
	if c != '{' {
		if path != "" {
			visit(path)
		}
		return
	}
	n := 0
	for name, member := range soundMembers(value, at) {
		if n++; n > maxPaths {
			return
		}
		inner := jsonpath.Join(path, jsonText(value[name.from:name.to]))
		walkJSON(inner, value[member.from:member.to], visit)
	}
}

// Has reports whether the file has the column; in a JSON file whether one of the first records has a value at the path.
func (s *Sample) Has(name string) bool {
	if s.header.find(name) >= 0 {
		return true
	}
	_, found := s.at(name)
	return found
}

// Value returns the first value of the column in the first records that is not empty, "" where there is none.
func (s *Sample) Value(name string) string {
	i := s.header.find(name)
	if i < 0 {
		value, _ := s.at(name)
		return value
	}
	for _, r := range s.Records {
		if i < len(r) && r[i] != "" {
			return r[i]
		}
	}
	return ""
}

// at returns the first value at a path that is no column: one that leads to an object, or into an array.
func (s *Sample) at(path string) (value string, found bool) {
	if len(s.raws) == 0 {
		return "", false
	}
	fields := newJSONFields([]string{path})
	rec := &record{}
	for _, raw := range s.raws {
		rec.raw = raw
		if err := fields.read(rec); err != nil {
			continue
		}
		if text := string(rec.field(0)); text != "" {
			return text, true
		}
	}
	return "", fields.found[0]
}
