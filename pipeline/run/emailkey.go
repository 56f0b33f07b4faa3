package run

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/lake"
	"github.com/partnerhealth/partnerhealth/pipeline/preset"
	"github.com/partnerhealth/partnerhealth/pipeline/warehouse"
)

// keyMark names the key of e-mail hashes without telling it, "" where there is none. It is part of the mapping's version
// of every file whose mapping hashes addresses, so that such a file is read again when the key comes, changes or goes:
// else what a table holds would depend on the night on which a file was first read.
func keyMark(key []byte) string {
	if len(key) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	// No address is without an @, so that this is never the hash of a person.
	_, _ = io.WriteString(mac, "partnerhealth: which key is this")
	const length = 4 // enough to tell one's own keys apart, little to learn from
	return keyMarkSign + hex.EncodeToString(mac.Sum(nil)[:length])
}

// keyMarkSign begins a mark; the mapping's own version has no such sign.
const keyMarkSign = ".k"

// markOfVersion returns the mark of a mapping's version, "" where it was read without a key.
func markOfVersion(version string) string {
	if at := strings.Index(version, keyMarkSign); at >= 0 {
		return version[at:]
	}
	return ""
}

// rekeyed counts the deliveries that the lake has, read with another key or none.
func (n *night) rekeyed() int64 {
	others := map[lake.InputKey]bool{}
	for _, in := range n.lake.Inputs() {
		if k := in.Content(); in.Quarantined == "" && markOfVersion(k.MappingVersion) != n.keyMark {
			others[unmarked(k)] = true
		}
	}
	var count int64
	for i := range n.found.deliveries {
		d := &n.found.deliveries[i]
		if o := d.first().object; o != nil && o.HashesEmails() && !n.lake.Loaded(d.key(), d.receivedAt()) && others[unmarked(d.key())] {
			count++
		}
	}
	return count
}

// unmarked is the key of a content whatever the key of e-mail addresses.
func unmarked(k lake.InputKey) lake.InputKey {
	k.MappingVersion = strings.TrimSuffix(k.MappingVersion, markOfVersion(k.MappingVersion))
	return k
}

// tellRekeyed says that files were read again because of the key. That it is gone is mostly an oversight.
func (n *night) tellRekeyed(deliveries int64) {
	switch {
	case deliveries == 0:
	case n.keyMark == "":
		n.warn("%s read again without the hashes of e-mail addresses, since no key for them is given any more: set %s again, unless that is meant",
			plural(deliveries, "export was", "exports were"), n.keyVariable())
	default:
		n.note("%s read again: the key of e-mail addresses is not known to be the one with which they were read", plural(deliveries, "export was", "exports were"))
	}
}

func (n *night) keyVariable() string {
	if n.config.People.EmailKeyEnv == "" {
		return "people.email_key_env"
	}
	return n.config.People.EmailKeyEnv
}

// receipt is one file of the lake as its rows name it.
type receipt struct {
	source, file, sha256 string
	receivedAt           int64
}

// hashedElse are the files of persons that were read with another key than tonight's, or with none.
func (n *night) hashedElse() map[receipt]*lake.InputRecord {
	objects := map[[2]string]bool{}
	for i := range n.config.Sources {
		s := &n.config.Sources[i]
		for j := range s.Mapping.Objects {
			if o := &s.Mapping.Objects[j]; o.HashesEmails() {
				objects[[2]string{s.Name, o.Name}] = true
			}
		}
	}
	out := map[receipt]*lake.InputRecord{}
	inputs := n.known.Inputs()
	for i := range inputs {
		in := &inputs[i]
		if in.Quarantined == "" && objects[[2]string{in.Source, in.Object}] && markOfVersion(in.MappingVersion) != n.keyMark {
			out[receipt{in.Source, in.Path, in.SHA256, in.ReceivedAt.UnixMicro()}] = in
		}
	}
	return out
}

// tellOldHashes warns of persons whose newest version has a hash by another key than tonight's, or lacks one: the file
// that tells of them could not be read again, because it lies in no folder any more. A rebuilt night is as the lake is.
func (n *night) tellOldHashes(ctx context.Context, db *warehouse.DB) error {
	if !n.knownAt.IsZero() {
		return nil
	}
	others := n.hashedElse()
	if len(others) == 0 {
		return nil
	}
	found, err := db.Rows(ctx, `SELECT _source, _file, _file_sha256, epoch_us(_loaded_at) AS received_at,
			count(email_hash) AS hashed,
			count(*) FILTER (WHERE email_hash IS NULL AND email_domain IS NOT NULL) AS plain
		FROM canonical.person WHERE NOT _deleted GROUP BY ALL ORDER BY ALL`)
	if err != nil {
		return fmt.Errorf("look for hashes of another key: %w", err)
	}
	r := newRows(found)
	var persons, exports int64
	first := ""
	for i := range r.len() {
		in := others[receipt{r.text(i, "_source"), r.text(i, "_file"), r.text(i, "_file_sha256"), r.integer(i, "received_at")}]
		if in == nil {
			continue
		}
		old := r.integer(i, "hashed")
		if markOfVersion(in.MappingVersion) == "" {
			old = r.integer(i, "plain") // read without a key: those that have an address were left without a hash
		}
		if old == 0 {
			continue
		}
		if persons += old; exports == 0 {
			first = in.Source + "/" + in.Path
		}
		exports++
	}
	if r.err != nil || persons == 0 {
		return r.err
	}
	what := "the hash of their e-mail address by another key than tonight's, or none"
	if n.keyMark == "" {
		what = "the hash of their e-mail address, though no key is given any more"
	}
	n.warn("%s %s, because %s, the first is %s: put the files back for one night, with their old times of modification (cp -p), so that they are read again, or set the key with which they were read",
		plural(persons, "person still has", "persons still have"), what,
		plural(exports, "export that tells of them was not there to be read again", "exports that tell of them were not there to be read again"), first)
	return nil
}

// markFor returns the mark that files of an object have.
func markFor(o *preset.Object, mark string) string {
	if o == nil || !o.HashesEmails() {
		return ""
	}
	return mark
}
