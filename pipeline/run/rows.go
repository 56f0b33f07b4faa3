package run

import (
	"fmt"
	"strconv"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// rows reads the text rows of a query by column name. A column that is not there is a programming error of
// the night and is reported once, by err.
type rows struct {
	of      *warehouse.Rows
	columns map[string]int
	// sparse rows are of a night that an earlier version may have published: a column that it did not have is null.
	sparse bool
	err    error
}

func newRows(of *warehouse.Rows) *rows {
	r := &rows{of: of, columns: make(map[string]int, len(of.Columns))}
	for i, c := range of.Columns {
		r.columns[c.Name] = i
	}
	return r
}

func (r *rows) len() int { return len(r.of.Rows) }

// cell returns a cell, null where the column is missing.
func (r *rows) cell(i int, column string) warehouse.Cell {
	at, ok := r.columns[column]
	switch {
	case ok:
		return r.of.Rows[i][at]
	case !r.sparse:
		r.fail(fmt.Errorf("read column %s: the table has no such column", column))
	}
	return warehouse.Cell{Null: true}
}

func (r *rows) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// text returns a value as text, "" for null.
func (r *rows) text(i int, column string) string {
	c := r.cell(i, column)
	if c.Null {
		return ""
	}
	return c.Text
}

// float returns a number, nil for null.
func (r *rows) float(i int, column string) *float64 {
	c := r.cell(i, column)
	if c.Null {
		return nil
	}
	v, err := strconv.ParseFloat(c.Text, 64)
	if err != nil {
		r.fail(fmt.Errorf("read column %s: %w", column, err))
		return nil
	}
	return &v
}

// integer returns a whole number, 0 for null.
func (r *rows) integer(i int, column string) int64 {
	c := r.cell(i, column)
	if c.Null {
		return 0
	}
	v, err := strconv.ParseInt(c.Text, 10, 64)
	if err != nil {
		r.fail(fmt.Errorf("read column %s: %w", column, err))
	}
	return v
}

// truth returns a boolean, false for null.
func (r *rows) truth(i int, column string) bool { return r.text(i, column) == "true" }

// day returns a date, zero for null.
func (r *rows) day(i int, column string) time.Time {
	return r.time(i, column, time.DateOnly)
}

// instant returns a timestamp in UTC, zero for null.
func (r *rows) instant(i int, column string) time.Time {
	return r.time(i, column, "2006-01-02 15:04:05.999999")
}

func (r *rows) time(i int, column, layout string) time.Time {
	c := r.cell(i, column)
	if c.Null {
		return time.Time{}
	}
	t, err := time.Parse(layout, c.Text)
	if err != nil {
		r.fail(fmt.Errorf("read column %s: %w", column, err))
	}
	return t
}

// texts returns the texts of several columns without the empty ones.
func (r *rows) texts(i int, columns ...string) []string {
	var out []string
	for _, c := range columns {
		if s := r.text(i, c); s != "" {
			out = append(out, s)
		}
	}
	return out
}
