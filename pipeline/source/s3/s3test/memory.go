package s3test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	memoryBucket = "exports"
	defaultPage  = 1000
)

// memory answers the two requests that a reader of exports makes: ListObjectsV2, page by page, and GetObject
// with If-Match and Range.
type memory struct {
	mu      sync.Mutex
	objects map[string]object
	now     time.Time
}

type object struct {
	content  []byte
	modified time.Time
}

func (o object) etag() string {
	sum := sha256.Sum256(o.content)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// Memory starts a store with one bucket on the loopback interface.
func Memory(t testing.TB) *Bucket {
	t.Helper()
	Credentials(t, "test", "test")
	m := &memory{objects: map[string]object{}, now: time.Date(2026, 10, 30, 22, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return &Bucket{
		Endpoint: server.URL, Name: memoryBucket,
		Put: func(key string, content []byte) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.now = m.now.Add(time.Second)
			m.objects[key] = object{content: slices.Clone(content), modified: m.now}
		},
		PutAt: func(key string, content []byte, modified time.Time) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.objects[key] = object{content: slices.Clone(content), modified: modified.UTC()}
		},
		Remove: func(key string) {
			m.mu.Lock()
			defer m.mu.Unlock()
			delete(m.objects, key)
		},
	}
}

// ServeHTTP implements http.Handler.
func (m *memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.Method != http.MethodGet:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	case bucket != memoryBucket:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case key == "":
		m.list(w, r)
	default:
		m.get(w, r, key)
	}
}

// refuse answers with an error in the store's form.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("x-amz-request-id", "REQUEST-1")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>as the test wants</Message></Error>", code)
}

type listEntry struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
}

type listPage struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listEntry
}

func (m *memory) list(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	q := r.URL.Query()
	most := defaultPage
	if text := q.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			refuse(w, http.StatusBadRequest, "InvalidArgument")
			return
		}
		most = n
	}
	var keys []string
	for key := range m.objects {
		if strings.HasPrefix(key, q.Get("prefix")) && key > q.Get("continuation-token") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var page listPage
	if len(keys) > most {
		keys = keys[:most]
		page.IsTruncated, page.NextContinuationToken = true, keys[most-1]
	}
	for _, key := range keys {
		o := m.objects[key]
		page.Contents = append(page.Contents, listEntry{Key: key, Size: len(o.content), ETag: o.etag(),
			LastModified: o.modified.Format("2006-01-02T15:04:05.000000Z")})
	}
	w.Header().Set("Content-Type", "application/xml")
	if err := xml.NewEncoder(w).Encode(page); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (m *memory) get(w http.ResponseWriter, r *http.Request, key string) {
	m.mu.Lock()
	o, ok := m.objects[key]
	m.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	if want := r.Header.Get("If-Match"); want != "" && want != o.etag() {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	first, status := 0, http.StatusOK
	if text := r.Header.Get("Range"); text != "" {
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(text, "bytes="), "-"))
		if err != nil || n >= len(o.content) {
			refuse(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
			return
		}
		first, status = n, http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, len(o.content)-1, len(o.content)))
	}
	w.Header().Set("ETag", o.etag())
	w.Header().Set("Last-Modified", o.modified.Format(http.TimeFormat))
	w.Header().Set("Content-Length", strconv.Itoa(len(o.content)-first))
	w.WriteHeader(status)
	// The reader may have gone; the test sees that at its end.
	_, _ = w.Write(o.content[first:])
}
