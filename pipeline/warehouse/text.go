package warehouse

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow/array"
)

// Cell is one value as text, exactly as DuckDB writes it; a null has no text.
type Cell struct {
	Text string
	Null bool
}

// texts runs a query and returns its rows as text. The query is wrapped, so that DuckDB itself writes every
// type, DECIMALs and nested ones too; its order is kept.
func (s *session) texts(ctx context.Context, query string, args []any) ([][]Cell, error) {
	rows, err := s.plainTexts(ctx, "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n"+query+"\n)", args)
	var e *StatementError
	if errors.As(err, &e) && e.Line > 1 {
		e.Line-- // the query begins on the second line
	}
	return rows, err
}

// plainTexts runs a statement whose columns are all VARCHAR.
func (s *session) plainTexts(ctx context.Context, query string, args []any) ([][]Cell, error) {
	record, err := s.record(ctx, query, args)
	if err != nil {
		return nil, err
	}
	defer record.Release()
	rows := make([][]Cell, record.NumRows())
	cells := make([]Cell, int(record.NumRows()*record.NumCols()))
	for r := range rows {
		rows[r] = cells[r*int(record.NumCols()) : (r+1)*int(record.NumCols())]
	}
	for c := range int(record.NumCols()) {
		column, ok := record.Column(c).(*array.String)
		if !ok {
			return nil, &TypeError{record.ColumnName(c), record.Column(c).DataType().String()}
		}
		for r := range rows {
			if column.IsNull(r) {
				rows[r][c] = Cell{Null: true}
			} else {
				rows[r][c] = Cell{Text: column.Value(r)}
			}
		}
	}
	return rows, nil
}
