package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

var leaseTime = time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)

// onMembers runs fn on both databases with the built-in schema and a clock that stands.
func onMembers(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		fn(t, d.Open(func(o *store.Options) { o.Now = func() time.Time { return leaseTime } }))
	})
}

// members reads all, sorted.
func members(t *testing.T, db *store.DB) store.Members {
	t.Helper()
	var m store.Members
	err := db.View(t.Context(), func(tx *store.Tx) (err error) {
		m, err = tx.Nodes().Members()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(m.Nodes, func(a, b store.Node) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(m.Leases, func(a, b store.Lease) int { return int(a.Shard - b.Shard) })
	return m
}

// once runs a body that must not be asked to run again: a missed guard is the answer.
func once(t *testing.T, db *store.DB, body func(tx *store.Tx)) (missed bool) {
	t.Helper()
	errMissed := errors.New("missed")
	runs := 0
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		if runs++; runs > 1 {
			return errMissed
		}
		body(tx)
		return nil
	})
	if err != nil && !errors.Is(err, errMissed) {
		t.Fatal(err)
	}
	return err != nil
}

func TestNodesAndLeases(t *testing.T) {
	t.Parallel()
	in := leaseTime.Add
	a := store.Node{ID: "a", Expires: in(8 * time.Second)}
	late := store.Node{ID: "b", Expires: in(-time.Microsecond)}
	lease := func(shard int64, owner string, fence int64) store.Lease {
		return store.Lease{Shard: shard, Owner: owner, Fence: fence}
	}
	steps := []struct {
		name   string
		body   func(tx *store.Tx)
		missed bool
	}{
		{"join", func(tx *store.Tx) { tx.Nodes().Insert(a) }, false},
		{"join twice", func(tx *store.Tx) { tx.Nodes().Insert(a) }, true},
		{"renew", func(tx *store.Tx) { tx.Nodes().Renew(a) }, false},
		{"renew nobody", func(tx *store.Tx) { tx.Nodes().Renew(late) }, true},
		{"take what nobody had", func(tx *store.Tx) { tx.Leases().Take(lease(0, "", 0), "a"); tx.Leases().Take(lease(63, "", 0), "a") }, false},
		{"take it again as if nobody had it", func(tx *store.Tx) { tx.Leases().Take(lease(0, "", 0), "b") }, true},
		{"take with the fence of another time", func(tx *store.Tx) { tx.Leases().Take(lease(0, "a", 2), "b") }, true},
		{"take over", func(tx *store.Tx) { tx.Leases().Take(lease(0, "a", 1), "b") }, false},
		{"release what is another's", func(tx *store.Tx) { tx.Leases().Release(lease(0, "a", 2)) }, true},
		{"release with an old fence", func(tx *store.Tx) { tx.Leases().Release(lease(63, "a", 0)) }, true},
		{"release", func(tx *store.Tx) { tx.Leases().Release(lease(63, "a", 1)) }, false},
		{"quiet, with everything as given", func(tx *store.Tx) { tx.Nodes().RenewQuiet(a, 1, 4) }, false},
		{"quiet, with another node", func(tx *store.Tx) { tx.Nodes().RenewQuiet(a, 2, 4) }, true},
		{"quiet, with another fence", func(tx *store.Tx) { tx.Nodes().RenewQuiet(a, 1, 5) }, true},
		{"a node whose time is over", func(tx *store.Tx) { tx.Nodes().Insert(late) }, false},
		{"quiet beside it", func(tx *store.Tx) { tx.Nodes().RenewQuiet(a, 2, 4) }, true},
		{"remove it as it was once", func(tx *store.Tx) { tx.Nodes().Remove(store.Node{ID: "b", Expires: leaseTime}) }, true},
		{"nothing of a set with a miss", func(tx *store.Tx) {
			tx.Nodes().Remove(late)
			tx.Nodes().Renew(store.Node{ID: "gone", Expires: leaseTime})
		}, true},
		{"renew it in time", func(tx *store.Tx) { tx.Nodes().Renew(store.Node{ID: "b", Expires: leaseTime, Leaving: true}) }, false},
		{"remove what was renewed", func(tx *store.Tx) { tx.Nodes().Remove(late) }, true},
		{"quiet beside one in its last microsecond", func(tx *store.Tx) { tx.Nodes().RenewQuiet(a, 2, 4) }, false},
		{"leave", func(tx *store.Tx) { tx.Nodes().Delete("a") }, false},
		{"leave twice", func(tx *store.Tx) { tx.Nodes().Delete("a") }, false},
	}
	onMembers(t, func(t *testing.T, db *store.DB) {
		if diff := cmp.Diff(store.Members{}, members(t, db)); diff != "" {
			t.Error("before anything (-want +got):\n" + diff)
		}
		for _, s := range steps {
			if missed := once(t, db, s.body); missed != s.missed {
				t.Errorf("%s: missed %t, want %t", s.name, missed, s.missed)
			}
		}
		want := store.Members{
			Nodes:  []store.Node{{ID: "b", Expires: leaseTime, Leaving: true}},
			Leases: []store.Lease{lease(0, "b", 2), lease(63, "", 2)},
		}
		if diff := cmp.Diff(want, members(t, db)); diff != "" {
			t.Error("at the end (-want +got):\n" + diff)
		}
	})
}

// TestOneOfManyTakesALease has many nodes reach for the lease of a dead one.
func TestOneOfManyTakesALease(t *testing.T) {
	t.Parallel()
	onMembers(t, func(t *testing.T, db *store.DB) {
		dead := store.Node{ID: "dead", Expires: leaseTime.Add(-time.Second)}
		once(t, db, func(tx *store.Tx) { tx.Nodes().Insert(dead); tx.Leases().Take(store.Lease{Shard: 1}, "dead") })
		var wg sync.WaitGroup
		var mu sync.Mutex
		var takers []string
		for n := range 8 {
			wg.Go(func() {
				id := fmt.Sprint("node", n)
				took := false
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					took = false
					m, err := tx.Nodes().Members()
					if err != nil {
						return err
					}
					tx.Nodes().Insert(store.Node{ID: id, Expires: tx.Now()})
					if slices.Contains(m.Nodes, dead) {
						tx.Nodes().Remove(dead)
						tx.Leases().Take(m.Leases[0], id)
						took = true
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				if took {
					mu.Lock()
					defer mu.Unlock()
					takers = append(takers, id)
				}
			})
		}
		wg.Wait()
		if len(takers) != 1 {
			t.Fatalf("taken by %v", takers)
		}
		want := []store.Lease{{Shard: 1, Owner: takers[0], Fence: 2}}
		if diff := cmp.Diff(want, members(t, db).Leases); diff != "" {
			t.Error("(-want +got):\n" + diff)
		}
	})
}
