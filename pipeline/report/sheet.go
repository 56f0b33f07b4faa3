package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// sheetWidth is the width of text for a terminal.
const sheetWidth = 96

// sheet is text for a terminal: headings, wrapped paragraphs, named lines and tables. Control characters of what
// came from an export are shown as spaces.
type sheet struct{ b strings.Builder }

func (s *sheet) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, s.b.String())
	return err
}

func (s *sheet) blank() { s.b.WriteByte('\n') }

// title is the first line.
func (s *sheet) title(text string) { s.b.WriteString(plain(text) + "\n") }

// heading begins a part.
func (s *sheet) heading(text string) {
	s.b.WriteString("\n" + plain(text) + "\n")
}

// text is a paragraph.
func (s *sheet) text(text string) { s.hang("", text) }

// part is a paragraph under a heading.
func (s *sheet) part(text string) { s.hang("  ", text) }

// item is a paragraph with a dash before it.
func (s *sheet) item(text string) { s.hang("  - ", text) }

// nameWidth is the width of the names of lines.
const nameWidth = 16

// line is a named fact; one without text is left out.
func (s *sheet) line(name, text string) {
	if text == "" {
		return
	}
	s.hang(fmt.Sprintf("  %-*s", nameWidth, name), text)
}

// hang wraps a text behind its lead, further lines under the text's beginning.
func (s *sheet) hang(lead, text string) {
	indent := utf8.RuneCountInString(lead)
	at := indent
	s.b.WriteString(lead)
	// A per cent sign stays on the line of its number.
	for i, word := range strings.Fields(strings.ReplaceAll(plain(text), " %", joined+"%")) {
		word = strings.ReplaceAll(word, joined, " ")
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+width > sheetWidth:
			s.b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			s.b.WriteByte(' ')
			at++
		}
		s.b.WriteString(word)
		at += width
	}
	s.b.WriteByte('\n')
}

// joined stands for a space at which no line ends; plain text does not hold it.
const joined = "\x00"

// table writes rows under a heading row, columns aligned left or right as align says, l or r a column.
func (s *sheet) table(rows [][]string, align string) {
	widths := make([]int, len(align))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(plain(cell)))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = plain(cell)
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if align[i] == 'r' {
				cell = pad + cell
			} else {
				cell += pad
			}
			line.WriteString("  " + cell)
		}
		s.b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// plain shows control characters as spaces.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
