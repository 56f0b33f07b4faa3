package preset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// engine is raised whenever the same mapping types the same record differently than before, so that files which
// were read by the older rules are read again.
const engine = 1

// Version returns a short hash of what the mapping says: 16 hexadecimal digits. Comments, layout, the order of
// keys and the name of the file do not change it. A file is read once for each version.
func (m *Mapping) Version() string {
	return version(m)
}

// Version returns the same for one object, for those who do not want a change of one object to read all others again.
// The object that In returns has the version of the one that it was made from.
func (o *Object) Version() string {
	if o.base != nil {
		return o.base.Version()
	}
	return version(o)
}

// version hashes the JSON of v. encoding/json writes struct fields in order and map keys sorted; strings, numbers
// and lists cannot fail to encode.
func version(v any) string {
	canonical, err := json.Marshal(struct {
		Engine  int `json:"engine"`
		Content any `json:"content"`
	}{engine, v})
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:8])
}
