package s3test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is one thing that goes wrong between a reader and its store.
type Fault struct {
	// On says which requests it meets; nil means all.
	On func(*http.Request) bool
	// Times is how many of them it meets; 0 means every one.
	Times int
	// Do answers the request in the store's place, or lets next do it.
	Do func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

// Proxy stands between a reader and its store and injects faults.
type Proxy struct {
	// URL is the endpoint for the reader.
	URL string

	next http.Handler
	stop chan struct{}

	mu     sync.Mutex
	faults []*Fault
	seen   []*http.Request
}

// NewProxy starts a proxy before the store at endpoint, without faults.
func NewProxy(t testing.TB, endpoint string) *Proxy {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{stop: make(chan struct{}), next: &httputil.ReverseProxy{
		// The signature covers the host, so that it must arrive as it was signed.
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		// A reader that goes away is part of many tests.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}}
	server := httptest.NewServer(p)
	p.URL = server.URL
	t.Cleanup(func() {
		close(p.stop)
		server.CloseClientConnections()
		server.Close()
	})
	return p
}

// Inject adds a fault behind those that are there: a request meets the first one that wants it.
func (p *Proxy) Inject(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &f)
}

// Count is how many requests came so far of those that on wants.
func (p *Proxy) Count(on func(*http.Request) bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, r := range p.seen {
		if on(r) {
			n++
		}
	}
	return n
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f := p.pick(r); f != nil {
		f.Do(w, r, p.next)
		return
	}
	p.next.ServeHTTP(w, r)
}

func (p *Proxy) pick(r *http.Request) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r)
	for i, f := range p.faults {
		if f.On != nil && !f.On(r) {
			continue
		}
		if f.Times == 1 {
			p.faults = append(p.faults[:i:i], p.faults[i+1:]...)
		} else if f.Times > 1 {
			f.Times--
		}
		return f
	}
	return nil
}

// IsList wants requests for a page of a listing.
func IsList(r *http.Request) bool { return r.URL.Query().Has("list-type") }

// IsGet wants requests for an object.
func IsGet(r *http.Request) bool { return r.Method == http.MethodGet && !IsList(r) }

// Gets wants requests for the object whose key ends so.
func Gets(suffix string) func(*http.Request) bool {
	return func(r *http.Request) bool { return IsGet(r) && strings.HasSuffix(r.URL.Path, suffix) }
}

// Refuse answers with an error of the store.
func Refuse(status int, code string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { refuse(w, status, code) }
}

// Before lets something happen before the store answers.
func Before(event func()) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		event()
		next.ServeHTTP(w, r)
	}
}

// Cut ends the connection after so many bytes of the answer's body.
func Cut(after int) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		relay(w, record(r, next), after)
		panic(http.ErrAbortHandler)
	}
}

// Stall goes silent after so many bytes of the answer's body, until the reader goes away or the test ends.
func (p *Proxy) Stall(after int) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		relay(w, record(r, next), after)
		select {
		case <-r.Context().Done():
		case <-p.stop:
		}
		panic(http.ErrAbortHandler)
	}
}

// Slow hands the answer's body out in pieces, with a pause after each.
func Slow(piece int, pause time.Duration) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := record(r, next)
		body := answer.Body.Bytes()
		head(w, answer)
		for len(body) > 0 {
			n := min(piece, len(body))
			write(w, body[:n])
			body = body[n:]
			time.Sleep(pause)
		}
	}
}

// Rewrite changes the body of the answer.
func Rewrite(change func(body string) string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := record(r, next)
		body := change(answer.Body.String())
		answer.Header().Set("Content-Length", fmt.Sprint(len(body)))
		head(w, answer)
		write(w, []byte(body))
	}
}

// record keeps the store's whole answer.
func record(r *http.Request, next http.Handler) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	next.ServeHTTP(answer, r)
	return answer
}

func head(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
}

// relay passes an answer on with its full length announced, and only its first bytes sent.
func relay(w http.ResponseWriter, answer *httptest.ResponseRecorder, first int) {
	body := answer.Body.Bytes()
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	head(w, answer)
	write(w, body[:min(first, len(body))])
}

// write sends bytes at once. A reader that has gone is no concern of the proxy.
func write(w io.Writer, p []byte) {
	_, _ = w.Write(p)
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}
