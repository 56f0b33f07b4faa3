package logistic

import (
	"errors"
	"fmt"
	"sync"
)

// Blocks hands the rows of a design to yield block by block, always the same rows in the same order, each time that it
// is called. A block is no longer used after yield returns, and an error of yield ends the walk and is returned. All
// blocks have the columns, and a weight or an offset, of the first; names are taken from the first.
type Blocks func(yield func(block Data) error) error

// FitBlocks is Fit for rows that are not all in memory: it walks through them once for each Newton step and a few times
// more, and keeps a few chunks of 8,192 rows at a time. The result has the same bits as that of Fit on all rows,
// whatever the size of the blocks and the number of workers.
func FitBlocks(blocks Blocks, o Options) (*Model, error) {
	models, err := PathBlocks(blocks, []float64{o.Lambda}, o)
	if err != nil {
		return nil, err
	}
	return models[0], nil
}

// PathBlocks is Path for rows that are not all in memory.
func PathBlocks(blocks Blocks, lambdas []float64, o Options) ([]*Model, error) {
	var head *Data
	first := errors.New("first block")
	err := blocks(func(b Data) error {
		if err := b.check(); err != nil {
			return err
		}
		part := b.slice(0, 0)
		head = &part
		return first
	})
	var input *InputError
	switch {
	case errors.As(err, &input):
		return nil, err
	case err != nil && !errors.Is(err, first):
		return nil, fmt.Errorf("read rows: %w", err)
	case head == nil:
		return nil, &InputError{Row: -1, Reason: "no rows with weight"}
	}
	return path(streamed{blocks, *head}, head.shape(), lambdas, o)
}

// streamed are rows that come block by block. head has their columns and no rows.
type streamed struct {
	blocks Blocks
	head   Data
}

func (s streamed) walk(workers int, work func(worker, lane, first int, d *Data)) error {
	if workers <= 1 {
		return s.chunks([]chan *Data{s.buffers(1)}, func(_, lane, first int, d *Data) *Data {
			work(0, lane, first, d)
			return d
		})
	}
	type job struct {
		lane, first int
		d           *Data
	}
	// Each worker has a chunk that it works on and one that is being filled.
	free, jobs := make([]chan *Data, workers), make([]chan job, workers)
	var done sync.WaitGroup
	for w := range workers {
		free[w], jobs[w] = s.buffers(2), make(chan job, 1)
		done.Go(func() {
			for j := range jobs[w] {
				work(w, j.lane, j.first, j.d)
				free[w] <- j.d
			}
		})
	}
	err := s.chunks(free, func(worker, lane, first int, d *Data) *Data {
		jobs[worker] <- job{lane, first, d}
		return nil
	})
	for _, j := range jobs {
		close(j)
	}
	done.Wait()
	return err
}

// buffers returns n empty chunks.
func (s streamed) buffers(n int) chan *Data {
	out := make(chan *Data, n)
	for range n {
		d := &Data{X: make([]float64, 0, chunkRows*s.head.Cols), Cols: s.head.Cols, Y: make([]float64, 0, chunkRows), Names: s.head.Names}
		if s.head.Weights != nil {
			d.Weights = make([]float64, 0, chunkRows)
		}
		if s.head.Offset != nil {
			d.Offset = make([]float64, 0, chunkRows)
		}
		out <- d
	}
	return out
}

// chunks cuts the blocks into chunks, takes a buffer for each from its worker's free ones, and gives the full ones to
// take, which returns a buffer that is free at once, or nil. A lane always has the same worker.
func (s streamed) chunks(free []chan *Data, take func(worker, lane, first int, d *Data) *Data) error {
	row, lane := 0, 0
	var chunk *Data
	flush := func() {
		worker := lane % len(free)
		if d := take(worker, lane, row-len(chunk.Y), chunk); d != nil {
			free[worker] <- d
		}
		chunk, lane = nil, (lane+1)%lanes
	}
	err := s.blocks(func(b Data) error {
		if err := s.matches(&b, row); err != nil {
			return err
		}
		for lo := 0; lo < len(b.Y); {
			if chunk == nil {
				chunk = <-free[lane%len(free)]
				chunk.empty()
			}
			hi := min(len(b.Y), lo+chunkRows-len(chunk.Y))
			chunk.append(b.slice(lo, hi))
			row += hi - lo
			lo = hi
			if len(chunk.Y) == chunkRows {
				flush()
			}
		}
		return nil
	})
	var input *InputError
	if err != nil && !errors.As(err, &input) {
		err = fmt.Errorf("read rows: %w", err)
	}
	if chunk != nil {
		flush()
	}
	return err
}

// matches reports a block that does not have the shape of the first.
func (s streamed) matches(b *Data, row int) error {
	n := len(b.Y)
	switch {
	case b.Cols != s.head.Cols || len(b.X) != n*b.Cols:
		return &InputError{Row: row, Reason: fmt.Sprintf("the block has %d values, want %d rows of %d", len(b.X), n, s.head.Cols)}
	case (b.Weights == nil) != (s.head.Weights == nil) || b.Weights != nil && len(b.Weights) != n:
		return &InputError{Row: row, Reason: "the block does not have a weight for each row, as the first block has or has not"}
	case (b.Offset == nil) != (s.head.Offset == nil) || b.Offset != nil && len(b.Offset) != n:
		return &InputError{Row: row, Reason: "the block does not have an offset for each row, as the first block has or has not"}
	}
	return nil
}

func (d *Data) empty() {
	d.X, d.Y = d.X[:0], d.Y[:0]
	if d.Weights != nil {
		d.Weights = d.Weights[:0]
	}
	if d.Offset != nil {
		d.Offset = d.Offset[:0]
	}
}

func (d *Data) append(o Data) {
	d.X, d.Y = append(d.X, o.X...), append(d.Y, o.Y...)
	if d.Weights != nil {
		d.Weights = append(d.Weights, o.Weights...)
	}
	if d.Offset != nil {
		d.Offset = append(d.Offset, o.Offset...)
	}
}

// withoutColumns are the outcomes, weights and offsets of other rows.
type withoutColumns struct{ rows rows }

func (r withoutColumns) walk(workers int, work func(worker, lane, first int, d *Data)) error {
	return r.rows.walk(workers, func(worker, lane, first int, d *Data) {
		work(worker, lane, first, &Data{Y: d.Y, Weights: d.Weights, Offset: d.Offset})
	})
}
