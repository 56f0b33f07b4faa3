package run

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/source/open"
)

// What is wrong with a folder is mended in the folder or the configuration, what is wrong with a file at the file.
func TestWhatToDoAboutAFolderThatCannotBeListed(t *testing.T) {
	t.Parallel()
	const folder = "correct its path in the configuration"
	for _, c := range []struct {
		name     string
		make     func(exports string) error
		says     string
		isFolder bool
	}{
		{"no folder", os.RemoveAll, "; correct its path in the configuration, or make the folder", true},
		{"a file", func(exports string) error {
			if err := os.RemoveAll(exports); err != nil {
				return err
			}
			return os.WriteFile(exports, nil, 0o600)
		}, "; correct its path in the configuration, or look at the folder", true},
		{"a link out of it", func(exports string) error { return os.Symlink("/etc/hostname", filepath.Join(exports, "deals.csv")) },
			"copy the file into the folder instead", false},
		{"a name that is no text", func(exports string) error { return os.WriteFile(filepath.Join(exports, "deals\xff.csv"), nil, 0o600) },
			"its name is not UTF-8; rename it", false},
		{"a time before all times", func(exports string) error {
			path, at := filepath.Join(exports, "deals.csv"), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				return err
			}
			return os.Chtimes(path, at, at)
		}, "correct it, for example by touch", false},
	} {
		o := newOffice(t, officeMapping)
		if err := c.make(filepath.Join(o.dir, "exports")); err != nil {
			t.Logf("%s: this system has no such files: %v", c.name, err)
			continue
		}
		n := newNight(o.options(0))
		err := n.list(context.Background())
		if err == nil {
			if info, e := os.Stat(filepath.Join(o.dir, "exports", "deals.csv")); e == nil && info.ModTime().Year() > 0 && strings.HasPrefix(c.name, "a time") {
				t.Logf("%s: this system has no such files", c.name)
				continue
			}
		}
		if err == nil || !strings.HasSuffix(err.Error(), c.says) || strings.Contains(err.Error(), folder) != c.isFolder {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := n.closeLister(); err != nil {
			t.Error(err)
		}
	}
}

func TestAFileThatChangesMeanwhileIsToldInOneSentence(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	o.send("partners.csv", partnerHeader+partnerLine("p1", "gold", 0), 0, 0)
	n := newNight(o.options(0))
	l, err := n.newLister()
	if err != nil {
		t.Fatal(err)
	}
	n.lister = l
	s := &o.config.Sources[0]
	store, err := open.Store(t.Context(), open.Place{Path: s.Path})
	if err != nil {
		t.Fatal(err)
	}
	listed, err := store.List(t.Context())
	if err != nil || len(listed) != 1 {
		t.Fatal(listed, err)
	}
	o.send("partners.csv", partnerHeader+partnerLine("p1", "gold", 0), 0, 1)
	if err := l.file(t.Context(), s, store, listed[0]); err != nil {
		t.Fatal(err)
	}
	n.found = &l.out
	n.summariseListing()
	wantLines(t, "warnings", n.summary.Warnings,
		"crm/partners.csv is left to the next night: it changed while it was looked at: it was written again; there is nothing to do; where this comes every night, start later")
	if err := n.closeLister(); err != nil {
		t.Error(err)
	}
}

// A damaged manifest of the daily events costs a night nothing but the time to count them anew.
func TestADamagedRollupIsMadeAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeMapping)
	o.send("partners.csv", partnerHeader+partnerLine("p1", "gold", 0), 0, 0)
	if l := o.canonical(t, 0); len(l.summary.Warnings) != 0 {
		t.Errorf("warnings %q", l.summary.Warnings)
	}
	o.write("state/rollup/partner_day/manifest.json", "{\"format\": 3,")
	l := o.canonical(t, 0)
	if w := l.summary.Warnings; len(w) != 1 || !strings.Contains(w[0], "counted anew, which takes time and changes no number, because its manifest ") || !strings.Contains(w[0], "was damaged: unexpected end of JSON input") {
		t.Errorf("warnings %q", w)
	}
	if l := o.canonical(t, 0); len(l.summary.Warnings) != 0 {
		t.Errorf("the next night warns %q", l.summary.Warnings)
	}
}
