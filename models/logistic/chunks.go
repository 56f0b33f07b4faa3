package logistic

import "sync"

// chunkRows is the number of rows of a partial sum. It is part of the result's definition: another value gives other
// last bits.
const chunkRows = 8192

// rows is a design that can be walked as often as a fit needs.
type rows interface {
	// walk calls work for every chunk of chunkRows rows, the last one shorter, on several goroutines, with the worker's
	// number and that of the chunk's first row. It calls merge for every chunk, after its work and strictly in the order
	// of the chunks, whichever worker was first.
	walk(workers int, work func(worker, first int, d *Data), merge func(worker int)) error
}

// resident are rows in memory.
type resident struct{ d *Data }

func (r resident) walk(workers int, work func(worker, first int, d *Data), merge func(worker int)) error {
	n := len(r.d.Y)
	chunks := (n + chunkRows - 1) / chunkRows
	do := func(worker, chunk int) {
		lo := chunk * chunkRows
		part := r.d.slice(lo, min(n, lo+chunkRows))
		work(worker, lo, &part)
	}
	if workers = min(workers, chunks); workers <= 1 {
		for c := range chunks {
			do(0, c)
			merge(0)
		}
		return nil
	}
	turns := newTurns(workers)
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			for c := w; c < chunks; c += workers {
				do(w, c)
				turns.take(w, func() { merge(w) })
			}
		})
	}
	done.Wait()
	return nil
}

// turns pass the right to merge from worker to worker, like a token.
type turns []chan struct{}

func newTurns(workers int) turns {
	t := make(turns, workers)
	for i := range t {
		t[i] = make(chan struct{}, 1)
	}
	t[0] <- struct{}{}
	return t
}

// take waits for the turn of the worker, does f, and passes the turn on.
func (t turns) take(worker int, f func()) {
	<-t[worker]
	f()
	t[(worker+1)%len(t)] <- struct{}{}
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
