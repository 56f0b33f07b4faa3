package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The bounds of what is unpacked, against files that were made to fill the disk.
const (
	// maxRatio is how many bytes one byte may become, once ratioFrom bytes came out: text shrinks to a hundredth at most.
	maxRatio  = 500
	ratioFrom = 64 << 20
	// maxLayers is how often a file may be packed into another.
	maxLayers = 3
	// maxZstdWindow is the memory that a zstd frame may ask for.
	maxZstdWindow = 128 << 20
)

// The first bytes of what is compressed.
const (
	magicGzip = "\x1f\x8b"
	magicZstd = "\x28\xb5\x2f\xfd"
)

// isZstd reports whether data begin with a frame of zstd, be it one to pass over, of which the first byte has 16 values.
func isZstd(head []byte) bool {
	const skippable = "\x2a\x4d\x18"
	return bytes.HasPrefix(head, []byte(magicZstd)) || len(head) > len(skippable) && head[0]>>4 == 5 && bytes.HasPrefix(head[1:], []byte(skippable))
}

// packed is an export as it is unpacked, by its content and not by its name.
type packed struct {
	*bufio.Reader
	compression string
	closers     []func()
}

// unpack takes off gzip and zstd. close is to be called in any case.
func unpack(s *source) (*packed, error) {
	p := &packed{Reader: bufio.NewReaderSize(s, 64<<10)}
	var layers []string
	for len(layers) <= maxLayers {
		head, err := peek(p.Reader, 4)
		if err != nil {
			return p, err
		}
		layer, isPacked, err := p.layer(head)
		if err != nil {
			return p, err
		}
		if !isPacked {
			p.compression = strings.Join(layers, "+")
			if p.compression == "" {
				p.compression = "none"
			}
			return p, nil
		}
		layers = append(layers, layer)
		p.compression = layer
	}
	return p, &FileError{Rule: RuleLimit, Message: fmt.Sprintf("it is compressed more than %d times over", maxLayers), NextStep: "export it compressed once, or not at all"}
}

// layer puts what unpacks the data at hand in front of it.
func (p *packed) layer(head []byte) (name string, isPacked bool, err error) {
	counted := &counter{r: p.Reader}
	switch {
	case bytes.HasPrefix(head, []byte(magicGzip)):
		p.compression = "gzip"
		z, err := gzip.NewReader(bufio.NewReader(counted))
		if err != nil {
			return "", false, err
		}
		p.Reader = bufio.NewReaderSize(&bounded{r: z, in: counted}, 64<<10)
		return "gzip", true, nil
	case isZstd(head):
		p.compression = "zstd"
		z, err := zstd.NewReader(counted, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return "", false, err
		}
		p.closers = append(p.closers, z.Close)
		p.Reader = bufio.NewReaderSize(&bounded{r: z, in: counted}, 64<<10)
		return "zstd", true, nil
	}
	return "", false, nil
}

func (p *packed) close() {
	for i := range p.closers {
		p.closers[len(p.closers)-1-i]()
	}
}

// counter counts the bytes that are read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded refuses data that grow beyond measure as they are unpacked.
type bounded struct {
	r  io.Reader
	in *counter
	n  int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.n += int64(n); b.n > ratioFrom && b.n/maxRatio > b.in.n {
		return n, &FileError{Rule: RuleLimit, Message: fmt.Sprintf("it unpacks to more than %d times its size", maxRatio),
			NextStep: "check where it comes from: no export of text shrinks so much; send it uncompressed if it is meant"}
	}
	return n, err
}

// damaged refuses a file whose data cannot be unpacked; the refusals of File and errors of the reader pass through.
func (p *packed) damaged(err error) error {
	var refused *FileError
	if errors.As(err, &refused) {
		return err
	}
	what := "its data are"
	if p.compression != "none" {
		what = "its " + p.compression + " data is"
	}
	return &FileError{Rule: RuleDamaged, Message: what + " cut off or damaged: " + err.Error(), NextStep: "export or copy the file again", Err: err}
}
