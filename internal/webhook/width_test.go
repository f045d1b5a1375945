package webhook

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWidthFollowsTheReceiver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		took     time.Duration
		parallel int
		want     int
	}{
		{"at once", 200 * time.Microsecond, 32, firstWidth},
		{"a little later", 3 * time.Millisecond, 32, 10},
		{"slow", 50 * time.Millisecond, 32, 32},
		{"for seconds", 10 * time.Second, 32, 32},
		{"one at a time", 50 * time.Millisecond, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, begin := range []int{1, min(firstWidth, c.parallel), c.parallel} {
				r := &run{d: &Deliverer{c: Config{Parallel: c.parallel}}, width: begin}
				for range 200 {
					r.widen(c.took)
				}
				if r.width != c.want {
					t.Errorf("from %d the width became %d, want %d", begin, r.width, c.want)
				}
			}
		})
	}
	r := &run{d: &Deliverer{c: Config{Parallel: 32}}, width: firstWidth}
	for range 200 {
		r.widen(time.Second)
	}
	for range 200 {
		r.widen(100 * time.Microsecond)
	}
	if r.width != firstWidth {
		t.Errorf("a receiver that became fast again has width %d", r.width)
	}
}

// TestWaitingForSlowPostsReadsOnlyWhatIsMissing: twenty endpoints that hang would otherwise read their backlogs ten times
// a second, for nothing.
func TestWaitingForSlowPostsReadsOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, waiting := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			r := &run{d: &Deliverer{c: Config{Now: time.Now}}, news: make(chan struct{}, 1), active: 1}
			r.queue.ready = make([]*item, waiting)
			began := time.Now()
			for time.Since(began) < 5*reread && !r.fresh { // the post takes longer
				r.await(t.Context(), nil)
			}
			if r.fresh != (waiting == 0) {
				t.Errorf("%d deliveries wait in memory: looks for others %t", waiting, r.fresh)
			}
		})
	}
}

// TestNewsOfAnotherDeliveryReadsWhenFewAreLeft: while a receiver is slow, each payment's event would otherwise have the oldest
// thousand deliveries read again.
func TestNewsOfAnotherDeliveryReadsWhenFewAreLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		ready int
		more  bool // the last page was full
		fresh bool
		want  bool
	}{
		{"nothing left, and news", 0, false, true, true},
		{"few left, and news", fewReady*firstWidth - 1, false, true, true},
		{"enough left, and news", fewReady * firstWidth, false, true, false},
		{"enough left, and another page", fewReady * firstWidth, true, false, true},
		{"two pages left", lowWater, true, true, false},
		{"nothing left, no news", 0, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := &run{d: &Deliverer{c: Config{Now: time.Now}}, width: firstWidth, left: -1, more: c.more, fresh: c.fresh}
			r.queue.ready = make([]*item, c.ready)
			if got := r.wantsMore(); got != c.want {
				t.Errorf("reads: %t, want %t", got, c.want)
			}
		})
	}
}
