package preset

import (
	"slices"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// TransformName names a transform as mappings write it.
type TransformName string

// The transforms. Those up to HMACEmail take text to text and may follow each other; the others read a value and
// so come last.
const (
	Trim         TransformName = "trim"          // without blanks and tabs around it
	Lower        TransformName = "lower"         // in lower case
	Upper        TransformName = "upper"         // in upper case
	Split        TransformName = "split"         // part `index` between the signs `sep`
	Coalesce     TransformName = "coalesce"      // the first `from` that is not null, also for a key
	Concat       TransformName = "concat"        // all `from` that are not null, joined
	FromFilename TransformName = "from_filename" // the group of a pattern in the name of the file
	Regex        TransformName = "regex"         // the group of a pattern, null where the text does not match
	StripPrefix  TransformName = "strip_prefix"  // without the prefix, where the text has it
	NullIf       TransformName = "null_if"       // null where the text is one of those listed
	Replace      TransformName = "replace"       // every match of a pattern replaced
	Shift        TransformName = "shift"         // a number with its decimal point moved
	SHA1         TransformName = "sha1"          // SHA-1 in hexadecimal digits
	ID18         TransformName = "id18"          // Salesforce record id in its 18 characters
	Domain       TransformName = "domain"        // registrable domain
	HMACEmail    TransformName = "hmac_email"    // keyed hash of an e-mail address
	TS           TransformName = "ts"            // timestamp by layouts
	Date         TransformName = "date"          // date by layouts
	Bool         TransformName = "bool"          // yes or no
	Dec          TransformName = "dec"           // decimal(18,4), never rounded
	MinorUnits   TransformName = "minor_units"   // whole cents, or other minor units, as decimal(18,4)
	Pct          TransformName = "pct"           // percentage as a share
	Int          TransformName = "int"           // whole number
	Float        TransformName = "float"         // number
	ISODuration  TransformName = "iso_duration"  // ISO 8601 duration as whole seconds
	Hash         TransformName = "hash"          // stable hash of the text as a whole number
)

// transforms lists every transform with the type of column that it fills; 0 stands for text.
var transforms = []struct {
	name TransformName
	fill contract.Type
}{
	{Trim, 0}, {Lower, 0}, {Upper, 0}, {Split, 0}, {Coalesce, 0}, {Concat, 0}, {FromFilename, 0},
	{Regex, 0}, {StripPrefix, 0}, {NullIf, 0}, {Replace, 0}, {Shift, 0}, {SHA1, 0}, {ID18, 0}, {Domain, 0}, {HMACEmail, 0},
	{TS, contract.Timestamp}, {Date, contract.Date}, {Bool, contract.Bool}, {Dec, contract.Decimal},
	{MinorUnits, contract.Decimal}, {Pct, contract.Float64}, {Int, contract.Int64}, {Float, contract.Float64},
	{ISODuration, contract.Int64}, {Hash, contract.Int64},
}

// idPerson is the kind of identifier that leads to a partner through one of its persons.
const idPerson = "person"

// Fills returns the type of column that the transform fills, 0 where it takes text to text; ok is false where
// there is no such transform.
func (n TransformName) Fills() (t contract.Type, ok bool) {
	for _, f := range transforms {
		if f.name == n {
			return f.fill, true
		}
	}
	return 0, false
}

// The encodings that are no single-byte ones.
const (
	EncodingAuto    = "auto"
	EncodingUTF8    = "utf-8"
	EncodingUTF16LE = "utf-16le"
	EncodingUTF16BE = "utf-16be"
)

// SingleByte returns the table of a single-byte encoding by its IANA name, for example windows-1252.
func SingleByte(name string) (*charmap.Charmap, bool) {
	e, err := ianaindex.IANA.Encoding(name)
	if err != nil {
		return nil, false
	}
	cm, ok := e.(*charmap.Charmap)
	return cm, ok
}

// KnownEncoding reports whether ingest can read the encoding called name.
func KnownEncoding(name string) bool {
	if slices.Contains([]string{EncodingAuto, EncodingUTF8, EncodingUTF16LE, EncodingUTF16BE}, name) {
		return true
	}
	_, ok := SingleByte(name)
	return ok
}

// Fallback returns the value that a closed list holds for what it does not know: unknown, else other, else none.
func Fallback(enum []string) (string, bool) {
	for _, v := range []string{"unknown", "other"} {
		if slices.Contains(enum, v) {
			return v, true
		}
	}
	return "", false
}
