package warehouse

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// session is one DuckDB database with one connection, spoken to through the driver's mapping of the C
// interface. database/sql is not used because columns have to leave and enter as chunks, which its
// connections do not offer without a build tag, and because its DSN cannot name every path. One
// connection serves all: statements, chunks and transactions see each other.
type session struct {
	mu   sync.Mutex // one statement at a time
	db   mapping.Database
	conn mapping.Connection
}

// interruptEvery is how often a cancelled statement is interrupted again: DuckDB clears the flag when
// the next part of a statement begins.
const interruptEvery = 20 * time.Millisecond

// openSession opens the database file at path ("" is in memory) with global options.
func openSession(path string, options [][2]string) (*session, error) {
	var config mapping.Config
	if mapping.CreateConfig(&config) == mapping.StateError {
		return nil, fmt.Errorf("create DuckDB configuration")
	}
	defer mapping.DestroyConfig(&config)
	for _, o := range options {
		if mapping.SetConfig(config, o[0], o[1]) == mapping.StateError {
			return nil, fmt.Errorf("set DuckDB option %s to %q", o[0], o[1])
		}
	}
	s := &session{}
	var message string
	if mapping.OpenExt(path, &s.db, config, &message) == mapping.StateError {
		mapping.Close(&s.db)
		return nil, &StatementError{Message: message}
	}
	if mapping.Connect(s.db, &s.conn) == mapping.StateError {
		mapping.Close(&s.db)
		return nil, fmt.Errorf("connect to DuckDB")
	}
	return s, nil
}

// close disconnects and closes the database; DuckDB checkpoints the file on the way.
func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	mapping.Disconnect(&s.conn)
	mapping.Close(&s.db)
}

// exec runs one statement and returns the number of rows it changed.
func (s *session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	var changed int64
	err := s.query(ctx, query, args, func(r *result) error {
		changed = int64(mapping.RowsChanged(&r.native))
		return nil
	})
	return changed, err
}

// query runs one statement and hands its result to use, which must not keep it.
func (s *session) query(ctx context.Context, query string, args []any, use func(*result) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.interruptible(ctx, func() error {
		var stmt mapping.PreparedStatement
		defer mapping.DestroyPrepare(&stmt)
		if mapping.Prepare(s.conn, query, &stmt) == mapping.StateError {
			return newStatementError(mapping.PrepareError(stmt))
		}
		if err := bindAll(stmt, args); err != nil {
			return err
		}
		r := &result{}
		defer mapping.DestroyResult(&r.native)
		if mapping.ExecutePrepared(stmt, &r.native) == mapping.StateError {
			return newStatementError(mapping.ResultError(&r.native))
		}
		r.columns = resultColumns(&r.native)
		return use(r)
	})
}

// prepared is what DuckDB says of a statement before it runs.
type prepared struct {
	columns []resultColumn
	kind    mapping.StatementType
}

// describe prepares a statement without running it.
func (s *session) describe(ctx context.Context, query string) (prepared, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var p prepared
	err := s.interruptible(ctx, func() error {
		var stmt mapping.PreparedStatement
		defer mapping.DestroyPrepare(&stmt)
		if mapping.Prepare(s.conn, query, &stmt) == mapping.StateError {
			return newStatementError(mapping.PrepareError(stmt))
		}
		p.kind = mapping.PreparedStatementType(stmt)
		for i := range mapping.PreparedStatementColumnCount(stmt) {
			t := mapping.PreparedStatementColumnLogicalType(stmt, i)
			p.columns = append(p.columns, resultColumn{mapping.PreparedStatementColumnName(stmt, i), readType(t)})
			mapping.DestroyLogicalType(&t)
		}
		return nil
	})
	return p, err
}

// interruptible runs f, interrupts DuckDB when ctx ends meanwhile, and then returns ctx's error.
func (s *session) interruptible(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Done() == nil {
		return f()
	}
	finished, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-finished:
			return
		case <-ctx.Done():
		}
		tick := time.NewTicker(interruptEvery)
		defer tick.Stop()
		for {
			mapping.Interrupt(s.conn)
			select {
			case <-finished:
				return
			case <-tick.C:
			}
		}
	}()
	err := f()
	close(finished)
	<-stopped // an interrupt that comes late would hit the next statement
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// result is the outcome of one statement.
type result struct {
	native  mapping.Result
	columns []resultColumn
}

// resultColumn is the name and type of one column of a result.
type resultColumn struct {
	Name string
	Type Type
}

func resultColumns(r *mapping.Result) []resultColumn {
	n := mapping.ColumnCount(r)
	columns := make([]resultColumn, 0, n)
	for i := range n {
		t := mapping.ColumnLogicalType(r, i)
		columns = append(columns, resultColumn{mapping.ColumnName(r, i), readType(t)})
		mapping.DestroyLogicalType(&t)
	}
	return columns
}

// chunks calls f for every data chunk; f must copy what it wants to keep. DuckDB answers a failure to fetch one, for
// want of memory say, as it answers the end, so that they are counted.
func (r *result) chunks(f func(mapping.DataChunk, int) error) error {
	want := mapping.ResultChunkCount(r.native) //nolint:staticcheck // nothing else tells an end from a failure
	for got := mapping.IdxT(0); ; got++ {
		chunk := mapping.FetchChunk(r.native)
		if chunk.Ptr == nil {
			if got != want {
				return fmt.Errorf("read result: %d of its %d parts came from DuckDB", got, want)
			}
			return nil
		}
		err := f(chunk, int(mapping.DataChunkGetSize(chunk)))
		mapping.DestroyDataChunk(&chunk)
		if err != nil {
			return err
		}
	}
}

// bindAll binds args to the parameters of stmt, in order.
func bindAll(stmt mapping.PreparedStatement, args []any) error {
	if n := int(mapping.NParams(stmt)); n != len(args) {
		return fmt.Errorf("bind parameters: the statement has %d, %d values are given", n, len(args))
	}
	for i, arg := range args {
		if err := bind(stmt, mapping.IdxT(i+1), arg); err != nil {
			return fmt.Errorf("bind parameter %d: %w", i+1, err)
		}
	}
	return nil
}

// bind binds one value: nil, bool, int, int32, int64, float64, string, or time.Time as a UTC TIMESTAMP.
func bind(stmt mapping.PreparedStatement, i mapping.IdxT, arg any) error {
	var state mapping.State
	switch v := arg.(type) {
	case nil:
		state = mapping.BindNull(stmt, i)
	case bool:
		state = mapping.BindBoolean(stmt, i, v)
	case int:
		state = mapping.BindInt64(stmt, i, int64(v))
	case int32:
		state = mapping.BindInt32(stmt, i, v)
	case int64:
		state = mapping.BindInt64(stmt, i, v)
	case float64:
		state = mapping.BindDouble(stmt, i, v)
	case string:
		state = mapping.BindVarchar(stmt, i, v)
	case time.Time:
		state = mapping.BindTimestamp(stmt, i, mapping.NewTimestamp(v.UnixMicro()))
	default:
		return fmt.Errorf("a %T cannot be bound", arg)
	}
	if state == mapping.StateError {
		return fmt.Errorf("DuckDB refuses the %T", arg)
	}
	return nil
}
