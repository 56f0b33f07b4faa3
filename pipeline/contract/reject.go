package contract

// Reject is one refused record, or one refused value of a record that went on without it.
type Reject struct {
	Source string `json:"source"`
	Object string `json:"object"`
	Table  string `json:"table"`
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	// Record is the record number (1 is the first after the header, 0 the file as a whole), Line the
	// line on which it begins, Offset the byte at which it begins in the decoded text.
	Record int64 `json:"record"`
	Line   int64 `json:"line"`
	Offset int64 `json:"offset"`
	// Column is the column of the export; "" where the record as a whole is at fault.
	Column string `json:"column"`
	// Rule is the short name of the rule that was broken, Message what is wrong in words, NextStep what
	// a person can do about it.
	Rule     string `json:"rule"`
	Message  string `json:"message"`
	NextStep string `json:"next_step"`
	// Value is the offending value, Raw the text of the record.
	Value string `json:"value"`
	Raw   string `json:"raw"`
	// RowKept is true where only the value was dropped and the row was written without it.
	RowKept bool `json:"row_kept"`
}
