package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

// Open implements source.Store.
func (s *Store) Open(ctx context.Context, o source.Object) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, store: s, o: o}
	if err := r.request(); err != nil {
		return nil, err
	}
	return r, nil
}

// reader downloads one export and takes the download up again when it breaks off.
type reader struct {
	ctx   context.Context
	store *Store
	o     source.Object
	body  io.ReadCloser
	// read counts the bytes handed out, breaks how often the download broke off.
	read   int64
	breaks int
}

func (r *reader) place() string { return r.store.name + r.o.Path }

func (r *reader) changed(format string, args ...any) error {
	return &source.ChangedError{Path: r.o.Path, Reason: fmt.Sprintf(format, args...)}
}

// request asks for the export, or for what is left of it, as it was listed.
func (r *reader) request() error {
	in := &s3.GetObjectInput{Bucket: aws.String(r.store.bucket), Key: aws.String(r.store.prefix + r.o.Path)}
	if r.o.ETag != "" {
		in.IfMatch = aws.String(r.o.ETag)
	}
	if r.read > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", r.read))
	}
	out, err := r.store.client.GetObject(r.ctx, in)
	if err != nil {
		return r.refusal(err)
	}
	if err := r.verify(out); err != nil {
		return errors.Join(err, out.Body.Close())
	}
	r.body = out.Body
	return nil
}

// refusal says what it means that the store does not hand the export out.
func (r *reader) refusal(err error) error {
	explained := r.store.explain(r.ctx, r.place(), err)
	var (
		answer *smithyhttp.ResponseError
		e      *Error
	)
	if errors.As(err, &answer) && errors.As(explained, &e) {
		switch status := answer.HTTPStatusCode(); {
		case status == http.StatusPreconditionFailed:
			return r.changed("it was written again")
		case status == http.StatusRequestedRangeNotSatisfiable:
			return r.changed("it is shorter than the %d bytes that were read", r.read)
		case e.Code == "NoSuchKey", e.Code == "NotFound":
			return r.changed("it is gone")
		}
	}
	return fmt.Errorf("read export: %w", explained)
}

// verify compares what the store hands out with the listing. Not every store heeds If-Match.
func (r *reader) verify(out *s3.GetObjectOutput) error {
	if etag := aws.ToString(out.ETag); r.o.ETag != "" && etag != "" && !sameTag(etag, r.o.ETag) {
		return r.changed("it was written again")
	}
	// The header has whole seconds, a listing may have more.
	if r.o.ETag == "" && out.LastModified != nil && !out.LastModified.Truncate(time.Second).Equal(r.o.ModTime.Truncate(time.Second)) {
		return r.changed("it was written again")
	}
	if r.read > 0 && !strings.HasPrefix(aws.ToString(out.ContentRange), fmt.Sprintf("bytes %d-", r.read)) {
		return &Error{Place: r.place(), Reason: "the download broke off, and the store cannot go on in the middle of an export",
			Next: "run again; if it stays so, tell whoever runs the store"}
	}
	if out.ContentLength != nil && r.read+*out.ContentLength != r.o.Size {
		return r.changed("it has %d bytes, the listing said %d", r.read+*out.ContentLength, r.o.Size)
	}
	return nil
}

// sameTag compares ETags; some stores leave out the quotes in one place and not in the other.
func sameTag(a, b string) bool { return strings.Trim(a, `"`) == strings.Trim(b, `"`) }

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for {
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := r.body.Read(p)
		r.read += int64(n)
		switch {
		case r.read > r.o.Size:
			return n, r.changed("it has more bytes than the %d that the listing said", r.o.Size)
		case err == nil:
			return n, nil
		case r.ctx.Err() != nil:
			return n, r.ctx.Err()
		case err == io.EOF && r.read == r.o.Size:
			return n, io.EOF
		case r.read == r.o.Size:
			// All bytes came, and still something is wrong: the checksum that the store sent along.
			return n, fmt.Errorf("read export: %w", &Error{Place: r.place(), Reason: "what arrived is not what the store sent: " + err.Error(),
				Next: "run again", Err: err})
		}
		if err := r.resume(err); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// resume takes the download up again where it broke off.
func (r *reader) resume(cause error) error {
	r.breaks++
	if r.breaks > r.store.resumes {
		return fmt.Errorf("read export: %w", &Error{Place: r.place(),
			Reason: fmt.Sprintf("the download broke off %d times, last at byte %d of %d: %v", r.breaks, r.read, r.o.Size, cause),
			Next:   "run again; if it stays so, check the network between here and the store", Err: cause})
	}
	// The body is broken; what closing it says adds nothing.
	_ = r.body.Close()
	r.body = http.NoBody
	pause := time.NewTimer(r.store.delay(r.breaks))
	defer pause.Stop()
	select {
	case <-r.ctx.Done():
		return r.ctx.Err()
	case <-pause.C:
	}
	return r.request()
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if err := r.body.Close(); err != nil && r.ctx.Err() == nil && r.read == r.o.Size {
		return fmt.Errorf("close export: %w", err)
	}
	return nil
}
