// Package s3test gives tests a bucket to read from: one in memory, one in a real server where the environment
// names it, and a proxy on the loopback interface that injects the faults of a network before either.
package s3test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Bucket is a bucket that a test writes to and the code under test reads from.
type Bucket struct {
	// Endpoint is the address of the store, Name the bucket's.
	Endpoint, Name string
	// Put creates or replaces an object, Remove takes one away.
	Put    func(key string, content []byte)
	Remove func(key string)
	// PutAt is Put at a moment of the test's choice; nil in a real server.
	PutAt func(key string, content []byte, modified time.Time)
}

// The environment variables that name a real server. .ci/run starts versitygw and sets them.
const (
	EndpointEnv  = "PARTNERHEALTH_TEST_S3_ENDPOINT"
	AccessKeyEnv = "PARTNERHEALTH_TEST_S3_ACCESS_KEY"
	SecretKeyEnv = "PARTNERHEALTH_TEST_S3_SECRET_KEY"
)

// Credentials lets the SDK's chain find these keys, and nothing of this machine's own settings, for the rest
// of the test.
func Credentials(t testing.TB, accessKey, secretKey string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "",
	} {
		t.Setenv(name, value)
	}
}

// buckets numbers the buckets that this process made in the real server.
var buckets atomic.Int64

// Gateway makes a new bucket in the real server that the environment names, and empties and removes it when
// the test ends. Without a server the test is skipped.
func Gateway(t testing.TB) *Bucket {
	t.Helper()
	endpoint, accessKey, secretKey := os.Getenv(EndpointEnv), os.Getenv(AccessKeyEnv), os.Getenv(SecretKeyEnv)
	if endpoint == "" {
		t.Skipf("no S3 server: %s is not set; .ci/run starts versitygw and sets it", EndpointEnv)
	}
	Credentials(t, accessKey, secretKey)
	client := s3.New(s3.Options{BaseEndpoint: aws.String(endpoint), UsePathStyle: true, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, "")})
	b := &Bucket{Endpoint: endpoint, Name: fmt.Sprintf("test-%d-%d", os.Getpid(), buckets.Add(1))}
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(b.Name)}); err != nil {
		t.Fatalf("create bucket: %v", err)
	}
	b.Put = func(key string, content []byte) {
		t.Helper()
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(b.Name), Key: aws.String(key), Body: bytes.NewReader(content)})
		if err != nil {
			t.Fatalf("put %s: %v", key, err)
		}
	}
	b.Remove = func(key string) {
		t.Helper()
		if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(b.Name), Key: aws.String(key)}); err != nil {
			t.Fatalf("delete %s: %v", key, err)
		}
	}
	t.Cleanup(func() {
		if err := drop(client, b.Name); err != nil {
			t.Errorf("remove bucket: %v", err)
		}
	})
	return b
}

// drop empties and removes a bucket. The test's own context has ended by then.
func drop(client *s3.Client, bucket string) error {
	ctx := context.Background()
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var keys []types.ObjectIdentifier
		for _, o := range page.Contents {
			keys = append(keys, types.ObjectIdentifier{Key: o.Key})
		}
		if len(keys) == 0 {
			continue
		}
		if _, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{Objects: keys}}); err != nil {
			return err
		}
	}
	_, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(bucket)})
	return err
}
