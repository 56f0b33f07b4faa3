// Package s3 is the store of exports that lie in an S3 bucket, at Amazon or in any other store that speaks
// its protocol.
//
// An export is read under the ETag that the listing showed (If-Match), so that one which was replaced since is
// a *source.ChangedError and never a mixture of two. A download that breaks off or stalls goes on where it
// stopped, under the same ETag, a bounded number of times. Credentials come from the SDK's chain: environment,
// shared files and profiles, web identity, container and instance roles; this package reads none itself.
// Errors of the store say what they mean and what to do (see Error).
package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/partnerhealth/partnerhealth/pipeline/source"
)

// Defaults of Options.
const (
	// DefaultAttempts is how often a request is tried before its error counts.
	DefaultAttempts = 5
	// DefaultMaxBackoff is the longest pause between two attempts.
	DefaultMaxBackoff = 20 * time.Second
	// DefaultStall is how long a connection may be silent before it counts as broken.
	DefaultStall = 60 * time.Second
)

// regionOfOthers is what stores that have no regions expect in a signature.
const regionOfOthers = "us-east-1"

// Options says where the exports lie and how patiently they are fetched.
type Options struct {
	// Bucket holds the exports whose keys begin with Prefix. The prefix is a folder: `crm` and `crm/` are the
	// same, and neither contains `crm-old/deals.csv`. "" is the whole bucket.
	Bucket, Prefix string
	// Endpoint is the address of a store other than Amazon's, such as https://minio.example:9000; its buckets
	// are then part of the path and not of the host name. "" leaves it to the SDK's own settings.
	Endpoint string
	// Region is where the bucket lives; "" leaves it to the SDK's own settings.
	Region string
	// Attempts is how often a request is tried, and a download that broke off taken up again; 0 leaves it to the
	// SDK's own settings (AWS_MAX_ATTEMPTS), or else to the default above. So are MaxBackoff and Stall.
	Attempts   int
	MaxBackoff time.Duration
	Stall      time.Duration
	// PageSize is how many keys one page of the listing holds; 0 leaves it to the store.
	PageSize int32
}

// Store lists and opens the exports of one bucket and prefix.
type Store struct {
	bucket, prefix string
	name, endpoint string
	client         *s3.Client
	credentials    aws.CredentialsProvider
	delay          func(attempt int) time.Duration
	resumes        int
	pageSize       int32
}

var _ source.Store = (*Store)(nil)

// Parse takes a path of the form s3://bucket/prefix apart; the prefix may be missing.
func Parse(path string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(path, "s3://")
	if !ok {
		return "", "", fmt.Errorf("path %q does not begin with s3://", path)
	}
	bucket, prefix, _ = strings.Cut(rest, "/")
	if bucket == "" {
		return "", "", fmt.Errorf("path %q names no bucket: write s3://bucket/folder/", path)
	}
	return bucket, prefix, nil
}

// New returns the store of a bucket. It reads the SDK's settings from environment and shared files, and
// speaks to nobody: whether the bucket exists is seen by List.
func New(ctx context.Context, o Options) (*Store, error) {
	if o.Bucket == "" {
		return nil, errors.New("open S3 exports: no bucket is given")
	}
	if o.Prefix != "" && !strings.HasSuffix(o.Prefix, "/") {
		o.Prefix += "/"
	}
	load := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithReadTimeout(cmp.Or(o.Stall, DefaultStall))),
		// What matters comes back as an error; a nightly run prints nothing else.
		awsconfig.WithLogger(logging.Nop{}),
	}
	if o.Region != "" {
		load = append(load, awsconfig.WithRegion(o.Region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("read settings of AWS: %w", err)
	}
	attempts := cmp.Or(o.Attempts, cfg.RetryMaxAttempts, DefaultAttempts)
	retryer := newRetryer(attempts, cmp.Or(o.MaxBackoff, DefaultMaxBackoff))
	s := &Store{
		bucket: o.Bucket, prefix: o.Prefix, name: "s3://" + o.Bucket + "/" + o.Prefix, credentials: cfg.Credentials,
		resumes: attempts, pageSize: o.PageSize,
		delay: func(attempt int) time.Duration {
			d, err := retryer.RetryDelay(attempt, nil)
			if err != nil {
				return 0
			}
			return d
		},
	}
	s.client = s3.NewFromConfig(cfg, func(c *s3.Options) {
		c.Retryer, c.RetryMaxAttempts = retryer, attempts
		if o.Endpoint != "" {
			c.BaseEndpoint = aws.String(o.Endpoint)
		}
		if c.BaseEndpoint != nil {
			s.endpoint = *c.BaseEndpoint
			c.UsePathStyle = true
			c.Region = cmp.Or(c.Region, regionOfOthers)
		}
		// Objects without a checksum are common and their transfer is guarded by size and ETag.
		c.DisableLogOutputChecksumValidationSkipped = true
	})
	if s.client.Options().Region == "" {
		return nil, &Error{Place: s.name, Reason: "no region is set", Next: "add region: to the source, or set AWS_REGION"}
	}
	return s, nil
}

// newRetryer tries again what the SDK tries again, and answers that break off.
func newRetryer(attempts int, maxBackoff time.Duration) *retry.Standard {
	return retry.NewStandard(func(r *retry.StandardOptions) {
		r.MaxAttempts, r.MaxBackoff = attempts, maxBackoff
		r.Backoff = retry.NewExponentialJitterBackoff(maxBackoff)
		r.Retryables = append(r.Retryables, retry.IsErrorRetryableFunc(isBrokenAnswer))
	})
}

// isBrokenAnswer reports an answer that ends too early: a listing that is cut off is no valid XML.
func isBrokenAnswer(err error) aws.Ternary {
	var broken *smithy.DeserializationError
	if errors.As(err, &broken) || errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// List implements source.Store. A prefix under which nothing lies, not even a placeholder, is a
// *source.FolderError, since a mistyped one cannot be told from it. So is a listing that breaks off.
func (s *Store) List(ctx context.Context) ([]source.Object, error) {
	out, seen, err := s.list(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &source.FolderError{Folder: s.name, Err: err}
	case seen == 0 && s.prefix != "":
		return nil, &source.FolderError{Folder: s.name, Err: &Error{
			Reason: "no object lies under this prefix", Next: "correct the path of the source, or let the first export be written"}}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out, nil
}

// list returns the exports, and how many keys it saw.
func (s *Store) list(ctx context.Context) (out []source.Object, seen int, err error) {
	in := &s3.ListObjectsV2Input{Bucket: aws.String(s.bucket), Prefix: aws.String(s.prefix)}
	if s.pageSize > 0 {
		in.MaxKeys = aws.Int32(s.pageSize)
	}
	for {
		page, err := s.client.ListObjectsV2(ctx, in)
		if err != nil {
			return nil, 0, s.explain(ctx, "", err)
		}
		for _, o := range page.Contents {
			seen++
			key := aws.ToString(o.Key)
			path, inside := strings.CutPrefix(key, s.prefix)
			if !inside {
				return nil, 0, s.misbehaves("lists %q, which is not under the prefix", key)
			}
			// A key that ends with a slash is the placeholder of a folder.
			if path == "" || strings.HasSuffix(path, "/") || source.Skipped(path) {
				continue
			}
			out = append(out, source.Object{Path: path, Size: aws.ToInt64(o.Size), ModTime: aws.ToTime(o.LastModified).UTC(), ETag: aws.ToString(o.ETag)})
		}
		if !aws.ToBool(page.IsTruncated) {
			return out, seen, nil
		}
		next := aws.ToString(page.NextContinuationToken)
		if next == "" || next == aws.ToString(in.ContinuationToken) {
			return nil, 0, s.misbehaves("says that the listing goes on after %d keys, and not where", seen)
		}
		in.ContinuationToken = aws.String(next)
	}
}
