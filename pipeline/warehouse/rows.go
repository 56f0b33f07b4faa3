package warehouse

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Row is one row by column name. Values are nil, bool, int, int64, float64, string or time.Time; each is
// cast to the type of its column, so that a DECIMAL or DATE can be given as text.
type Row map[string]any

// staging is the table in which rows lie as text before they are cast.
var staging = Name{mainSchema, "_fill"}

// insertRows inserts rows that have exactly the declared columns. They go in as text, by chunks, and are
// cast by one statement: an INSERT a row is a transaction and a flush a row.
func (db *DB) insertRows(ctx context.Context, n Name, columns []Column, rows []Row) (err error) {
	if len(rows) == 0 {
		return nil
	}
	record, err := textRecord(columns, rows)
	if err != nil {
		return fmt.Errorf("fill %s, %w", n, err)
	}
	defer record.Release()
	texts, casts := make([]Column, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		texts[i] = Column{Name: c.Name, Type: Varchar}
		casts[i] = "CAST(" + ident(c.Name) + " AS " + string(c.Type) + ")"
	}
	if err := db.createEmpty(ctx, staging, texts); err != nil {
		return err
	}
	defer func() {
		if e := db.Exec(context.WithoutCancel(ctx), "DROP TABLE "+staging.sql()); err == nil {
			err = e
		}
	}()
	if err := db.appendRecord(ctx, staging, texts, record); err != nil {
		return err
	}
	insert := "INSERT INTO " + n.sql() + " SELECT " + strings.Join(casts, ", ") + " FROM " + staging.sql()
	if err := db.Exec(ctx, insert); err != nil {
		return fmt.Errorf("fill %s: %w", n, err)
	}
	return nil
}

// textRecord returns the rows as a record of texts.
func textRecord(columns []Column, rows []Row) (arrow.RecordBatch, error) {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: arrow.BinaryTypes.String, Nullable: true}
	}
	builder := array.NewRecordBuilder(memory.NewGoAllocator(), arrow.NewSchema(fields, nil))
	defer builder.Release()
	for i, row := range rows {
		values, err := row.values(columns)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
		for j, v := range values {
			column := builder.Field(j).(*array.StringBuilder)
			text, ok, err := textOf(v)
			switch {
			case err != nil:
				return nil, fmt.Errorf("row %d: column %s: %w", i+1, columns[j].Name, err)
			case ok:
				column.Append(text)
			default:
				column.AppendNull()
			}
		}
	}
	return builder.NewRecordBatch(), nil
}

// textOf writes a value so that DuckDB's cast gives it back; ok is false for nil.
func textOf(value any) (text string, ok bool, err error) {
	switch v := value.(type) {
	case nil:
		return "", false, nil
	case string:
		return v, true, nil
	case bool:
		return strconv.FormatBool(v), true, nil
	case int:
		return strconv.Itoa(v), true, nil
	case int64:
		return strconv.FormatInt(v, 10), true, nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true, nil
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05.999999"), true, nil
	default:
		return "", false, fmt.Errorf("a %T has no text", value)
	}
}

// values returns the row's values in column order; a missing or unknown column is an error.
func (r Row) values(columns []Column) ([]any, error) {
	args := make([]any, len(columns))
	for i, c := range columns {
		v, ok := r[c.Name]
		if !ok {
			return nil, fmt.Errorf("column %s is not given", c.Name)
		}
		args[i] = v
	}
	if len(r) > len(columns) {
		for _, name := range sortedKeys(r) {
			if !hasColumn(columns, name) {
				return nil, fmt.Errorf("column %s is not declared", name)
			}
		}
	}
	return args, nil
}

func hasColumn(columns []Column, name string) bool {
	for _, c := range columns {
		if c.Name == name {
			return true
		}
	}
	return false
}
