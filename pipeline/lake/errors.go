package lake

import (
	"fmt"
	"time"
)

// ManifestError says that the lake's manifest is missing, unreadable or at odds with the files. Nothing was
// changed or swept: a person has to look, or restore the folder from a copy.
type ManifestError struct {
	Path   string
	Reason string
	Err    error
}

func (e *ManifestError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("lake manifest %s: %s: %v", e.Path, e.Reason, e.Err)
	}
	return fmt.Sprintf("lake manifest %s: %s", e.Path, e.Reason)
}

func (e *ManifestError) Unwrap() error { return e.Err }

// ShrinkError refuses a snapshot in which too many of the known keys are missing: an export that broke off
// or that holds something else would otherwise delete the rest.
type ShrinkError struct {
	Source, Object, Table string
	// Known keys were there before the load, Gone of them are not in the file.
	Known, Gone int
}

func (e *ShrinkError) Error() string {
	return fmt.Sprintf("snapshot of %s %s would delete %d of %d known rows of %s; export it again in full, or allow the deletion",
		e.Source, e.Object, e.Gone, e.Known, e.Table)
}

// OrderError refuses a snapshot that is older than one already loaded: it has nothing to say about the present,
// and the lake keeps changes, between which nothing can be inserted.
type OrderError struct {
	Source, Object, Path string
	Received, Newest     time.Time
	NewestPath           string
}

func (e *OrderError) Error() string {
	return fmt.Sprintf("snapshot %s of %s %s was received %s, before %s of %s which is loaded already; its content is ignored",
		e.Path, e.Source, e.Object, e.Received.Format(time.RFC3339), e.NewestPath, e.Newest.Format(time.RFC3339))
}

// CountError says that what a load wrote and what its caller counted differ: an error of this program, for
// which the load is refused.
type CountError struct {
	Path, Table string
	// What is counted: "rows" or "unchanged".
	What            string
	Counted, Actual int64
}

func (e *CountError) Error() string {
	return fmt.Sprintf("load %s: %d %s of %s counted, the lake has %d", e.Path, e.Counted, e.What, e.Table, e.Actual)
}
