package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// result is a table of texts as the database gives them; a nil cell is NULL.
type result struct {
	Columns []string
	Types   []string
	Rows    [][]*string
}

// isNumeric reports whether a database type is written right-aligned and, in JSON, without quotes.
func isNumeric(databaseType string) bool {
	switch base, _, _ := strings.Cut(databaseType, "("); base {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL":
		return true
	}
	return false
}

// writeTable writes the result for a person: aligned columns, numbers to the right, a count at the end.
func writeTable(w io.Writer, r result) error {
	widths := make([]int, len(r.Columns))
	for i, name := range r.Columns {
		widths[i] = runewidth.StringWidth(name)
	}
	for _, row := range r.Rows {
		for i, cell := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(cellText(cell)))
		}
	}
	var b strings.Builder
	line := func(text func(i int) string) {
		for i := range r.Columns {
			cell := text(i)
			pad := strings.Repeat(" ", widths[i]-runewidth.StringWidth(cell))
			switch {
			case isNumeric(r.Types[i]):
				b.WriteString(pad + cell)
			case i == len(r.Columns)-1:
				b.WriteString(cell)
			default:
				b.WriteString(cell + pad)
			}
			if i < len(r.Columns)-1 {
				b.WriteString("  ")
			}
		}
		b.WriteByte('\n')
	}
	line(func(i int) string { return r.Columns[i] })
	line(func(i int) string { return strings.Repeat("-", widths[i]) })
	for _, row := range r.Rows {
		line(func(i int) string { return cellText(row[i]) })
	}
	unit := "rows"
	if len(r.Rows) == 1 {
		unit = "row"
	}
	fmt.Fprintf(&b, "(%d %s)\n", len(r.Rows), unit)
	_, err := io.WriteString(w, b.String())
	return err
}

// cellText is a cell on one line: NULL is empty, control characters and the like are shown as spaces.
func cellText(cell *string) string {
	if cell == nil {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if isUnseen(r) {
			return ' '
		}
		return r
	}, *cell)
}

// writeCSV writes the result for machines: RFC 4180, NULL as an empty field.
func writeCSV(w io.Writer, r result) error {
	out := csv.NewWriter(w)
	if err := out.Write(r.Columns); err != nil {
		return err
	}
	record := make([]string, len(r.Columns))
	for _, row := range r.Rows {
		for i, cell := range row {
			record[i] = ""
			if cell != nil {
				record[i] = *cell
			}
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// writeJSON writes the result as an array of objects, columns in order, decimals with every digit.
func writeJSON(w io.Writer, r result) error {
	var b strings.Builder
	b.WriteString("[")
	for i, row := range r.Rows {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n  {")
		for j, cell := range row {
			if j > 0 {
				b.WriteString(", ")
			}
			name, err := json.Marshal(r.Columns[j])
			if err != nil {
				return err
			}
			value, err := jsonCell(r.Types[j], cell)
			if err != nil {
				return err
			}
			b.Write(name)
			b.WriteString(": ")
			b.Write(value)
		}
		b.WriteString("}")
	}
	if len(r.Rows) > 0 {
		b.WriteString("\n")
	}
	b.WriteString("]\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func jsonCell(databaseType string, cell *string) ([]byte, error) {
	switch {
	case cell == nil:
		return []byte("null"), nil
	case isNumeric(databaseType) && json.Valid([]byte(*cell)):
		return []byte(*cell), nil
	case databaseType == "BOOLEAN":
		return []byte(*cell), nil
	}
	return json.Marshal(*cell)
}
