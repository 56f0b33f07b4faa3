package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest/archive"
	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

// catalogFile remembers, in the state folder, what was found out about export files.
const catalogFile = "exports.json"

// catalog is what earlier nights found out about the bytes of export files: their hash where the store vouches for
// them, what an archive holds, which object and dialect a file is. It saves time and decides nothing: one that is
// lost, damaged or of another version of the program counts as empty. What a night does not ask for is forgotten.
type catalog struct {
	path    string
	version string
	known   catalogContent
	asked   catalogContent
}

// catalogContent is the catalog as it is written.
type catalogContent struct {
	Version string `json:"version"`
	// Hashes are by source, path and strong ETag.
	Hashes map[string]string `json:"hashes"`
	// Archives are by the archive's hash.
	Archives map[string]archiveContent `json:"archives"`
	// Objects are by the hash of the file, its path and the version of the whole mapping.
	Objects map[string]recognition `json:"objects"`
}

// archiveContent is what an archive holds, or why it is refused.
type archiveContent struct {
	Members []archiveMember `json:"members,omitempty"`
	Refused *archiveRefusal `json:"refused,omitempty"`
}

// archiveMember is one file in an archive. Path is that inside the archive.
type archiveMember struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// archiveRefusal is the rule that an archive breaks, as in contract.Reject.
type archiveRefusal struct {
	Rule     string `json:"rule"`
	Message  string `json:"message"`
	NextStep string `json:"next_step"`
}

// recognition is the object and dialect of a file, "" where none fits.
type recognition struct {
	Object  string `json:"object"`
	Dialect string `json:"dialect,omitempty"`
	// Lacks are columns of the signature of the one object that the path names, where the file does not have them:
	// it is then refused.
	Lacks []string `json:"lacks,omitempty"`
	// Columns are those that such a file has.
	Columns []string `json:"columns,omitempty"`
}

func newCatalogContent(version string) catalogContent {
	return catalogContent{Version: version, Hashes: map[string]string{}, Archives: map[string]archiveContent{}, Objects: map[string]recognition{}}
}

// openCatalog reads the catalog at path.
func openCatalog(path, version string) (*catalog, error) {
	c := &catalog{path: path, version: version, known: newCatalogContent(version), asked: newCatalogContent(version)}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read catalog of exports: %w", err)
	}
	read := newCatalogContent("")
	if err := json.Unmarshal(data, &read); err == nil && read.Version == version {
		c.known = read
	}
	return c, nil
}

// save writes what tonight asked for.
func (c *catalog) save() error {
	data, err := json.MarshalIndent(c.asked, "", " ")
	if err == nil {
		err = renameio.WriteFile(c.path, append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write catalog of exports: %w", err)
	}
	return nil
}

// remember returns the answer to a question, known or found out.
func remember[T any](known, asked map[string]T, key string, find func() (T, error)) (T, error) {
	if v, ok := asked[key]; ok {
		return v, nil
	}
	v, ok := known[key]
	if !ok {
		var err error
		if v, err = find(); err != nil {
			return v, err
		}
	}
	asked[key] = v
	return v, nil
}

// hash returns the hash of a file whose ETag vouches for its bytes.
func (c *catalog) hash(sourceName string, o source.Object) (string, bool) {
	if !o.Strong() {
		return "", false
	}
	sum, ok := c.known.Hashes[markOf(sourceName, o)]
	return sum, ok
}

// keepHash remembers the hash of such a file.
func (c *catalog) keepHash(sourceName string, o source.Object, sum string) {
	if o.Strong() {
		c.asked.Hashes[markOf(sourceName, o)] = sum
	}
}

func markOf(sourceName string, o source.Object) string {
	return fmt.Sprintf("%q %q %q", sourceName, o.Path, o.ETag)
}

// refusalOf returns why an archive is refused, nil where the error is another.
func refusalOf(err error) *archiveRefusal {
	var refused *archive.Error
	if !errors.As(err, &refused) {
		return nil
	}
	return &archiveRefusal{Rule: refused.Rule, Message: refused.Message, NextStep: refused.NextStep}
}
