package warehouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// rollupDay is the column by which a rollup is cut into months.
const rollupDay = "day"

// RollupEngine runs one file of rollup/ on DuckDB, month by month; it is the engine of pipeline/rollup.
//
// The file is one SELECT without a filter on time. It reads one table of the lake and run_settings, and has
// a column `day` DATE. For a month the engine shows it only the given files, and of these only the rows
// whose event time lies in the month extended by a day on either side, which covers every time zone, and those
// that take an event back, whatever their time; of the result it keeps the days of the month.
type RollupEngine struct {
	b     *Build
	model *Model
	fact  Name            // the table of the lake that the rollup reads
	time  contract.Column // its event time
	key   []string        // the columns that identify an event
}

// RollupEngine returns the engine for rollup/<name>.sql. The build must have run_settings, and must not
// have its lake yet.
func (b *Build) RollupEngine(name string) (*RollupEngine, error) {
	m, ok := b.graph.Rollup(name)
	if !ok {
		return nil, fmt.Errorf("no file rollup/%s.sql", name)
	}
	e := &RollupEngine{b: b, model: m}
	for _, up := range m.Upstream {
		if up.Schema != lakeSchema {
			if !b.exists(up) {
				return nil, &ModelError{File: m.File, Problem: fmt.Sprintf("run before %s is there", up)}
			}
			continue
		}
		t, ok := contract.Lookup(up.Table)
		if !ok || t.EventTime == "" || e.fact != (Name{}) {
			return nil, &ModelError{File: m.File, Problem: "a rollup reads one lake table, which has an event time"}
		}
		e.fact = up
		e.time, _ = t.Column(t.EventTime)
		e.key = t.Key
	}
	if e.fact == (Name{}) || !hasColumn(m.Columns, rollupDay) {
		return nil, &ModelError{File: m.File, Problem: "a rollup reads a lake table and has a column day"}
	}
	if b.exists(e.fact) {
		return nil, fmt.Errorf("run rollup %s: the lake was given before", name)
	}
	return e, nil
}

// Version identifies the computation: it changes with the statement and with the value of every setting
// that the statement names.
func (e *RollupEngine) Version(ctx context.Context) (string, error) {
	h := sha256.New()
	statement := commentOrText.ReplaceAllString(e.model.SQL, " ")
	fmt.Fprintf(h, "%s\n", e.model.SQL)
	for _, c := range e.b.graph.columns(Name{mainSchema, "run_settings"}) {
		if !regexp.MustCompile(`\b` + c.Name + `\b`).MatchString(statement) {
			continue
		}
		value, err := e.b.db.session.scalar(ctx, "SELECT CAST("+ident(c.Name)+" AS VARCHAR) FROM run_settings")
		if err != nil {
			return "", fmt.Errorf("read setting %s: %w", c.Name, err)
		}
		fmt.Fprintf(h, "%s=%s\n", c.Name, value)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// deletedMark is the column of every lake table that marks rows which take one back.
const deletedMark = "_deleted"

// Days returns the days, UTC, on which a file has events, in order, and whether rows of it take events back.
func (e *RollupEngine) Days(ctx context.Context, file string) (days []time.Time, voids bool, err error) {
	const parquet = "read_parquet([CAST(? AS VARCHAR)], hive_partitioning=false)"
	days, err = e.days(ctx, "SELECT DISTINCT CAST("+ident(e.time.Name)+" AS DATE) AS day FROM "+parquet+
		" WHERE "+ident(e.time.Name)+" IS NOT NULL ORDER BY day", globEscape(file))
	if err != nil {
		return nil, false, fmt.Errorf("read event days of %s: %w", file, err)
	}
	marked, err := e.b.db.session.scalar(ctx, "SELECT count(*) > 0 FROM "+parquet+" WHERE "+ident(deletedMark), globEscape(file))
	if err != nil {
		return nil, false, fmt.Errorf("read deletions of %s: %w", file, err)
	}
	return days, marked == "true", nil
}

// Voided returns the days, UTC, of the events in the given files that rows of another take back, in order.
func (e *RollupEngine) Voided(ctx context.Context, by string, in []string) ([]time.Time, error) {
	key := idents(e.key)
	marked, err := fileSelect(e.fact, lakeColumns(e.fact), []string{by})
	if err != nil {
		return nil, err
	}
	all, err := fileSelect(e.fact, lakeColumns(e.fact), in)
	if err != nil {
		return nil, err
	}
	days, err := e.days(ctx, "SELECT DISTINCT CAST("+ident(e.time.Name)+" AS DATE) AS day FROM ("+all+")"+
		" WHERE ("+key+") IN (SELECT ("+key+") FROM ("+marked+") WHERE "+ident(deletedMark)+") AND "+ident(e.time.Name)+" IS NOT NULL ORDER BY day")
	if err != nil {
		return nil, fmt.Errorf("read days that %s voids: %w", by, err)
	}
	return days, nil
}

// days returns the days that a query answers.
func (e *RollupEngine) days(ctx context.Context, query string, args ...any) ([]time.Time, error) {
	record, err := e.b.db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer record.Release()
	column := record.Column(0).(*array.Date32)
	days := make([]time.Time, column.Len())
	for i := range days {
		days[i] = column.Value(i).ToTime()
	}
	return days, nil
}

// Write computes the days [from, to) from the given files of the lake and writes them to path as Parquet,
// ordered by the rollup's key. It returns the number of rows.
func (e *RollupEngine) Write(ctx context.Context, from, to time.Time, files []string, path string) (rows int64, err error) {
	db := e.b.db
	if err := db.createSchema(ctx, lakeSchema); err != nil {
		return 0, err
	}
	if err := db.createWindow(ctx, e.fact, e.time.Name, from.AddDate(0, 0, -1), to.AddDate(0, 0, 1), files); err != nil {
		return 0, err
	}
	defer func() {
		if e := db.Exec(context.WithoutCancel(ctx), "DROP VIEW "+e.fact.sql()); err == nil {
			err = e
		}
	}()
	if err := db.verifyColumns(ctx, e.model, e.model.SQL); err != nil {
		return 0, err
	}
	// The statement's own text begins on the second line, so that DuckDB's line numbers are the file's plus one.
	statement := "COPY (SELECT * FROM (\n" + e.model.SQL + "\n)" +
		" WHERE " + ident(rollupDay) + " >= " + dateLiteral(from) + " AND " + ident(rollupDay) + " < " + dateLiteral(to) +
		" ORDER BY " + idents(e.model.Key) + ") TO " + literal(path) + " (FORMAT parquet, COMPRESSION zstd)"
	if rows, err = db.session.exec(ctx, statement); err != nil {
		return 0, modelFailure(e.model, "run", err, 1)
	}
	return rows, nil
}

// createWindow makes a view over the rows of files whose event time lies in [from, to), and those that take one back.
func (db *DB) createWindow(ctx context.Context, n Name, timeColumn string, from, to time.Time, files []string) error {
	all, err := fileSelect(n, lakeColumns(n), files)
	if err != nil {
		return err
	}
	window := "CREATE OR REPLACE VIEW " + n.sql() + " AS SELECT * FROM (" + all + ")" +
		" WHERE " + ident(timeColumn) + " >= " + dateLiteral(from) + " AND " + ident(timeColumn) + " < " + dateLiteral(to) +
		" OR " + ident(deletedMark)
	if err := db.Exec(ctx, window); err != nil {
		return fmt.Errorf("create view %s over %d files: %w", n, len(files), err)
	}
	return nil
}

// dateLiteral writes a day for the statements that take no parameters.
func dateLiteral(t time.Time) string { return "DATE " + literal(t.Format(time.DateOnly)) }
