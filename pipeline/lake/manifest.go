package lake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/contract"
)

const (
	manifestName    = "manifest.json"
	manifestVersion = 2
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

// InputRecord is what the manifest keeps of one export file.
type InputRecord struct {
	SHA256         string `json:"sha256"`
	MappingVersion string `json:"mapping_version"`
	Source         string `json:"source"`
	Object         string `json:"object"`
	// Path is the export's path inside its source; that of an archive's member is behind that of the archive.
	Path    string `json:"path"`
	Preset  string `json:"preset"`
	Dialect string `json:"dialect"`
	// Delivery is what the parts of one delivery have in common, "" for an export of one file (see Delivery.Key).
	Delivery string `json:"delivery,omitempty"`
	// Copies are the paths of further parts of the delivery with the very same bytes, which were read once.
	Copies []string `json:"copies,omitempty"`
	// RunID is the run that loaded it, ReceivedAt when it was received (UTC, microseconds), for a part when the
	// last of them was.
	RunID      string    `json:"run_id"`
	ReceivedAt time.Time `json:"received_at"`
	// Quarantined says why the whole file was refused; it then has rejects but no tables. It is not Has.
	Quarantined string `json:"quarantined,omitempty"`
	// Reading is what reading the file found. Files that were loaded by the first version of the lake have none.
	Reading
	Tables []TableRecord `json:"tables"`
	// Rejects is the file of refused records; its Path is "" where there were none.
	Rejects FileRecord `json:"rejects,omitzero"`
}

// Reading is what reading an export file found, for those who compare it with the next of its object.
type Reading struct {
	// Format is that of the file without its compression: csv, json, xlsx, parquet.
	Format string `json:"format,omitempty"`
	// Records were read, Values of them refused while their row went on without them.
	Records int64 `json:"records,omitempty"`
	Values  int64 `json:"values,omitempty"`
	// Columns are those of the header as found. In the manifest they stand once for all files with the same.
	Columns []string `json:"-"`
	// Unmapped columns are named by no mapping and kept in _extra, Absent ones are named and not there.
	Unmapped []string `json:"unmapped,omitempty"`
	Absent   []string `json:"absent,omitempty"`
	// Notes are remarks for a person.
	Notes []string `json:"notes,omitempty"`
}

// Key returns the identity of the file.
func (r *InputRecord) Key() InputKey {
	return InputKey{SHA256: r.SHA256, MappingVersion: r.MappingVersion, Source: r.Source}
}

// Content returns the identity of the export: that of the delivery whose part the file is, else its own.
func (r *InputRecord) Content() InputKey {
	k := r.Key()
	if r.Delivery != "" {
		k.SHA256 = r.Delivery
	}
	return k
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
	// Conflicting counts the records whose key an earlier record of the same export has with other values. Which
	// of them counts is decided by their own time, then by their order. It is 0 for append tables.
	Conflicting int64 `json:"conflicting,omitempty"`
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
	Version int
	// Generation counts the commits.
	Generation int64
	Inputs     []InputRecord
	// lines are the inputs as they are written, empty where one is still to be encoded: encoding thousands of them
	// anew would be most of a commit.
	lines []encodedInput
}

// encodedInput is the line of an input and the name of the header that it refers to.
type encodedInput struct{ text, header string }

// manifestFile is the manifest as it is written. Exports of an object mostly have the header of the one before,
// so that headers are kept once and named by their content.
type manifestFile struct {
	Version    int                 `json:"version"`
	Generation int64               `json:"generation"`
	Headers    map[string][]string `json:"headers"`
	Inputs     []inputLine         `json:"inputs"`
}

// inputLine is one input as it is written.
type inputLine struct {
	InputRecord
	Header string `json:"header,omitempty"`
}

// headerName names a header by its content, "" where none was found.
func headerName(columns []string) string {
	if len(columns) == 0 {
		return ""
	}
	h := sha256.New()
	for _, c := range columns {
		fmt.Fprintf(h, "%q\n", c)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
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
	if version.Version < 1 || version.Version > manifestVersion {
		return m, false, &ManifestError{Path: path, Reason: fmt.Sprintf("has version %d, this program knows versions 1 to %d", version.Version, manifestVersion)}
	}
	// Strict, since a field that is not known here would be lost with the next commit.
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var file manifestFile
	if err := decoder.Decode(&file); err != nil {
		return m, false, &ManifestError{Path: path, Reason: "cannot be understood", Err: err}
	}
	if m, err = file.manifest(); err != nil {
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

// manifest returns what the file says. What it says is written in today's version from now on.
func (f *manifestFile) manifest() (manifest, error) {
	m := manifest{Version: manifestVersion, Generation: f.Generation, lines: make([]encodedInput, len(f.Inputs))}
	for i := range f.Inputs {
		in := f.Inputs[i].InputRecord
		if name := f.Inputs[i].Header; name != "" {
			columns, ok := f.Headers[name]
			if !ok {
				return m, fmt.Errorf("input %s has header %s, which is not there", in.Path, name)
			}
			in.Columns = columns
		}
		if f.Version == 1 && len(in.Tables) > 0 { // It did not say how many records there were.
			c := &in.Tables[0].TableCount
			in.Records = c.Rows + c.Unchanged + c.Filtered + c.Rejected
		}
		m.Inputs = append(m.Inputs, in)
	}
	return m, nil
}

// write puts the manifest in place and reports whether it took it (see disk.replace).
func (m *manifest) write(d *disk) (replaced bool, err error) {
	replaced, err = d.replace(manifestName, true, m.encode)
	if err != nil {
		return replaced, fmt.Errorf("write lake manifest: %w", err)
	}
	return replaced, nil
}

// encode writes JSON with one line a header and one an input: readable, and small in a diff.
func (m *manifest) encode(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "{\"version\": %d, \"generation\": %d, \"headers\": {", m.Version, m.Generation); err != nil {
		return err
	}
	headers := map[string][]string{}
	for i := range m.Inputs {
		if err := m.encodeInput(i); err != nil {
			return err
		}
		if name := m.lines[i].header; name != "" {
			headers[name] = m.Inputs[i].Columns
		}
	}
	for i, name := range slices.Sorted(maps.Keys(headers)) {
		columns, err := json.Marshal(headers[name])
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%q: %s", separator(i), name, columns); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(w, "\n}, \"inputs\": ["); err != nil {
		return err
	}
	for i := range m.lines {
		if _, err := io.WriteString(w, separator(i)); err != nil {
			return err
		}
		if _, err := io.WriteString(w, m.lines[i].text); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\n]}\n")
	return err
}

// encodeInput makes line i if it is not there.
func (m *manifest) encodeInput(i int) error {
	if m.lines[i].text != "" {
		return nil
	}
	name := headerName(m.Inputs[i].Columns)
	line, err := json.Marshal(inputLine{InputRecord: m.Inputs[i], Header: name})
	m.lines[i] = encodedInput{text: string(line), header: name}
	return err
}

// separator stands before entry i of a list with one line an entry.
func separator(i int) string {
	if i == 0 {
		return "\n"
	}
	return ",\n"
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

// put returns the manifest after a commit: the records at position at, in place of the n that are there.
func (m *manifest) put(records []InputRecord, at, n int) manifest {
	next := manifest{Version: m.Version, Generation: m.Generation + 1}
	next.Inputs = slices.Replace(slices.Clone(m.Inputs), at, at+n, records...)
	next.lines = slices.Replace(slices.Clone(m.lines), at, at+n, make([]encodedInput, len(records))...)
	return next
}
