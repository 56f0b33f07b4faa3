package preset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

// engine is raised whenever the same mapping types the same record differently than before, so that files which
// were read by the older rules are read again.
const engine = 1

// Version returns a short hash of what the mapping says: 16 hexadecimal digits. Comments, layout, the order of
// keys and the name of the file do not change it. A file is read once for each version.
func (m *Mapping) Version() string {
	keys := map[string][]string{}
	for i := range m.Objects {
		m.Objects[i].keys(keys)
	}
	return version(m, keys)
}

// Version returns the same for one object, for those who do not want a change of one object to read all others again.
// The object that In returns has the version of the one that it was made from.
func (o *Object) Version() string {
	if o.base != nil {
		return o.base.Version()
	}
	keys := map[string][]string{}
	o.keys(keys)
	return version(o, keys)
}

// keys adds what the contract tells the rows of the object's tables apart by. The lake marks what left a complete
// export by its key, so that a file read under another key must be read again.
func (o *Object) keys(into map[string][]string) {
	for i := range o.Tables {
		if t, ok := contract.Lookup(o.Tables[i].Name); ok {
			into[t.Name] = t.Key
		}
	}
}

// version hashes the JSON of v and of the keys of the tables that it fills. encoding/json writes struct fields in
// order and map keys sorted; strings, numbers and lists cannot fail to encode.
func version(v any, keys map[string][]string) string {
	canonical, err := json.Marshal(struct {
		Engine  int                 `json:"engine"`
		Keys    map[string][]string `json:"keys"`
		Content any                 `json:"content"`
	}{engine, keys, v})
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:8])
}
