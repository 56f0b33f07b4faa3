package logistic

import "sync"

// chunkRows is the number of rows of a partial sum. It is part of the result's definition: another value gives other
// last bits.
const chunkRows = 8192

// inOrder runs work over all chunks of n rows on several goroutines and merges their partial sums strictly in chunk
// order, whichever goroutine was first. partials holds one buffer per goroutine; work must overwrite its buffer.
func inOrder[T any](n int, partials []T, work func(lo, hi int, part T), merge func(part T)) {
	chunks := (n + chunkRows - 1) / chunkRows
	workers := min(len(partials), chunks)
	if workers <= 1 {
		for c := range chunks {
			work(c*chunkRows, min(n, (c+1)*chunkRows), partials[0])
			merge(partials[0])
		}
		return
	}
	// The turn to merge is passed from worker to worker like a token.
	turn := make([]chan struct{}, workers)
	for i := range turn {
		turn[i] = make(chan struct{}, 1)
	}
	turn[0] <- struct{}{}
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			for c := w; c < chunks; c += workers {
				work(c*chunkRows, min(n, (c+1)*chunkRows), partials[w])
				<-turn[w]
				merge(partials[w])
				turn[(w+1)%workers] <- struct{}{}
			}
		})
	}
	done.Wait()
}
