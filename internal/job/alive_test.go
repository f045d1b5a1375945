package job_test

import (
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/store"
)

// TestARunnerSaysWhetherItTakesPart: not before it has begun, nor after its end, nor while the others take it for dead; but with
// no shards of its own where other nodes have them all.
func TestARunnerSaysWhetherItTakesPart(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, db *store.DB) {
		work := newBook()
		idle, err := job.New(job.Options{DB: db, Node: "idle", Kinds: []job.Kind{work.kind("idle", work.finish(0))}})
		if err != nil {
			t.Fatal(err)
		}
		if idle.Alive() == nil {
			t.Error("one that was never run takes part")
		}
		a := run(t, db, "a", []job.Kind{work.kind("a", work.finish(0))})
		within(t, time.Second, "it takes part", func() bool { return a.Alive() == nil })
		time.Sleep(time.Hour)
		if err := a.Alive(); err != nil {
			t.Errorf("an hour later: %v", err)
		}
		a.Freeze(true)
		within(t, leaseFor, "one that does not renew does not", func() bool { return a.Alive() != nil })
		a.Freeze(false)
		within(t, leaseFor, "it takes part again", func() bool { return a.Alive() == nil })
		a.end(t)
		if a.Alive() == nil {
			t.Error("one that has ended takes part")
		}
	})
}
