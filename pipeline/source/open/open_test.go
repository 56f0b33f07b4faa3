package open_test

import (
	"testing"

	"github.com/partnerhealth/partnerhealth/pipeline/source/local"
	"github.com/partnerhealth/partnerhealth/pipeline/source/open"
	"github.com/partnerhealth/partnerhealth/pipeline/source/s3"
	"github.com/partnerhealth/partnerhealth/pipeline/source/s3/s3test"
)

func TestStore(t *testing.T) {
	s3test.Credentials(t, "test", "test")
	folder, err := open.Store(t.Context(), open.Place{Path: t.TempDir()})
	if _, ok := folder.(*local.Store); !ok || err != nil {
		t.Errorf("a folder is a %T, %v", folder, err)
	}
	bucket, err := open.Store(t.Context(), open.Place{Path: "s3://exports/crm/", Region: "eu-central-1"})
	if _, ok := bucket.(*s3.Store); !ok || err != nil {
		t.Errorf("a bucket is a %T, %v", bucket, err)
	}
	for _, p := range []string{"", "s3://", "gs://exports/crm", "https://exports.example/crm"} {
		if s, err := open.Store(t.Context(), open.Place{Path: p}); err == nil {
			t.Errorf("%q is a %T", p, s)
		}
	}
}
