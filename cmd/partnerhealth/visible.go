package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printf writes a line for a person. What it is told, names of files above all, comes from others: signs in it that would
// steer the terminal, begin a line of their own or turn the order of the letters around are written as escapes.
func printf(w io.Writer, format string, args ...any) {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			args[i] = visible(v)
		case error:
			args[i] = visibleLines(v.Error())
		case fmt.Stringer:
			args[i] = visible(v.String())
		}
	}
	fmt.Fprintf(w, format, args...)
}

// visible returns a text that stays on its line and shows all that is in it. An ordinary text stays as it is.
func visible(text string) string { return escape(text, isUnseen) }

// visibleLines does so for a text that may have several lines and tabs, as errors of the database do. Lines behind the
// first are set in, so that none of them looks like a line of the program.
func visibleLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = escape(lines[i], func(r rune) bool { return r != '\t' && isUnseen(r) })
		if i > 0 && lines[i] != "" {
			lines[i] = "  " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// escape writes some signs, and bytes that are none, as escapes.
func escape(text string, isUnseen func(rune) bool) string {
	if strings.IndexFunc(text, isUnseen) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch part := text[i : i+size]; {
		case isUnseen(r), r == utf8.RuneError && size == 1:
			quoted := strconv.QuoteToASCII(part)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(part)
		}
		i += size
	}
	return b.String()
}

// isUnseen reports whether a rune does something to a terminal other than to be seen: control characters, ends of lines,
// and what turns the direction of writing around.
func isUnseen(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}
