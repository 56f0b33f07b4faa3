package ingest

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/transform"
)

// units cuts the records of a file into the units of one table, one after the other. Columns of the table read the
// values of the unit at hand by negative positions.
type units struct {
	// cell holds the alternatives of the column that is cut at sep.
	cell []int
	sep  []byte
	// columns are those that make a unit each, where the table is no split one.
	columns []unitColumn

	// values are those of the unit at hand, in the order of preset.Each.Virtual; src is the column that it comes from.
	values [][]byte
	src    int
	// rest is what is left of the cell at hand, at the next column.
	rest []byte
	at   int
}

// unitColumn is a column whose cells are units, with what the groups of the pattern found in its name, and the columns
// near it that belong to the unit, -1 where the file ends.
type unitColumn struct {
	at     int
	groups [][]byte
	near   []int
}

// virtual is the position by which columns read value k of a unit.
func virtual(k int) int { return -1 - k }

// units compiles how a table cuts records. Columns that the object reads by name are no units, nor are those without a
// name of their own.
func (b *binder) units(table string, e *preset.Each) (*units, error) {
	u := &units{sep: []byte(e.Sep), values: make([][]byte, len(e.Virtual()))}
	if len(e.Split) > 0 {
		if u.cell = b.find(e.Split); len(u.cell) == 0 {
			b.file.note(fmt.Sprintf("table %s gets no rows: its units come from the column %q, which the file does not have", table, e.Split))
		}
		return u, nil
	}
	re, err := regexp.Compile(e.Columns)
	if err != nil {
		return nil, fmt.Errorf("compile pattern: %w", err)
	}
	except := func(i int) bool {
		return b.read[i] || slices.ContainsFunc(e.Except, func(name string) bool { return preset.Fold(name) == preset.Fold(b.header.names[i]) })
	}
	for i := 0; i < len(b.header.names); i++ {
		match := re.FindStringSubmatch(b.header.names[i])
		if match == nil || b.header.isNameless(i) || except(i) {
			continue
		}
		c := unitColumn{at: i}
		for _, group := range match[1:] {
			c.groups = append(c.groups, []byte(group))
		}
		b.used[i] = true
		if e.Before != "" {
			c.near = append(c.near, b.near(i-1))
		}
		if e.Beside != "" {
			c.near = append(c.near, b.near(i+1))
		}
		u.columns = append(u.columns, c)
		if e.Pairs {
			i++
		}
	}
	if len(u.columns) == 0 && len(b.header.names) > 0 {
		b.file.note(fmt.Sprintf("table %s gets no rows: no column of the file matches %q", table, e.Columns))
	}
	return u, nil
}

// near marks column i as used and returns it, -1 where the file has none there.
func (b *binder) near(i int) int {
	if i < 0 || i >= len(b.used) {
		return -1
	}
	b.used[i] = true
	return i
}

// start begins with a record.
func (u *units) start(rec *record, n *nulls) {
	u.at, u.rest = 0, nil
	if cell, i, isNull := firstOf(u.cell, rec, nil, n); !isNull {
		u.rest, u.src = cell, i
	}
}

// next goes on to the next unit of the record; it answers false where there is none.
func (u *units) next(rec *record, n *nulls) bool {
	for {
		for len(u.rest) > 0 {
			part := u.rest
			if i := bytes.Index(u.rest, u.sep); i >= 0 && len(u.sep) > 0 {
				part, u.rest = u.rest[:i], u.rest[i+len(u.sep):]
			} else {
				u.rest = nil
			}
			if part = transform.Trim(part); len(part) > 0 && !n.has(part) {
				u.values[0] = part
				return true
			}
		}
		if u.at == len(u.columns) {
			return false
		}
		u.column(&u.columns[u.at], rec, n)
		u.at++
	}
}

// column goes on to the cell of a column, with what its name and the cells near it say.
func (u *units) column(c *unitColumn, rec *record, n *nulls) {
	if u.rest = rec.field(c.at); n.has(u.rest) {
		u.rest = nil
		return
	}
	u.src = c.at
	k := 1 + copy(u.values[1:], c.groups)
	for _, i := range c.near {
		// At the edge of the file there is no cell, which is as empty as a cell can be.
		if u.values[k] = nil; i >= 0 {
			u.values[k] = rec.field(i)
		}
		k++
	}
}
