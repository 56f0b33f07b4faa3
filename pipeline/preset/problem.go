package preset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a mapping, and what to do about it.
type Problem struct {
	// File is the mapping as the user named it.
	File string
	// Path names the setting, for example objects[0].tables[1].columns.amount; "" where the file as a whole is meant.
	Path string
	// Line is the line of the setting, or of the nearest one around it; 0 where there is none.
	Line int
	// Message says what is wrong, as a clause without a full stop.
	Message string
	// Hint says what to do; "" where the message says it.
	Hint string
	// Snippet is the offending line below the one before it, numbered; "" where there is no line.
	Snippet string
	// Parameter is the parameter that is not set, or whose value is wrong in its place, "" where the mapping itself is
	// wrong. Such a problem is solved where the mapping is used.
	Parameter string
}

// String returns the problem in one line.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Path)
	if p.Line > 0 {
		fmt.Fprintf(&b, " (line %d)", p.Line)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return strings.TrimSpace(b.String())
}

// Problems are all that is wrong with a mapping, in the order of the file. As an error it is never empty.
type Problems []Problem

// Error returns the problems one a line.
func (ps Problems) Error() string {
	var b strings.Builder
	for i, p := range ps {
		if i == 0 {
			fmt.Fprintf(&b, "mapping %s has %d problem", p.File, len(ps))
			if len(ps) > 1 {
				b.WriteByte('s')
			}
		}
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// sorted puts problems in the order of the file, each once: a part of the file that is used several times, by its
// anchor, has its problems once. Those of one line keep the order in which they were found.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return slices.CompactFunc(ps, func(a, b Problem) bool { return a.Line > 0 && a.Line == b.Line && a.Message == b.Message })
}
