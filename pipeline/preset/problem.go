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

// sorted puts problems in the order of the file. Those of one line keep the order in which they were found.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return ps
}

// snippet returns line number n, 1 for the first, below the line before it unless that is blank.
func snippet(lines []string, n int) string {
	if n < 1 || n > len(lines) {
		return ""
	}
	var b strings.Builder
	if n > 1 && strings.TrimSpace(lines[n-2]) != "" {
		fmt.Fprintf(&b, "    %3d | %s\n", n-1, lines[n-2])
	}
	fmt.Fprintf(&b, "  > %3d | %s\n", n, lines[n-1])
	return b.String()
}

// nearest returns "did you mean x?" for the known word that few edits turn word into, or "".
func nearest(word string, known []string) string {
	best, least := "", len(word)/3+2
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// distance is the Levenshtein distance of two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
