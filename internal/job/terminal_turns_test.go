package job

import (
	"context"
	"testing"
	"time"
)

// TestAFreeTurnIsTakenHoweverLate: a goroutine may not run for longer than it would have waited. What is free then is
// its own all the same; nothing is put off.
func TestAFreeTurnIsTakenHoweverLate(t *testing.T) {
	t.Parallel()
	late, cancel := context.WithCancel(t.Context())
	cancel()
	var all Turns
	for range 200 {
		leave, after, ok := all.Take(late, "terminal", time.Now)
		if !ok {
			t.Fatalf("put off by %s at a terminal where nobody is", after)
		}
		leave()
	}
	if len(all.at) > 0 {
		t.Errorf("%d terminals are kept in mind", len(all.at))
	}
}
