// Package open chooses the store for a path: a folder of this machine, or a bucket.
package open

import (
	"context"
	"fmt"
	"strings"

	"github.com/partnerhealth/partnerhealth/pipeline/source"
	"github.com/partnerhealth/partnerhealth/pipeline/source/local"
	"github.com/partnerhealth/partnerhealth/pipeline/source/s3"
)

// Place says where exports lie.
type Place struct {
	// Path is a folder, or s3://bucket/folder/.
	Path string
	// Endpoint and Region are those of the bucket (see s3.Options); a folder has none.
	Endpoint, Region string
}

// Remote reports whether a path names a bucket and not a folder.
func Remote(path string) bool { return strings.HasPrefix(path, "s3://") }

// Store returns the store of a place. Whether the place exists is seen when it is listed.
func Store(ctx context.Context, p Place) (source.Store, error) {
	if !Remote(p.Path) {
		if scheme, _, ok := strings.Cut(p.Path, "://"); ok {
			return nil, fmt.Errorf("path %s: exports are read from a folder or from s3://bucket/folder/, not by %s", p.Path, scheme)
		}
		return local.New(p.Path)
	}
	bucket, prefix, err := s3.Parse(p.Path)
	if err != nil {
		return nil, err
	}
	return s3.New(ctx, s3.Options{Bucket: bucket, Prefix: prefix, Endpoint: p.Endpoint, Region: p.Region})
}
