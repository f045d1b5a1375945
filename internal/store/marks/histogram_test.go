package marks

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestAHistogramCounts what was changed before any instant, but for what lies in that one's cell.
func TestAHistogramCounts(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	began := time.Date(2030, 12, 25, 10, 11, 12, 0, time.UTC).UnixMicro()
	for _, span := range []int64{1, int64(time.Minute / time.Microsecond), int64(30 * 24 * time.Hour / time.Microsecond), 1 << 60} {
		for _, n := range []int{1, 2, 100, 1000} {
			instants := make([]int64, n)
			for i := range instants {
				if instants[i] = began + r.Int64N(span); r.IntN(4) == 0 {
					instants[i] = instants[r.IntN(i+1)] // several of one instant
				}
			}
			h := histogramOf(instants)
			if len(h.cells) > 10+MostCells*7 || !h.is(instants) {
				t.Fatalf("%d instants within %d: %d bytes", n, span, len(h.cells))
			}
			for _, at := range slices.Concat(instants, []int64{0, began - 1, began, began + span, 1 << 62}) {
				want, in := int64(0), int64(0)
				for _, one := range instants {
					if one < h.begins(at) {
						want++
					} else if one>>h.shift == at>>h.shift && h.begins(at) < at {
						in++
					}
				}
				if got, inCell, err := h.below(at); got != want || inCell != in || err != nil {
					t.Fatalf("%d instants within %d: %d before %d and %d in its cell, want %d and %d, %v", n, span, got, at, inCell, want, in, err)
				}
			}
		}
	}
}

// TestAHistogramThatIsNotUnderstoodIsAnError, wherever it breaks off.
func TestAHistogramThatIsNotUnderstoodIsAnError(t *testing.T) {
	t.Parallel()
	whole := histogramOf([]int64{1 << 40, 1 << 41, 1 << 42, 1 << 42}).cells
	for _, cells := range [][]byte{nil, {0x80}, whole[:len(whole)-2], append(slices.Clip(whole), 0x80)} {
		if before, _, err := (histogram{finest, cells}).below(1 << 62); err == nil {
			t.Errorf("%x counts %d", cells, before)
		}
	}
}
