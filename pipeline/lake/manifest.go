package lake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

const (
	manifestName    = "manifest.json"
	manifestVersion = 1
)

// InputKey is the identity of an export's content as a mapping reads it.
type InputKey struct {
	// SHA256 is the hash of the export's bytes, 64 hexadecimal digits.
	SHA256 string
	// MappingVersion is the short content hash of the mapping.
	MappingVersion string
	// Source is the configured name of the source instance.
	Source string
}

// InputRecord is what the manifest keeps of one export.
type InputRecord struct {
	SHA256         string `json:"sha256"`
	MappingVersion string `json:"mapping_version"`
	Source         string `json:"source"`
	Object         string `json:"object"`
	// Path is the export's path inside its source.
	Path    string `json:"path"`
	Preset  string `json:"preset"`
	Dialect string `json:"dialect"`
	// RunID is the run that loaded it, ReceivedAt when it was received (UTC, microseconds).
	RunID      string    `json:"run_id"`
	ReceivedAt time.Time `json:"received_at"`
	// Quarantined says why the whole file was refused; it then has rejects but no tables. It is not Has.
	Quarantined string        `json:"quarantined,omitempty"`
	Tables      []TableRecord `json:"tables"`
	// Rejects is the file of refused records; its Path is "" where there were none.
	Rejects FileRecord `json:"rejects,omitzero"`
}

// Key returns the input's identity.
func (r *InputRecord) Key() InputKey {
	return InputKey{SHA256: r.SHA256, MappingVersion: r.MappingVersion, Source: r.Source}
}

// TableRecord is what one export did to one table.
type TableRecord struct {
	TableCount
	Mode contract.Mode `json:"mode"`
	// Deleted is the number of rows written, beyond Rows, for keys that a snapshot no longer has.
	Deleted int64 `json:"deleted,omitempty"`
	// Held is the number of keys that a snapshot no longer has but that were not deleted, since it also had
	// rejected records whose keys nobody knows.
	Held int64 `json:"held,omitempty"`
	// MinEvent and MaxEvent bound the table's EventTime over the rows written; zero where there is none.
	MinEvent time.Time `json:"min_event,omitzero"`
	MaxEvent time.Time `json:"max_event,omitzero"`
	// File holds the rows; its Path is "" where none were written.
	File FileRecord `json:"file,omitzero"`
}

// TableCount says what became of an export's records in one table.
// Rows + Unchanged + Filtered + Rejected is the number of records in the export.
type TableCount struct {
	Table     string `json:"table"`
	Rows      int64  `json:"rows"`
	Unchanged int64  `json:"unchanged"`
	Filtered  int64  `json:"filtered"`
	Rejected  int64  `json:"rejected"`
}

// FileRecord describes one immutable file.
type FileRecord struct {
	// Path is relative to the lake's folder, separated by '/'.
	Path     string `json:"path"`
	Rows     int64  `json:"rows"`
	Bytes    int64  `json:"bytes"`
	Checksum string `json:"checksum"`
}

// manifest is the list of what is in the lake, in the order in which it counts: an export that is read again
// under another mapping takes the place that it had.
type manifest struct {
	Version int `json:"version"`
	// Generation counts the commits.
	Generation int64         `json:"generation"`
	Inputs     []InputRecord `json:"inputs"`
}

// readManifest reads and checks the manifest; ok is false where there is none.
func readManifest(d *disk) (m manifest, ok bool, err error) {
	path := d.path(manifestName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if err != nil {
		return m, false, &ManifestError{Path: path, Reason: "cannot be read", Err: err}
	}
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return m, false, &ManifestError{Path: path, Reason: "is no JSON", Err: err}
	}
	if version.Version != manifestVersion {
		return m, false, &ManifestError{Path: path, Reason: fmt.Sprintf("has version %d, this program knows version %d", version.Version, manifestVersion)}
	}
	// Strict, since a field that is not known here would be lost with the next commit.
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return m, false, &ManifestError{Path: path, Reason: "cannot be understood", Err: err}
	}
	for _, f := range m.files() {
		info, err := os.Stat(d.path(f.Path))
		if err != nil {
			return m, false, &ManifestError{Path: path, Reason: "lists a file that is not there", Err: err}
		}
		if info.Size() != f.Bytes {
			return m, false, &ManifestError{Path: path, Reason: fmt.Sprintf("lists %s with %d bytes, it has %d", f.Path, f.Bytes, info.Size())}
		}
	}
	return m, true, nil
}

// write puts the manifest in place and reports whether it took it (see disk.replace).
func (m *manifest) write(d *disk) (replaced bool, err error) {
	replaced, err = d.replace(manifestName, true, m.encode)
	if err != nil {
		return replaced, fmt.Errorf("write lake manifest: %w", err)
	}
	return replaced, nil
}

// encode writes JSON with one line an input: readable, and small in a diff.
func (m *manifest) encode(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "{\"version\": %d, \"generation\": %d, \"inputs\": [", m.Version, m.Generation); err != nil {
		return err
	}
	for i := range m.Inputs {
		line, err := json.Marshal(&m.Inputs[i])
		if err != nil {
			return err
		}
		separator := ",\n"
		if i == 0 {
			separator = "\n"
		}
		if _, err := fmt.Fprintf(w, "%s%s", separator, line); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\n]}\n")
	return err
}

// files returns all live files.
func (m *manifest) files() []FileRecord {
	var out []FileRecord
	for i := range m.Inputs {
		for j := range m.Inputs[i].Tables {
			if f := m.Inputs[i].Tables[j].File; f.Path != "" {
				out = append(out, f)
			}
		}
		if f := m.Inputs[i].Rejects; f.Path != "" {
			out = append(out, f)
		}
	}
	return out
}

// put returns the manifest after a commit: record at position at, in place of what is there if replace is set.
func (m *manifest) put(record InputRecord, at int, replace bool) manifest {
	next := manifest{Version: m.Version, Generation: m.Generation + 1, Inputs: slices.Clone(m.Inputs)}
	if replace {
		next.Inputs[at] = record
	} else {
		next.Inputs = slices.Insert(next.Inputs, at, record)
	}
	return next
}
