package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Error is an answer of the store, or its absence, with what it means for a person. The SDK's error is
// wrapped.
type Error struct {
	// Place is the export that the answer is about; "" for the folder as a whole.
	Place string
	// Code is the store's own word for the error, such as AccessDenied; "" when it said nothing.
	Code string
	// RequestID identifies the request in the store's logs; "" when the store gave none.
	RequestID string
	// Reason says what is wrong, Next what to do about it.
	Reason, Next string
	Err          error
}

func (e *Error) Error() string {
	text := e.Reason
	if e.Place != "" {
		text = e.Place + ": " + text
	}
	var details []string
	if e.Code != "" {
		details = append(details, e.Code)
	}
	if e.RequestID != "" {
		details = append(details, "request "+e.RequestID)
	}
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	return text + "; " + e.Next
}

func (e *Error) Unwrap() error { return e.Err }

// meaning is what a code of the store tells a person. In both texts %b stands for the bucket, %e for the
// store, %r for the region where the bucket lives.
type meaning struct{ reason, next string }

var denied = meaning{"access is denied", "let the credentials in use list the bucket (s3:ListBucket) and read its exports (s3:GetObject, and kms:Decrypt where they are encrypted)"}

var meanings = map[string]meaning{
	"NoSuchBucket":                       {"the bucket %b does not exist at %e", "correct the path of the source, or its endpoint"},
	"InvalidBucketName":                  {"%b is no name of a bucket", "correct the path of the source"},
	"AccessDenied":                       denied,
	"Forbidden":                          denied,
	"AllAccessDisabled":                  denied,
	"XAdminUserNotFound":                 unknownKey, // versitygw's word
	"InvalidAccessKeyId":                 unknownKey,
	"SignatureDoesNotMatch":              {"the secret key does not belong to the access key", "set AWS_SECRET_ACCESS_KEY anew"},
	"ExpiredToken":                       {"the credentials have expired", "log in again, or give the run a role instead of a session"},
	"InvalidToken":                       {"the session token is not valid", "log in again, or unset AWS_SESSION_TOKEN"},
	"RequestTimeTooSkewed":               {"this machine's clock differs too much from the store's", "set the clock"},
	"InvalidObjectState":                 {"it is archived and cannot be read", "restore it from its archive class, or move the exports to one that can be read"},
	"SlowDown":                           busy,
	"ServiceUnavailable":                 busy,
	"InternalError":                      busy,
	"RequestTimeout":                     busy,
	"PermanentRedirect":                  elsewhere,
	"TemporaryRedirect":                  elsewhere,
	"MovedPermanently":                   elsewhere,
	"IllegalLocationConstraintException": elsewhere,
	"AuthorizationHeaderMalformed":       elsewhere,
}

var (
	unknownKey = meaning{"%e does not know the access key", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, for this store"}
	busy       = meaning{"%e is busy or out of order, at every attempt", "run again later"}
	elsewhere  = meaning{"the bucket %b lives in another region%r", "set the region of the source%r"}
)

// explain turns an error of the SDK into what it means, for one export or, with no place, for the folder as
// a whole. The context's own end is returned as it is.
func (s *Store) explain(ctx context.Context, place string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &Error{Place: place, Err: err}
	var answer *smithyhttp.ResponseError
	status, region := 0, ""
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
		if answer.Response != nil {
			region = answer.Response.Header.Get("x-amz-bucket-region")
		}
	}
	var named interface{ ServiceRequestID() string }
	if errors.As(err, &named) {
		e.RequestID = named.ServiceRequestID()
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		e.Code = api.ErrorCode()
	}
	m, known := meanings[e.Code]
	switch {
	case known:
	case status == http.StatusMovedPermanently, status == http.StatusTemporaryRedirect:
		m = elsewhere
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		m = denied
	case status >= http.StatusInternalServerError:
		m = busy
	case status < http.StatusMultipleChoices:
		m = s.unanswered(ctx, err)
	default:
		m = meaning{"%e refuses the request: " + escape(err), "see the store's documentation for this answer"}
	}
	e.Reason, e.Next = s.fill(m.reason, region, " (%s)"), s.fill(m.next, region, ": region: %s")
	return e
}

// unanswered tells apart why no answer came.
func (s *Store) unanswered(ctx context.Context, err error) meaning {
	if s.credentials != nil {
		if _, missing := s.credentials.Retrieve(ctx); missing != nil {
			return meaning{"no credentials are found: " + escape(missing),
				"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this machine a role"}
		}
	}
	var (
		request *url.Error
		dial    *net.OpError
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return meaning{"%e does not answer: " + escape(rootOf(err)), "check network, proxy and the endpoint of the source"}
	case errors.As(err, &request), errors.As(err, &dial), errors.Is(err, io.EOF):
		return meaning{"%e cannot be reached: " + escape(rootOf(err)), "check network, proxy and the endpoint of the source"}
	}
	return meaning{"%e gives an answer that cannot be used: " + escape(rootOf(err)), "check the endpoint of the source; run again later if it is right"}
}

// rootOf returns the innermost error, whose text is not yet wrapped in the SDK's words.
func rootOf(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func escape(err error) string { return strings.ReplaceAll(err.Error(), "%", "%%") }

// fill puts bucket, store and region into a text; the region is known only to some answers.
func (s *Store) fill(text, region, form string) string {
	if region != "" {
		region = fmt.Sprintf(form, region)
	}
	at := s.endpoint
	if at == "" {
		at = "S3"
	}
	return strings.NewReplacer("%%", "%", "%b", s.bucket, "%e", at, "%r", region).Replace(text)
}

// misbehaves is the error of a store that does not keep to the protocol.
func (s *Store) misbehaves(format string, args ...any) error {
	return &Error{Reason: "the store " + fmt.Sprintf(format, args...),
		Next: "run again; if it stays so, tell whoever runs the store"}
}
