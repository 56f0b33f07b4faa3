// Package yamltext holds what configuration and mappings have in common as YAML that people write: how a file that is
// no YAML is told, how the lines of a problem are shown, and which word may have been meant by another.
package yamltext

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Lines returns the lines of a file, without byte order mark and whatever system ended them.
func Lines(data []byte) []string {
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	return strings.Split(text, "\n")
}

// SyntaxError says where a file stops being YAML.
type SyntaxError struct {
	// Line is 0 where it is not known.
	Line    int
	Message string
}

// Error returns what is wrong.
func (e *SyntaxError) Error() string { return e.Message }

// Parse returns the documents of a file that say anything. The error is a *SyntaxError.
func Parse(lines []string, mode ...parser.Option) ([]ast.Node, error) {
	tokens := lexer.Tokenize(strings.Join(lines, "\n"))
	if line := tooDeep(tokens); line > 0 {
		return nil, &SyntaxError{line, fmt.Sprintf("it is nested more than %d deep; is it the right file?", maxDepth)}
	}
	file, err := parser.Parse(tokens, 0, mode...)
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			return nil, &SyntaxError{syntax.GetToken().Position.Line, syntax.GetMessage()}
		}
		return nil, &SyntaxError{0, err.Error()}
	}
	var documents []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			documents = append(documents, doc.Body)
		}
	}
	return documents, nil
}

// maxDepth is how deep brackets, or dashes on one line, may be nested. The library takes time by the square of the depth,
// and a stack by the depth; what is nested by indentation grows by itself.
const maxDepth = 100

// tooDeep returns the line where that is exceeded, 0 for none.
func tooDeep(tokens token.Tokens) int {
	brackets, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			dashes, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets = max(0, brackets-1)
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		}
		if max(brackets, dashes) > maxDepth {
			return line
		}
	}
	return 0
}

// FirstLine returns the line on which a node begins; a mapping's own token is its first colon.
func FirstLine(node ast.Node) int {
	if m, ok := node.(ast.MapNode); ok {
		if it := m.MapRange(); it.Next() {
			return it.Key().GetToken().Position.Line
		}
	}
	return node.GetToken().Position.Line
}

// Snippet returns line number n, 1 for the first, marked, below the line above that gives it its place, 0 for none.
func Snippet(lines []string, above, n int) string {
	if n < 1 || n > len(lines) {
		return ""
	}
	var b strings.Builder
	if above > 0 && above < n {
		fmt.Fprintf(&b, "    %3d | %s\n", above, lines[above-1])
	}
	fmt.Fprintf(&b, "  > %3d | %s\n", n, lines[n-1])
	return b.String()
}

// DidYouMean begins every suggestion.
const DidYouMean = "did you mean "

// Suggest returns "did you mean x?" for the known word nearest to word, or "" when none is near: one edit for every
// three letters, at least one.
func Suggest(word string, known []string) string {
	best, most := "", max(1, len([]rune(word))/3)
	for _, k := range known {
		cost := editDistance(strings.ToLower(word), strings.ToLower(k))
		if cost < most || cost == most && best == "" {
			best, most = k, cost
		}
	}
	if best == "" {
		return ""
	}
	return DidYouMean + best + "?"
}

// editDistance counts the insertions, deletions, substitutions and swaps of neighbours that turn a into b.
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			differ := 1
			if s[i-1] == t[j-1] {
				differ = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
