package transform

// The refusals of record ids.
var (
	ErrNotID = &Error{"not_an_id", "is not a record id of 15 or 18 letters and digits",
		"map the column that holds the record id"}
	ErrIDChecksum = &Error{"id_checksum", "fails the checksum of its last three characters: the case of a letter was changed",
		"export the file again and do not open it in a spreadsheet, which changes case"}
)

const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

// AppendID18 appends the 18-character form of a Salesforce record id. The last three characters are a checksum of
// the case of the other 15: for each block of five, the bits of the capital letters number a character of
// idAlphabet. Ids of 18 characters are checked.
func AppendID18(dst, b []byte) ([]byte, error) {
	b = Trim(b)
	if len(b) != 15 && len(b) != 18 {
		return dst, ErrNotID
	}
	for _, c := range b {
		if c-'0' > 9 && c-'A' > 'Z'-'A' && c-'a' > 'z'-'a' {
			return dst, ErrNotID
		}
	}
	var sum [3]byte
	for block := range sum {
		bits := 0
		for j := range 5 {
			if c := b[block*5+j]; 'A' <= c && c <= 'Z' {
				bits |= 1 << j
			}
		}
		sum[block] = idAlphabet[bits]
	}
	if len(b) == 18 && [3]byte(b[15:]) != sum {
		return dst, ErrIDChecksum
	}
	return append(append(dst, b[:15]...), sum[:]...), nil
}
