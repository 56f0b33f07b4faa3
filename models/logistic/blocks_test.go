package logistic_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/partnerhealth/partnerhealth/models/logistic"
)

// cut hands out the rows of d in blocks of the given sizes, over and over.
func cut(d logistic.Data, sizes ...int) logistic.Blocks {
	return func(yield func(logistic.Data) error) error {
		for lo, k := 0, 0; lo < len(d.Y); k++ {
			hi := min(len(d.Y), lo+sizes[k%len(sizes)])
			b := logistic.Data{X: d.X[lo*d.Cols : hi*d.Cols], Cols: d.Cols, Y: d.Y[lo:hi], Names: d.Names}
			if d.Weights != nil {
				b.Weights = d.Weights[lo:hi]
			}
			if d.Offset != nil {
				b.Offset = d.Offset[lo:hi]
			}
			if err := yield(b); err != nil {
				return err
			}
			lo = hi
		}
		return nil
	}
}

// The bits of the result are those of the fit in memory, whatever the blocks and the workers.
func TestBlocksGiveTheBitsOfTheFitInMemory(t *testing.T) {
	d := benchData(9_000)
	d.Weights, d.Offset = make([]float64, len(d.Y)), make([]float64, len(d.Y))
	for i := range d.Y {
		d.Weights[i], d.Offset[i] = float64(i%4), float64(i%7)/10
	}
	for _, o := range []logistic.Options{{}, {Lambda: 3, Standardise: true}} {
		want, err := logistic.Fit(d, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, sizes := range [][]int{{1}, {5000, 3, 12000}, {100_000}} {
			for _, workers := range []int{1, 2} {
				o.Workers = workers
				got, err := logistic.FitBlocks(cut(d, sizes...), o)
				if err != nil {
					t.Fatal(err)
				}
				for j, b := range want.Coef() {
					if got.Coef()[j] != b || got.Laplace().SE()[j] != want.Laplace().SE()[j] {
						t.Fatalf("blocks of %v, %d workers: coefficient %d is %v, want %v", sizes, workers, j, got.Coef()[j], b)
					}
				}
				if got.LogLik() != want.LogLik() || got.NullDeviance() != want.NullDeviance() || got.Rows != want.Rows {
					t.Fatalf("blocks of %v, %d workers: log likelihood %v, want %v", sizes, workers, got.LogLik(), want.LogLik())
				}
			}
		}
	}
}

func TestFirthTakesBlocks(t *testing.T) {
	d := logistic.Data{X: []float64{1, 2, 3, 4, 5, 6}, Cols: 1, Y: []float64{0, 0, 0, 1, 1, 1}}
	want, err := logistic.Fit(d, logistic.Options{Firth: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := logistic.FitBlocks(cut(d, 4), logistic.Options{Firth: true})
	if err != nil || got.Coef()[1] != want.Coef()[1] {
		t.Errorf("%v (%v), want %v", got, err, want.Coef())
	}
}

func TestBlocksThatCannotBeFitted(t *testing.T) {
	broken := errors.New("the disk is gone")
	d := benchData(9000)
	walks := 0
	for _, c := range []struct {
		name   string
		blocks logistic.Blocks
		want   string
	}{
		{"no blocks", func(func(logistic.Data) error) error { return nil }, "no rows with weight"},
		{"unreadable", func(func(logistic.Data) error) error { return broken }, "read rows: the disk is gone"},
		{"unreadable in the middle", func(yield func(logistic.Data) error) error {
			if err := cut(d, 100)(yield); err != nil {
				return err
			}
			return broken
		}, "read rows: the disk is gone"},
		{"a block of other columns", func(yield func(logistic.Data) error) error {
			if err := yield(logistic.Data{X: []float64{1, 2}, Cols: 1, Y: []float64{0, 1}}); err != nil {
				return err
			}
			return yield(logistic.Data{X: []float64{1, 2}, Cols: 2, Y: []float64{1}})
		}, "row 2: the block has 2 values, want 1 rows of 1"},
		{"a block with weights behind one without", func(yield func(logistic.Data) error) error {
			if err := yield(logistic.Data{X: []float64{1, 2}, Cols: 1, Y: []float64{0, 1}}); err != nil {
				return err
			}
			return yield(logistic.Data{X: []float64{1}, Cols: 1, Y: []float64{1}, Weights: []float64{1}})
		}, "row 2: the block does not have a weight"},
		{"a value that is none", func(yield func(logistic.Data) error) error {
			if err := cut(d, 100)(yield); err != nil {
				return err
			}
			x := make([]float64, d.Cols)
			x[3] = math.NaN()
			return yield(logistic.Data{X: x, Cols: d.Cols, Y: []float64{1}})
		}, "row 9000: column x4: value is not a finite number"},
		{"rows that change", func(yield func(logistic.Data) error) error {
			if walks++; walks < 5 {
				return cut(d, 100)(yield)
			}
			return cut(logistic.Data{X: d.X[:8900*d.Cols], Cols: d.Cols, Y: d.Y[:8900]}, 100)(yield)
		}, "the rows changed between two walks: 9000, then 8900"},
	} {
		for _, workers := range []int{1, 2} {
			walks = 0
			_, err := logistic.FitBlocks(c.blocks, logistic.Options{Workers: workers})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s, %d workers: %v, want %q", c.name, workers, err, c.want)
			}
		}
	}
}

// generated makes rows on the fly, n of them, so that no memory but the fit's own is in use.
func generated(n, cols int) logistic.Blocks {
	const block = 4096
	return func(yield func(logistic.Data) error) error {
		d := logistic.Data{Cols: cols, X: make([]float64, block*cols), Y: make([]float64, block)}
		state := uint64(1)
		next := func() float64 { // xorshift, since the same rows must come again
			state ^= state << 13
			state ^= state >> 7
			state ^= state << 17
			return float64(state>>11)/(1<<53) - 0.5
		}
		for lo := 0; lo < n; lo += block {
			rows := min(block, n-lo)
			for i := range rows {
				eta := -2.0
				for j := range cols {
					x := next()
					d.X[i*cols+j] = x
					eta += x * float64(j%5-2)
				}
				d.Y[i] = 0
				if next()+0.5 < logistic.Expit(eta) {
					d.Y[i] = 1
				}
			}
			if err := yield(logistic.Data{X: d.X[:rows*cols], Cols: cols, Y: d.Y[:rows]}); err != nil {
				return err
			}
		}
		return nil
	}
}

// What a fit allocates does not grow with the rows.
func TestMemoryOfBlocksDoesNotGrowWithTheRows(t *testing.T) {
	allocated := func(n int) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := logistic.FitBlocks(generated(n, 29), logistic.Options{Lambda: 1, Workers: 2}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	few, many := allocated(10_000), allocated(40_000)
	// Buffers are made for each walk; a larger fit may take some walks more.
	if many > 2*few {
		t.Errorf("%d bytes for 10,000 rows, %d for 40,000", few, many)
	}
}

// What is alive while a fit walks through its rows does not grow with them either: nothing of a block is kept. Each block
// is the same memory, and is overwritten as soon as the fit has seen it.
func TestBlocksAreNotKept(t *testing.T) {
	var alive uint64
	watched := func(n int) logistic.Blocks {
		return func(yield func(logistic.Data) error) error {
			err := generated(n, 10)(func(d logistic.Data) error {
				err := yield(d)
				for i := range d.X {
					d.X[i] = math.NaN()
				}
				for i := range d.Y {
					d.Y[i] = math.NaN()
				}
				return err
			})
			var now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&now)
			alive = max(alive, now.HeapAlloc)
			return err
		}
	}
	heap := func(n int) uint64 {
		alive = 0
		m, err := logistic.FitBlocks(watched(n), logistic.Options{Lambda: 1, Workers: 2})
		if err != nil || m.Rows != n {
			t.Fatalf("%v, %v", m, err)
		}
		return alive
	}
	few, many := heap(20_000), heap(70_000)
	// The rows themselves take 1.8 and 6.2 million bytes.
	if many > few+1_000_000 {
		t.Errorf("%d bytes alive with 20,000 rows, %d with 70,000", few, many)
	}
}

// A walk through the rows of a large design may be a walk through a file: how many there are is part of the speed.
func TestWalksThroughALargeDesign(t *testing.T) {
	walks := 0
	counted := func(yield func(logistic.Data) error) error {
		walks++
		return generated(66_000, 5)(yield)
	}
	if _, err := logistic.FitBlocks(counted, logistic.Options{Lambda: 1}); err != nil {
		t.Fatal(err)
	}
	// Three for the shape, the counts and the columns, about six on every 16th row, the start, and five steps.
	if walks > 16 {
		t.Errorf("%d walks", walks)
	}
}

func BenchmarkFitBlocks(b *testing.B) {
	sizes := []int{20_000}
	if *large {
		sizes = []int{180_000, 1_000_000}
	}
	for _, n := range sizes {
		d := benchData(n)
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			b.SetBytes(int64(8 * len(d.X)))
			for b.Loop() {
				if _, err := logistic.FitBlocks(cut(d, 4096), logistic.Options{Lambda: 1, Standardise: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
