package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

const feedShop = payment.ShopID("shop-a")

var feedStart = time.Date(2030, 12, 25, 10, 11, 12, 0, time.UTC)

// fed is an event of feedShop in the dialect "gateway", numbered within its payment.
func fed(pid string, seq int, at time.Time) store.Event {
	return store.Event{
		Shop: feedShop, ID: fmt.Sprintf("%s-%04d", pid, seq), Dialect: "gateway", Payment: payment.ID(pid), Seq: seq,
		Type: "payment.completed", ContentType: "application/json", Body: `{"state":"COMPLETED"}`, Created: at,
	}
}

func insertEvents(t testing.TB, db *store.DB, events ...store.Event) {
	t.Helper()
	err := db.Update(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
		for i := range events {
			tx.Events().Insert(&events[i])
		}
		return nil
	})
	if err != nil {
		t.Fatalf("insert events: %v", err)
	}
}

func gatewayFeed(after int64, limit int) store.FeedQuery {
	return store.FeedQuery{Shop: feedShop, Dialect: "gateway", After: after, Limit: limit}
}

func readFeed(t testing.TB, db *store.DB, q store.FeedQuery) store.FeedPage {
	t.Helper()
	page, err := db.ReadFeed(t.Context(), q)
	if err != nil {
		t.Fatalf("read feed after %d: %v", q.After, err)
	}
	return page
}

func eventIDs(events []store.Event) []string {
	var ids []string
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

func TestFeedComesInPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		if page := readFeed(t, db, gatewayFeed(0, 2)); len(page.Events) > 0 || page.Next != 0 || page.More {
			t.Errorf("empty feed: %+v", page)
		}
		var want []store.Event
		for i := range 5 {
			e := fed("p", i+1, feedStart.Add(time.Duration(i)*time.Second))
			insertEvents(t, db, e)
			e.Position, e.Number = int64(i+1), i+1
			want = append(want, e)
		}
		for i, tc := range []struct {
			after int64
			next  int64
			more  bool
			want  []store.Event
		}{{0, 2, true, want[:2]}, {2, 4, true, want[2:4]}, {4, 5, false, want[4:]}, {5, 5, false, nil}, {3, 5, false, want[3:]}} {
			page := readFeed(t, db, gatewayFeed(tc.after, 2))
			if page.Next != tc.next || page.More != tc.more {
				t.Errorf("page %d: next %d, more %t", i, page.Next, page.More)
			}
			if diff := cmp.Diff(tc.want, page.Events); diff != "" {
				t.Errorf("page %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

func TestFeedPutsLateCommitsLater(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		insertEvents(t, db, fed("b", 1, feedStart))
		first := readFeed(t, db, gatewayFeed(0, 10))
		// Older by its clock and by its id, yet committed after somebody had read.
		insertEvents(t, db, fed("a", 1, feedStart.Add(-time.Hour)))
		second := readFeed(t, db, gatewayFeed(first.Next, 10))
		if diff := cmp.Diff([]string{"a-0001"}, eventIDs(second.Events)); diff != "" {
			t.Errorf("after the late commit (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"b-0001", "a-0001"}, eventIDs(readFeed(t, db, gatewayFeed(0, 10)).Events)); diff != "" {
			t.Errorf("from the beginning (-want +got):\n%s", diff)
		}
	})
}

func TestFeedKeepsTheOrderOfAPayment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		// Two nodes made the ids, and their clocks do not agree: only the instants are in order.
		first, second := fed("p", 1, feedStart), fed("p", 2, feedStart.Add(time.Microsecond))
		first.ID, second.ID = "z", "a"
		insertEvents(t, db, first)
		insertEvents(t, db, second)
		if diff := cmp.Diff([]string{"z", "a"}, eventIDs(readFeed(t, db, gatewayFeed(0, 10)).Events)); diff != "" {
			t.Errorf("events of one payment (-want +got):\n%s", diff)
		}
	})
}

func TestFeedKeepsShopsAndDialectsApart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		other, foreign := fed("q", 1, feedStart), fed("x", 1, feedStart.Add(time.Second))
		other.Shop, foreign.Dialect = "shop-b", "yandexpay"
		insertEvents(t, db, fed("p", 1, feedStart), other, foreign, fed("p", 2, feedStart.Add(2*time.Second)))
		page := readFeed(t, db, gatewayFeed(0, 10))
		if diff := cmp.Diff([]string{"p-0001", "p-0002"}, eventIDs(page.Events)); diff != "" {
			t.Errorf("own events (-want +got):\n%s", diff)
		}
		q := gatewayFeed(0, 10)
		q.Shop = "shop-b"
		if diff := cmp.Diff([]string{"q-0001"}, eventIDs(readFeed(t, db, q).Events)); diff != "" {
			t.Errorf("the other shop's events (-want +got):\n%s", diff)
		}
		trailing := fed("x", 2, feedStart.Add(3*time.Second))
		trailing.Dialect = "yandexpay"
		insertEvents(t, db, trailing)
		if page = readFeed(t, db, gatewayFeed(page.Next, 10)); len(page.Events) > 0 || page.Next != 4 || page.More {
			t.Errorf("another dialect's event is passed over: %+v", page)
		}
	})
}

func TestFeedRefusesPlacesThatNeverWere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		insertEvents(t, db, fed("p", 1, feedStart))
		if page := readFeed(t, db, gatewayFeed(1, 10)); len(page.Events) > 0 || page.Next != 1 {
			t.Errorf("after the newest event: %+v", page)
		}
		if _, err := db.ReadFeed(t.Context(), gatewayFeed(2, 10)); !errors.Is(err, store.ErrBeyondFeed) {
			t.Errorf("after a position not given yet: %v", err)
		}
	})
}

func TestFeedPlacesABacklogInSteps(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		const backlog = 1007 // more than is placed in one transaction
		db := d.Open()
		var events []store.Event
		for i := range backlog {
			events = append(events, fed("p", i+1, feedStart.Add(time.Duration(i)*time.Millisecond)))
		}
		insertEvents(t, db, events...)
		page := readFeed(t, db, gatewayFeed(0, 10))
		if len(page.Events) != 10 || !page.More {
			t.Errorf("first page has %d events, more %t", len(page.Events), page.More)
		}
		if end, err := db.FeedEnd(t.Context(), feedShop); end != backlog || err != nil {
			t.Errorf("end %d, %v; want %d", end, err, backlog)
		}
		groups := db.Stats().Groups
		for after := int64(0); after < backlog; after = page.Next {
			page = readFeed(t, db, gatewayFeed(after, 300))
			for i, e := range page.Events {
				if at := after + int64(i) + 1; e.Position != at || e.Seq != int(at) {
					t.Fatalf("event %d of its payment at position %d, want %d", e.Seq, e.Position, at)
				}
			}
		}
		if db.Stats().Groups != groups {
			t.Error("reading what is placed wrote to the database")
		}
	})
}

// TestFeedUnderConcurrency lets writers commit late and out of order while readers on every node follow.
func TestFeedUnderConcurrency(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		const writers, perWriter, readers = 8, 60, 6
		nodes := []*store.DB{d.Open()}
		if d.Kind == store.Postgres {
			nodes = append(nodes, d.Open())
		}
		var written atomic.Bool
		var writing, reading sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				chance := rand.New(rand.NewPCG(7, uint64(w)))
				at := feedStart
				for seq := range perWriter {
					at = at.Add(time.Duration(1+chance.IntN(50)) * time.Millisecond)
					e := fed(fmt.Sprintf("p%02d", w), seq+1, at)
					time.Sleep(time.Duration(chance.IntN(3000)) * time.Microsecond) // its instant is taken, its commit comes late
					insertEvents(t, nodes[w%len(nodes)], e)
				}
			})
		}
		seen := make([][]store.Event, readers)
		for r := range readers {
			reading.Go(func() {
				after := int64(0)
				for {
					last := written.Load()
					page, err := nodes[r%len(nodes)].ReadFeed(t.Context(), gatewayFeed(after, 1+7*r))
					if err != nil {
						t.Errorf("reader %d: %v", r, err)
						return
					}
					seen[r] = append(seen[r], page.Events...)
					if page.Next == after && !page.More && last {
						return
					}
					after = page.Next
				}
			})
		}
		writing.Wait()
		written.Store(true)
		reading.Wait()
		for r, events := range seen {
			checkFeed(t, r, events, writers*perWriter)
		}
	})
}

// checkFeed holds what a reader saw against: each position once and without gaps, each payment in order.
func checkFeed(t *testing.T, reader int, events []store.Event, want int) {
	t.Helper()
	if len(events) != want {
		t.Errorf("reader %d saw %d of %d events", reader, len(events), want)
	}
	ids, seqs := map[string]bool{}, map[payment.ID]int{}
	for i, e := range events {
		if e.Position != int64(i+1) {
			t.Fatalf("reader %d: event %d has position %d", reader, i+1, e.Position)
		}
		if ids[e.ID] {
			t.Fatalf("reader %d: event %s twice", reader, e.ID)
		}
		if seqs[e.Payment]++; e.Seq != seqs[e.Payment] {
			t.Fatalf("reader %d: payment %s: event %d comes as number %d", reader, e.Payment, e.Seq, seqs[e.Payment])
		}
		ids[e.ID] = true
	}
}
