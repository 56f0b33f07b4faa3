package config

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/preset/yamltext"
)

// Problem is one thing that is wrong with the configuration or with a mapping that it names.
type Problem = preset.Problem

// Problems are all that is wrong with a configuration and its mappings, in the order of the files. It is never
// empty as an error.
type Problems []Problem

// Error returns all problems in one line, for logs. People are shown Render.
func (ps Problems) Error() string {
	var texts []string
	for file := range ps.byFile() {
		for i, p := range file {
			text := p.String()
			if i == 0 {
				text = file.title() + ": " + text
			}
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

// Render returns the problems as a person reads them at a terminal: for each file a title, then each problem
// with its lines.
func (ps Problems) Render() string {
	var b strings.Builder
	for file := range ps.byFile() {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(file.title() + "\n")
		for _, p := range file {
			render(&b, p)
		}
	}
	return b.String()
}

func render(b *strings.Builder, p Problem) {
	b.WriteString("\n  ")
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	// A suggestion belongs to the sentence; an instruction stands below the lines that it is about.
	inline := strings.HasPrefix(p.Hint, yamltext.DidYouMean)
	if inline {
		b.WriteString(", " + p.Hint)
	}
	b.WriteString("\n" + p.Snippet)
	if p.Hint != "" && !inline {
		b.WriteString("        " + p.Hint + "\n")
	}
}

// byFile yields the problems of one file after the other.
func (ps Problems) byFile() iter.Seq[Problems] {
	return func(yield func(Problems) bool) {
		for first := 0; first < len(ps); {
			end := first + 1
			for end < len(ps) && ps[end].File == ps[first].File {
				end++
			}
			if !yield(ps[first:end]) {
				return
			}
			first = end
		}
	}
}

// title counts the problems of one file.
func (ps Problems) title() string {
	if len(ps) == 1 {
		return fmt.Sprintf("configuration %s has 1 problem", ps[0].File)
	}
	return fmt.Sprintf("configuration %s has %d problems", ps[0].File, len(ps))
}

// inFileOrder sorts by line, what has no line last; problems of the same line keep the order in which they were found.
func (ps Problems) inFileOrder() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if (a.Line == 0) != (b.Line == 0) {
			return cmp.Compare(b.Line, a.Line)
		}
		return cmp.Compare(a.Line, b.Line)
	})
}
