package s3_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/source"
	"github.com/partnerhealth/partnerhealth/pipeline/source/s3"
	"github.com/partnerhealth/partnerhealth/pipeline/source/s3/s3test"
)

// deals is an export of a size that comes in many pieces.
var deals = bytes.Repeat([]byte("id;name\n1;ä\n"), 40_000)

// download is a bucket with one export behind a proxy.
type download struct {
	bucket *s3test.Bucket
	proxy  *s3test.Proxy
	store  *s3.Store
	object source.Object
}

func newDownload(t *testing.T) *download {
	t.Helper()
	b := s3test.Memory(t)
	b.Put(prefix+"/deals.csv", deals)
	d := &download{bucket: b, proxy: s3test.NewProxy(t, b.Endpoint)}
	d.store = store(t, options(b, d.proxy.URL))
	objects, err := d.store.List(t.Context())
	if err != nil || len(objects) != 1 {
		t.Fatalf("%v, %v", objects, err)
	}
	d.object = objects[0]
	return d
}

func (d *download) read(t *testing.T) ([]byte, error) {
	t.Helper()
	r, err := d.store.Open(t.Context(), d.object)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(r)
	return content, errors.Join(err, r.Close())
}

func TestDownloadSurvives(t *testing.T) {
	get := s3test.Gets("/deals.csv")
	for name, c := range map[string]struct {
		fault func(*s3test.Proxy) s3test.Fault
		// requests is how many it takes.
		requests int
	}{
		"nothing": {func(*s3test.Proxy) s3test.Fault { return s3test.Fault{On: s3test.IsList, Times: 1} }, 1},
		"a slow network": {func(*s3test.Proxy) s3test.Fault {
			return s3test.Fault{On: get, Times: 1, Do: s3test.Slow(100_000, 20*time.Millisecond)}
		}, 1},
		"one refusal": {func(*s3test.Proxy) s3test.Fault {
			return s3test.Fault{On: get, Times: 1, Do: s3test.Refuse(http.StatusServiceUnavailable, "SlowDown")}
		}, 2},
		"an end before the first byte": {func(*s3test.Proxy) s3test.Fault { return s3test.Fault{On: get, Times: 1, Do: s3test.Cut(0)} }, 2},
		"an end in the middle":         {func(*s3test.Proxy) s3test.Fault { return s3test.Fault{On: get, Times: 1, Do: s3test.Cut(200_000)} }, 2},
		"an end at every third":        {func(*s3test.Proxy) s3test.Fault { return s3test.Fault{On: get, Times: 2, Do: s3test.Cut(200_000)} }, 3},
		"refusals while it resumes": {func(p *s3test.Proxy) s3test.Fault {
			p.Inject(s3test.Fault{On: get, Times: 1, Do: s3test.Cut(200_000)})
			return s3test.Fault{On: get, Times: 2, Do: s3test.Refuse(http.StatusInternalServerError, "InternalError")}
		}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDownload(t)
			d.proxy.Inject(c.fault(d.proxy))
			content, err := d.read(t)
			if err != nil || !bytes.Equal(content, deals) {
				t.Errorf("%d bytes of %d, %v; want the export as it is", len(content), len(deals), err)
			}
			if n := d.proxy.Count(get); n != c.requests {
				t.Errorf("it took %d requests, want %d", n, c.requests)
			}
		})
	}
}

func TestDownloadSaysWhyItFailed(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*s3test.Proxy) func(http.ResponseWriter, *http.Request, http.Handler)
		want []string
	}{
		"always cut": {func(*s3test.Proxy) func(http.ResponseWriter, *http.Request, http.Handler) { return s3test.Cut(1000) }, []string{"s3://exports/exports/crm/deals.csv", "broke off 6 times, last at byte 6000 of 520000", "run again"}},
		"always busy": {func(*s3test.Proxy) func(http.ResponseWriter, *http.Request, http.Handler) {
			return s3test.Refuse(http.StatusServiceUnavailable, "SlowDown")
		}, []string{"busy", "at every attempt"}},
		"denied": {func(*s3test.Proxy) func(http.ResponseWriter, *http.Request, http.Handler) {
			return s3test.Refuse(http.StatusForbidden, "AccessDenied")
		}, []string{"access is denied", "s3:GetObject"}},
		"archived": {func(*s3test.Proxy) func(http.ResponseWriter, *http.Request, http.Handler) {
			return s3test.Refuse(http.StatusForbidden, "InvalidObjectState")
		}, []string{"archived", "restore it"}},
		"bucket gone": {func(*s3test.Proxy) func(http.ResponseWriter, *http.Request, http.Handler) {
			return s3test.Refuse(http.StatusNotFound, "NoSuchBucket")
		}, []string{"the bucket exports does not exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDownload(t)
			d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Do: c.do(d.proxy)})
			_, err := d.read(t)
			var (
				explained *s3.Error
				changed   *source.ChangedError
			)
			if !errors.As(err, &explained) || errors.As(err, &changed) {
				t.Fatalf("%v, want an *s3.Error", err)
			}
			wantText(t, err, c.want...)
		})
	}
}

// A connection that is silent has broken off, though nobody says so.
func TestSilence(t *testing.T) {
	open := func(t *testing.T, times, after int) ([]byte, error) {
		d := newDownload(t)
		d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Times: times, Do: d.proxy.Stall(after)})
		o := options(d.bucket, d.proxy.URL)
		o.Stall, o.Attempts = 200*time.Millisecond, 2
		d.store = store(t, o)
		return d.read(t)
	}
	for name, after := range map[string]int{"from the beginning": 0, "in the middle": 200_000} {
		t.Run(name, func(t *testing.T) {
			if content, err := open(t, 1, after); err != nil || !bytes.Equal(content, deals) {
				t.Errorf("%d bytes of %d, %v; want the export as it is", len(content), len(deals), err)
			}
		})
	}
	t.Run("always", func(t *testing.T) {
		_, err := open(t, 0, 1000)
		if err == nil {
			t.Fatal("an export arrived of which nobody sent the end")
		}
		wantText(t, err, "broke off 3 times")
	})
}

// A store that ignores If-Match, or the range of a resumed download, must not make two exports into one.
func TestExportThatChanges(t *testing.T) {
	unconditional := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Header.Del("If-Match")
		next.ServeHTTP(w, r)
	}
	other := bytes.Repeat([]byte("x"), len(deals))
	for name, inject := range map[string]func(d *download){
		"replaced before it is opened": func(d *download) {
			d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Do: s3test.Before(func() { d.bucket.Put(prefix+"/deals.csv", other) })})
		},
		"replaced, and the store does not heed conditions": func(d *download) {
			d.bucket.Put(prefix+"/deals.csv", other)
			d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Do: unconditional})
		},
		"gone before it is opened": func(d *download) {
			d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Do: s3test.Before(func() { d.bucket.Remove(prefix + "/deals.csv") })})
		},
		"replaced while it broke off": func(d *download) {
			d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Times: 1, Do: s3test.Cut(1000)})
			d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Do: s3test.Before(func() { d.bucket.Put(prefix+"/deals.csv", other) })})
		},
		"shorter since it broke off, and the store does not heed conditions": func(d *download) {
			d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Times: 1, Do: s3test.Cut(1000)})
			d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				d.bucket.Put(prefix+"/deals.csv", other[:10])
				unconditional(w, r, next)
			}})
		},
		"gone since it broke off": func(d *download) {
			d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Times: 1, Do: s3test.Cut(1000)})
			d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Do: s3test.Before(func() { d.bucket.Remove(prefix + "/deals.csv") })})
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDownload(t)
			inject(d)
			var changed *source.ChangedError
			if _, err := d.read(t); !errors.As(err, &changed) || changed.Path != "deals.csv" {
				t.Errorf("%v, want a *ChangedError", err)
			}
		})
	}
}

func TestStoreWithoutRanges(t *testing.T) {
	d := newDownload(t)
	d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Times: 1, Do: s3test.Cut(1000)})
	d.proxy.Inject(s3test.Fault{On: s3test.IsGet, Do: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Header.Del("Range")
		next.ServeHTTP(w, r)
	}})
	_, err := d.read(t)
	if err == nil {
		t.Fatal("the export began anew in its middle")
	}
	wantText(t, err, "cannot go on in the middle")
}

// A store that marks nothing is held to size and time.
func TestStoreWithoutETags(t *testing.T) {
	d := newDownload(t)
	d.object.ETag = ""
	if content, err := d.read(t); err != nil || !bytes.Equal(content, deals) {
		t.Errorf("%d bytes, %v", len(content), err)
	}
	d.bucket.Put(prefix+"/deals.csv", bytes.ToUpper(deals))
	var changed *source.ChangedError
	if _, err := d.read(t); !errors.As(err, &changed) {
		t.Errorf("%v, want a *ChangedError", err)
	}
}

// Hashing, reading in any order and reading from the beginning cost one download.
func TestOneDownload(t *testing.T) {
	d := newDownload(t)
	dir := filepath.Join(t.TempDir(), "spool")
	spool := source.NewSpool(dir, 1<<20)
	c, err := spool.Fetch(t.Context(), d.store, d.object)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f, err := c.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if content, err := io.ReadAll(f); err != nil || !bytes.Equal(content, deals) {
			t.Errorf("%d bytes, %v", len(content), err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := d.proxy.Count(s3test.IsGet); n != 1 {
		t.Errorf("%d downloads, want 1", n)
	}
	if err := spool.Close(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(dir + "*"); err != nil || len(left) != 0 {
		t.Errorf("%v is left behind (%v)", left, err)
	}
}

// What an earlier night hashed costs nothing until it is opened.
func TestKnownExportIsNotRead(t *testing.T) {
	d := newDownload(t)
	spool := source.NewSpool(filepath.Join(t.TempDir(), "spool"), 1<<20)
	c := spool.Known(d.store, d.object, strings.Repeat("0", 64))
	if n := d.proxy.Count(s3test.IsGet); n != 0 {
		t.Errorf("%d downloads, want none", n)
	}
	var changed *source.ChangedError
	if _, err := c.Open(t.Context()); !errors.As(err, &changed) {
		t.Errorf("content that is not what is known: %v, want a *ChangedError", err)
	}
}
