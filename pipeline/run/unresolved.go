package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/partnerhealth/partnerhealth/pipeline/run/identitymap"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// Unresolved returns the identifiers of a published night that nobody could be found for, heaviest first, with the
// partners that they may mean; at most limit of them, or all where limit is 0.
func Unresolved(ctx context.Context, db *warehouse.Reader, limit int) (*warehouse.Rows, error) {
	query, err := explainQuery(ctx, "unresolved")
	if err != nil {
		return nil, err
	}
	if query == nil {
		return nil, errors.New("read unresolved references: the query explain/unresolved.sql is missing")
	}
	rows, err := db.Query(ctx, query.SQL, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("read unresolved references: %w", err)
	}
	return rows, nil
}

// OpenIdentifiers returns the rows of Unresolved as lines of the sheet that a person completes.
func OpenIdentifiers(unresolved *warehouse.Rows) ([]identitymap.Line, error) {
	r := newRows(unresolved)
	lines := make([]identitymap.Line, r.len())
	for i := range lines {
		lines[i] = identitymap.Line{
			Source: r.text(i, "id_source"), Type: r.text(i, "id_type"), Value: r.text(i, "id_value"),
			Evidence: identitymap.Evidence{
				Records: r.text(i, "records"), Amount: r.text(i, "amount_base"),
				FirstOn: r.text(i, "first_on"), LastOn: r.text(i, "last_on"),
				Reason: r.text(i, "reason"), Candidates: r.text(i, "candidates"),
			},
		}
	}
	return lines, r.err
}
