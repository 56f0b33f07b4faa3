package logistic

import (
	"sync"
	"sync/atomic"
)

const (
	// chunkRows is the number of rows of a partial sum. It is part of the result's definition, as is lanes: other values
	// give other last bits.
	chunkRows = 8192
	// lanes is the number of running sums that chunks are added to in turn: chunk c goes to lane c mod lanes. A lane is
	// one goroutine's at a time, so that none waits for another and the order of additions is that of the chunks.
	lanes = 32
)

// rows is a design that can be walked as often as a fit needs.
type rows interface {
	// walk calls work for every chunk of chunkRows rows, the last one shorter, with the number of the goroutine, that of
	// the chunk's lane and that of its first row. The chunks of a lane come in their order and one at a time; one worker
	// is given all chunks in their order.
	walk(workers int, work func(worker, lane, first int, d *Data)) error
}

// resident are rows in memory.
type resident struct{ d *Data }

func (r resident) walk(workers int, work func(worker, lane, first int, d *Data)) error {
	n := len(r.d.Y)
	chunks := (n + chunkRows - 1) / chunkRows
	do := func(worker, chunk int) {
		lo := chunk * chunkRows
		part := r.d.slice(lo, min(n, lo+chunkRows))
		work(worker, chunk%lanes, lo, &part)
	}
	if workers = min(workers, chunks, lanes); workers <= 1 {
		for c := range chunks {
			do(0, c)
		}
		return nil
	}
	// Whoever is free takes the next lane: on a machine that does other work, too, no worker is held up by a slower one.
	var next atomic.Int64
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			for lane := int(next.Add(1)) - 1; lane < min(lanes, chunks); lane = int(next.Add(1)) - 1 {
				for c := lane; c < chunks; c += lanes {
					do(w, c)
				}
			}
		})
	}
	done.Wait()
	return nil
}

// slice returns the rows lo to hi.
func (d *Data) slice(lo, hi int) Data {
	part := Data{X: d.X[lo*d.Cols : hi*d.Cols], Cols: d.Cols, Y: d.Y[lo:hi], Names: d.Names}
	if d.Weights != nil {
		part.Weights = d.Weights[lo:hi]
	}
	if d.Offset != nil {
		part.Offset = d.Offset[lo:hi]
	}
	return part
}
