package cache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/cache"
	"github.com/sluicepay/sluice/internal/cardrange"
)

// TestTheTableIsReadWhenItIsOld, by one caller, and the one before stays where it cannot be read.
func TestTheTableIsReadWhenItIsOld(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	one, two := &cardrange.Table{}, cardrange.BuiltIn()
	var answer *cardrange.Table
	var fails error
	var asked []string
	failed := 0
	r := cache.Ranges{
		Now: func() time.Time { return now },
		Read: func(_ context.Context, known string) (*cardrange.Table, string, error) {
			asked = append(asked, known)
			return answer, "v", fails
		},
		Failed: func(context.Context, error) { failed++ },
	}
	get := func(step time.Duration, want *cardrange.Table, reads int) {
		t.Helper()
		now = now.Add(step)
		if got := r.Get(t.Context()); got != want || len(asked) != reads {
			t.Errorf("%p after %q, want %p after %d", got, asked, want, reads)
		}
	}
	fails = errors.New("away")
	get(0, nil, 1)
	get(cache.RangesAge-1, nil, 1)
	fails, answer = nil, one
	get(1, one, 2)
	get(0, one, 2)
	answer = nil // the known one
	get(cache.RangesAge, one, 3)
	answer = two
	get(-cache.RangesAge, two, 4) // a clock that was set back
	answer, fails = one, errors.New("away")
	get(cache.RangesAge, two, 5)
	if failed != 2 || asked[0] != "" || asked[4] != "v" {
		t.Errorf("%d failed, %q", failed, asked)
	}
}
