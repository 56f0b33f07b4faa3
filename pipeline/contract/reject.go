package contract

// Reject is one refused record, or one refused value of a record that went on without it.
type Reject struct {
	Source, Object, Table string
	File, SHA256          string
	// Record is the record number (1 is the first after the header, 0 the file as a whole), Line the
	// line on which it begins, Offset the byte at which it begins in the decoded text.
	Record, Line, Offset int64
	// Column is the column of the export; "" where the record as a whole is at fault.
	Column string
	// Rule is the short name of the rule that was broken, Message what is wrong in words, NextStep what
	// a person can do about it.
	Rule, Message, NextStep string
	// Value is the offending value, Raw the text of the record.
	Value, Raw string
	// RowKept is true where only the value was dropped and the row was written without it.
	RowKept bool
}
