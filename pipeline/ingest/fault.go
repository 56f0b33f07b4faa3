package ingest

import "fmt"

// complaint is a broken rule in words: its short name, what is wrong as a clause, and what to do.
type complaint struct{ rule, message, next string }

// describe says why a record of delimited text cannot be read.
func (s *scanner) describe(rec *record) complaint {
	switch rec.fault {
	case openQuote:
		return complaint{"unterminated_quote", fmt.Sprintf("opens a quote in field %d that does not close", len(rec.fields)+1),
			"close the quote, and double the quotes within quoted text"}
	case strayQuote:
		return complaint{"stray_quote", "has text behind a closing quote, or the rest of a record whose quotes are broken",
			"double the quotes within quoted text"}
	case tooLong:
		return complaint{"record_too_long", fmt.Sprintf("is longer than %d bytes", s.limit),
			"look for a quote that is never closed, or leave long texts out of the export"}
	case fieldCount:
		return complaint{"field_count", fmt.Sprintf("has %d fields where the header has %d", len(rec.fields), s.width),
			"quote the fields that hold the delimiter or a line break"}
	case nulByte:
		return complaint{"nul_byte", "holds a zero byte", "remove it in the source; text of two bytes a character is read as utf-16le or utf-16be"}
	default:
		return complaint{"invalid_text", "holds bytes that are no text in the encoding of the file",
			"export as UTF-8, or declare the encoding in the mapping, for example read: {encoding: windows-1252}"}
	}
}
