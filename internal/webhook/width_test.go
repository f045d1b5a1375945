package webhook

import (
	"testing"
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
				r := &run{d: &Deliverer{Config: Config{Parallel: c.parallel}}, width: begin}
				for range 200 {
					r.widen(c.took)
				}
				if r.width != c.want {
					t.Errorf("from %d the width became %d, want %d", begin, r.width, c.want)
				}
			}
		})
	}
	r := &run{d: &Deliverer{Config: Config{Parallel: 32}}, width: firstWidth}
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
