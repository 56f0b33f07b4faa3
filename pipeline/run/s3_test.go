package run_test

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnerhealth/partnerhealth/pipeline/config"
	"github.com/partnerhealth/partnerhealth/pipeline/run"
	"github.com/partnerhealth/partnerhealth/pipeline/source/s3/s3test"
)

// remote is a programme whose exports lie in a bucket, behind a proxy that injects faults.
type remote struct {
	config *config.Config
	bucket *s3test.Bucket
	proxy  *s3test.Proxy
}

// inBucket copies the exports of a programme into a bucket, with their times, and returns a configuration that
// reads them from there into a state of its own.
func inBucket(t *testing.T, c *config.Config) *remote {
	t.Helper()
	b := s3test.Memory(t)
	r := &remote{bucket: b, proxy: s3test.NewProxy(t, b.Endpoint)}
	moved := *c
	moved.State = t.TempDir()
	moved.Sources = nil
	for _, s := range c.Sources {
		upload(t, b, s.Name, s.Path)
		s.Path, s.Endpoint = "s3://"+b.Name+"/"+s.Name+"/", r.proxy.URL
		moved.Sources = append(moved.Sources, s)
	}
	r.config = &moved
	return r
}

func upload(t *testing.T, b *s3test.Bucket, prefix, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		b.PutAt(prefix+"/"+filepath.ToSlash(rel), content, info.ModTime())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// results are the tables of a published night that do not name where the exports came from.
func results(t *testing.T, c *config.Config) map[string]string {
	t.Helper()
	out := map[string]string{}
	for table, hash := range hashes(t, c) {
		name := strings.TrimPrefix(table, "main.")
		if strings.HasPrefix(name, "fct_") || strings.HasPrefix(name, "dim_") || strings.HasPrefix(name, "rpt_") || strings.HasPrefix(name, "score_") {
			out[table] = hash
		}
	}
	return out
}

// A night over a bad network, on which listings and downloads are refused and cut off in the middle, gives the
// tables that the same exports give from a folder. The next night downloads nothing again.
func TestANightFromABucket(t *testing.T) {
	c := calmTiny(t).config
	r := inBucket(t, c)
	r.proxy.Inject(s3test.Fault{On: s3test.IsList, Times: 2, Do: s3test.Refuse(http.StatusServiceUnavailable, "SlowDown")})
	r.proxy.Inject(s3test.Fault{On: s3test.IsList, Times: 2, Do: s3test.Cut(200)})
	r.proxy.Inject(s3test.Fault{On: s3test.Gets("/deals.csv"), Times: 2, Do: s3test.Cut(1000)})
	r.proxy.Inject(s3test.Fault{On: s3test.IsGet, Times: 2, Do: s3test.Refuse(http.StatusInternalServerError, "InternalError")})
	summary := night(t, options(r.config))
	if len(summary.Ingest.Quarantined) > 0 {
		t.Errorf("%v was not loaded", summary.Ingest.Quarantined)
	}
	want := results(t, c)
	if len(want) < 20 {
		t.Fatalf("only %d tables are compared", len(want))
	}
	if diff := cmp.Diff(want, results(t, r.config)); diff != "" {
		t.Errorf("tables from the folder and from the bucket differ (-folder +bucket)\n%s", diff)
	}
	if left, err := filepath.Glob(filepath.Join(r.config.State, "spool*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind (%v)", left, err)
	}

	before := r.proxy.Count(s3test.IsGet)
	again := night(t, options(r.config))
	if more := r.proxy.Count(s3test.IsGet) - before; more != 0 || again.Exports.New != 0 {
		t.Errorf("the next night downloaded %d exports and took %d for new, though nothing had changed", more, again.Exports.New)
	}
}

// What a night cannot read it says, and publishes nothing on a biased remainder.
func TestANightWhoseBucketFails(t *testing.T) {
	world, form := tiny()
	_, c := made(t, world, form)
	for name, f := range map[string]struct {
		fault s3test.Fault
		want  []string
	}{
		"always busy":        {s3test.Fault{On: s3test.IsList, Do: s3test.Refuse(http.StatusServiceUnavailable, "SlowDown")}, []string{"crm", "busy", "run again later"}},
		"always cut listing": {s3test.Fault{On: s3test.IsList, Do: s3test.Cut(100)}, []string{"crm", "cannot be used"}},
		"access denied":      {s3test.Fault{On: s3test.IsList, Do: s3test.Refuse(http.StatusForbidden, "AccessDenied")}, []string{"crm", "access is denied", "s3:ListBucket"}},
		"one export denied":  {s3test.Fault{On: s3test.Gets("/deals.csv"), Do: s3test.Refuse(http.StatusForbidden, "AccessDenied")}, []string{"deals.csv", "access is denied", "s3:GetObject"}},
		"one export cut":     {s3test.Fault{On: s3test.Gets("/deals.csv"), Do: s3test.Cut(10)}, []string{"deals.csv", "broke off 2 times"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := inBucket(t, c)
			t.Setenv("AWS_MAX_ATTEMPTS", "1")
			r.proxy.Inject(f.fault)
			s, err := run.Night(context.Background(), options(r.config))
			if err == nil || s != nil && s.Published != "" {
				t.Fatalf("the night was published, %v", err)
			}
			for _, part := range f.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "correct its path") {
				t.Errorf("error %q tells of a folder", err)
			}
		})
	}
}

// An export that is replaced or taken away between listing and reading waits for the next night, and the rest is read.
func TestExportsThatChangeDuringANight(t *testing.T) {
	world, form := tiny()
	_, c := made(t, world, form)
	r := inBucket(t, c)
	r.proxy.Inject(s3test.Fault{On: s3test.Gets("/deals.csv"), Times: 1, Do: s3test.Before(func() { r.bucket.Put("crm/deals.csv", []byte("another export")) })})
	r.proxy.Inject(s3test.Fault{On: s3test.Gets("/meetings.csv"), Times: 1, Do: s3test.Before(func() { r.bucket.Remove("crm/meetings.csv") })})
	found, err := run.Check(context.Background(), options(r.config), 5)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, w := range found.Summary.Exports.Waiting {
		got[w.Source+"/"+w.File] = w.Reason
	}
	for file, reason := range map[string]string{"crm/deals.csv": "written again", "crm/meetings.csv": "gone"} {
		if !strings.Contains(got[file], reason) {
			t.Errorf("%s: %q, want it to wait because it is %s", file, got[file], reason)
		}
	}
	if len(got) != 2 || found.Summary.Ingest.Records == 0 {
		t.Errorf("%v wait and %d records were read; want two files that wait and the rest read", got, found.Summary.Ingest.Records)
	}
}
