package s3_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/partnerhealth/partnerhealth/pipeline/source"
	"github.com/partnerhealth/partnerhealth/pipeline/source/s3"
	"github.com/partnerhealth/partnerhealth/pipeline/source/s3/s3test"
	"github.com/partnerhealth/partnerhealth/pipeline/source/sourcetest"
)

// prefix is the folder of the exports in a bucket under test. A neighbour begins with the same letters.
const prefix = "exports/crm"

// options returns settings that wait no longer than a test must.
func options(b *s3test.Bucket, endpoint string) s3.Options {
	return s3.Options{Bucket: b.Name, Prefix: prefix, Endpoint: endpoint, MaxBackoff: time.Millisecond}
}

func store(t *testing.T, o s3.Options) *s3.Store {
	t.Helper()
	s, err := s3.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fixture fills a bucket; endpoint is the store's own or that of a proxy before it.
func fixture(t *testing.T, b *s3test.Bucket, o s3.Options, files map[string][]byte) sourcetest.Fixture {
	b.Put(prefix+"/", nil) // The placeholder that consoles make for an empty folder.
	b.Put(prefix+"-old/deals.csv", []byte("another source's"))
	b.Put("deals.csv", []byte("nobody's"))
	for path, content := range files {
		b.Put(prefix+"/"+path, content)
	}
	return sourcetest.Fixture{
		Store:  store(t, o),
		Write:  func(path string, content []byte) { b.Put(prefix+"/"+path, content) },
		Remove: func(path string) { b.Remove(prefix + "/" + path) },
	}
}

func TestConformance(t *testing.T) {
	sourcetest.Conformance(t, func(t *testing.T, files map[string][]byte) sourcetest.Fixture {
		b := s3test.Memory(t)
		return fixture(t, b, options(b, b.Endpoint), files)
	})
}

// Pages of three keys: what is true of one page must be true of many.
func TestConformanceInPages(t *testing.T) {
	sourcetest.Conformance(t, func(t *testing.T, files map[string][]byte) sourcetest.Fixture {
		b := s3test.Memory(t)
		o := options(b, b.Endpoint)
		o.PageSize = 3
		return fixture(t, b, o, files)
	})
}

// A network on which every kind of request fails at first, and no download comes in one piece, may cost time
// and must cost nothing else.
func TestConformanceThroughFaults(t *testing.T) {
	sourcetest.Conformance(t, func(t *testing.T, files map[string][]byte) sourcetest.Fixture {
		b := s3test.Memory(t)
		proxy := s3test.NewProxy(t, b.Endpoint)
		proxy.Inject(s3test.Fault{On: s3test.IsList, Times: 1, Do: s3test.Refuse(http.StatusServiceUnavailable, "SlowDown")})
		proxy.Inject(s3test.Fault{On: s3test.IsList, Times: 1, Do: s3test.Cut(100)})
		proxy.Inject(s3test.Fault{On: s3test.IsGet, Times: 1, Do: s3test.Refuse(http.StatusServiceUnavailable, "SlowDown")})
		proxy.Inject(s3test.Fault{On: s3test.IsGet, Times: 3, Do: s3test.Cut(300_000)})
		o := options(b, proxy.URL)
		o.PageSize = 2
		return fixture(t, b, o, files)
	})
}

// versitygw is a server that others wrote.
func TestConformanceWithGateway(t *testing.T) {
	sourcetest.Conformance(t, func(t *testing.T, files map[string][]byte) sourcetest.Fixture {
		b := s3test.Gateway(t)
		return fixture(t, b, options(b, b.Endpoint), files)
	})
}

func TestConformanceWithGatewayThroughFaults(t *testing.T) {
	sourcetest.Conformance(t, func(t *testing.T, files map[string][]byte) sourcetest.Fixture {
		b := s3test.Gateway(t)
		proxy := s3test.NewProxy(t, b.Endpoint)
		proxy.Inject(s3test.Fault{On: s3test.IsList, Times: 1, Do: s3test.Refuse(http.StatusServiceUnavailable, "SlowDown")})
		proxy.Inject(s3test.Fault{On: s3test.IsGet, Times: 3, Do: s3test.Cut(300_000)})
		o := options(b, proxy.URL)
		o.PageSize = 2
		return fixture(t, b, o, files)
	})
}

func TestParse(t *testing.T) {
	for path, want := range map[string][2]string{
		"s3://exports": {"exports", ""}, "s3://exports/": {"exports", ""}, "s3://exports/crm": {"exports", "crm"},
		"s3://exports/crm/eu/": {"exports", "crm/eu/"},
	} {
		bucket, prefix, err := s3.Parse(path)
		if err != nil || bucket != want[0] || prefix != want[1] {
			t.Errorf("Parse(%q) = %q, %q, %v; want %q", path, bucket, prefix, err, want)
		}
	}
	for _, path := range []string{"", "exports/crm", "s3:/exports", "s3://", "s3:///crm", "S3://exports"} {
		if bucket, prefix, err := s3.Parse(path); err == nil {
			t.Errorf("Parse(%q) = %q, %q; want an error", path, bucket, prefix)
		}
	}
}

func TestWholeBucket(t *testing.T) {
	b := s3test.Memory(t)
	o := options(b, b.Endpoint)
	o.Prefix = ""
	if objects, err := store(t, o).List(t.Context()); err != nil || len(objects) != 0 {
		t.Errorf("an empty bucket: %v, %v; want no export and no error", objects, err)
	}
	b.Put("a.csv", nil)
	b.Put("crm/b.csv", nil)
	if objects, err := store(t, o).List(t.Context()); err != nil || len(objects) != 2 {
		t.Errorf("%v, %v; want two exports", objects, err)
	}
}

func TestETagsAreStrong(t *testing.T) {
	b := s3test.Memory(t)
	b.Put(prefix+"/deals.csv", []byte("a"))
	objects, err := store(t, options(b, b.Endpoint)).List(t.Context())
	if err != nil || len(objects) != 1 || !objects[0].Strong() {
		t.Errorf("%+v, %v; want one export whose ETag stands for its bytes", objects, err)
	}
}

// Errors say what is wrong and what to do about it.
func TestRefusals(t *testing.T) {
	header := func(name, value string, do func(http.ResponseWriter, *http.Request, http.Handler)) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set(name, value)
			do(w, r, next)
		}
	}
	for name, c := range map[string]struct {
		do   func(http.ResponseWriter, *http.Request, http.Handler)
		want []string
	}{
		"no such bucket":   {s3test.Refuse(404, "NoSuchBucket"), []string{"list exports in s3://exports/exports/crm/", "the bucket exports does not exist at http://", "correct the path", "NoSuchBucket", "REQUEST-1"}},
		"access denied":    {s3test.Refuse(403, "AccessDenied"), []string{"access is denied", "s3:ListBucket"}},
		"unknown key":      {s3test.Refuse(403, "InvalidAccessKeyId"), []string{"does not know the access key", "AWS_ACCESS_KEY_ID"}},
		"wrong secret":     {s3test.Refuse(403, "SignatureDoesNotMatch"), []string{"secret key", "AWS_SECRET_ACCESS_KEY"}},
		"expired":          {s3test.Refuse(400, "ExpiredToken"), []string{"have expired", "log in again"}},
		"clock":            {s3test.Refuse(403, "RequestTimeTooSkewed"), []string{"clock"}},
		"other region":     {header("x-amz-bucket-region", "eu-central-1", s3test.Refuse(301, "PermanentRedirect")), []string{"another region (eu-central-1)", "region: eu-central-1"}},
		"other region, 2":  {s3test.Refuse(400, "AuthorizationHeaderMalformed"), []string{"another region", "set the region of the source"}},
		"always busy":      {s3test.Refuse(503, "SlowDown"), []string{"busy", "at every attempt", "run again later"}},
		"unknown refusal":  {s3test.Refuse(400, "Teapot"), []string{"refuses the request", "Teapot"}},
		"no S3 at all":     {s3test.Rewrite(func(string) string { return "<html>Welcome to nginx" }), []string{"an answer that cannot be used", "check the endpoint"}},
		"endless listing":  {s3test.Rewrite(func(string) string { return "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>" }), []string{"goes on after 0 keys, and not where"}},
		"always cut":       {s3test.Cut(50), []string{"an answer that cannot be used", "run again"}},
		"foreign keys":     {s3test.Rewrite(func(s string) string { return strings.ReplaceAll(s, "<Key>exports/", "<Key>other/") }), []string{`lists "other/crm/deals.csv", which is not under the prefix`}},
		"connection ended": {s3test.Cut(0), []string{"cannot be"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := s3test.Memory(t)
			b.Put(prefix+"/deals.csv", []byte("a"))
			proxy := s3test.NewProxy(t, b.Endpoint)
			proxy.Inject(s3test.Fault{On: s3test.IsList, Do: c.do})
			objects, err := store(t, options(b, proxy.URL)).List(t.Context())
			var folder *source.FolderError
			if !errors.As(err, &folder) {
				t.Fatalf("%v, %v; want a *FolderError", objects, err)
			}
			wantText(t, err, c.want...)
		})
	}
}

// What the gateway says is explained as well.
func TestRefusalsOfGateway(t *testing.T) {
	b := s3test.Gateway(t)
	b.Put(prefix+"/deals.csv", []byte("a"))
	o := options(b, b.Endpoint)
	o.Bucket += "-no"
	_, err := store(t, o).List(t.Context())
	wantText(t, err, "does not exist", "correct the path", "NoSuchBucket")

	key := os.Getenv(s3test.AccessKeyEnv)
	s3test.Credentials(t, key, "wrong")
	_, err = store(t, options(b, b.Endpoint)).List(t.Context())
	wantText(t, err, "secret key", "AWS_SECRET_ACCESS_KEY")
	s3test.Credentials(t, "nobody", "wrong")
	_, err = store(t, options(b, b.Endpoint)).List(t.Context())
	wantText(t, err, "does not know the access key")
}

func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that says %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestNothingUnderThePrefix(t *testing.T) {
	b := s3test.Memory(t)
	b.Put(prefix+"-old/deals.csv", nil)
	_, err := store(t, options(b, b.Endpoint)).List(t.Context())
	var folder *source.FolderError
	if !errors.As(err, &folder) {
		t.Fatalf("%v, want a *FolderError", err)
	}
	wantText(t, err, "no object lies under this prefix", "correct the path")
}

func TestNobodyAnswers(t *testing.T) {
	b := s3test.Memory(t)
	o := options(b, "http://127.0.0.1:1")
	_, err := store(t, o).List(t.Context())
	wantText(t, err, "http://127.0.0.1:1 cannot be reached", "connection refused", "check network")
}

func TestNoCredentials(t *testing.T) {
	b := s3test.Memory(t)
	s3test.Credentials(t, "", "")
	_, err := store(t, options(b, b.Endpoint)).List(t.Context())
	wantText(t, err, "no credentials are found", "set AWS_ACCESS_KEY_ID")
}

func TestRegion(t *testing.T) {
	s3test.Credentials(t, "test", "test")
	_, err := s3.New(t.Context(), s3.Options{Bucket: "exports"})
	if err == nil {
		t.Fatal("Amazon's store needs a region")
	}
	wantText(t, err, "no region is set", "AWS_REGION")
	t.Setenv("AWS_REGION", "eu-central-1")
	store(t, s3.Options{Bucket: "exports"})
	if _, err := s3.New(t.Context(), s3.Options{}); err == nil {
		t.Error("a store needs a bucket")
	}
}

// The SDK's own setting names a store as well as ours does.
func TestEndpointOfTheEnvironment(t *testing.T) {
	b := s3test.Memory(t)
	b.Put(prefix+"/deals.csv", nil)
	t.Setenv("AWS_ENDPOINT_URL_S3", b.Endpoint)
	if objects, err := store(t, options(b, "")).List(t.Context()); err != nil || len(objects) != 1 {
		t.Errorf("%v, %v; want one export", objects, err)
	}
}

func TestListStopsWhileWaiting(t *testing.T) {
	b := s3test.Memory(t)
	proxy := s3test.NewProxy(t, b.Endpoint)
	ctx, cancel := context.WithCancel(t.Context())
	proxy.Inject(s3test.Fault{Do: s3test.Before(cancel)})
	if _, err := store(t, options(b, proxy.URL)).List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the end of the context", err)
	}
}
