package ingest

import (
	"bytes"
	"io"
)

const (
	// maxRecord is the size of the longest record that is read; a longer one is refused.
	maxRecord = 1 << 20
	// startBuffer holds many records at a time. It grows to a few times maxRecord at most.
	startBuffer = 256 << 10
	// maxEmptyReads is how often a reader may answer nothing and no error before it counts as stuck.
	maxEmptyReads = 100
	// slack is what follows the data in the buffer: room for two sentinels, and to load eight bytes at once.
	slack = 16
)

// window is the part of a text that is in memory.
type window struct {
	r        io.Reader
	buf      []byte
	pos, end int
	base     int64 // offset of buf[0]
	eof      bool
	err      error
}

func newWindow(r io.Reader, size int) window { return window{r: r, buf: make([]byte, size+slack)} }

// fill reads until the buffer is full or the text ends. The unread text moves to its front, and the buffer doubles
// where that alone would win too little.
func (w *window) fill() {
	if w.pos > 0 {
		copy(w.buf, w.buf[w.pos:w.end])
		w.base += int64(w.pos)
		w.end -= w.pos
		w.pos = 0
	}
	if size := len(w.buf) - slack; w.end > size/2 {
		grown := make([]byte, 2*size+slack)
		copy(grown, w.buf[:w.end])
		w.buf = grown
	}
	// Not io.ReadFull: it answers the end of a whole file with the error by which gzip reports a cut one.
	for empty := 0; w.end < len(w.buf)-slack && !w.eof; {
		n, err := w.r.Read(w.buf[w.end : len(w.buf)-slack])
		w.end += n
		if empty++; n > 0 {
			empty = 0
		}
		if err == nil && empty > maxEmptyReads {
			err = io.ErrNoProgress
		}
		if err != nil {
			w.eof = true
			if err != io.EOF {
				w.err = err
			}
		}
	}
}

// load sees to it that n bytes from pos are in memory, or all that there are.
func (w *window) load(n int) error {
	for w.end-w.pos < n && !w.eof {
		w.fill()
	}
	return w.err
}

// offset is where pos is in the text.
func (w *window) offset() int64 { return w.base + int64(w.pos) }

// skipBOM passes over a byte order mark.
func (w *window) skipBOM() {
	if w.load(len(bomUTF8)) == nil && bytes.HasPrefix(w.buf[w.pos:w.end], []byte(bomUTF8)) {
		w.pos += len(bomUTF8)
	}
}
