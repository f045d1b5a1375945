package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

const hookShop = payment.ShopID("0193f0c2a7b17c9e8d4f5a6b7c8d9e00")

// hooks is a database with deliveries of n payments to one endpoint, seqs of each.
type hooks struct {
	*testing.T
	db *store.DB
	at time.Time
	k  store.EndpointKey
}

func eachHooks(t *testing.T, payments, seqs int, test func(h *hooks)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := &hooks{T: t, at: time.Date(2030, 12, 25, 10, 0, 0, 0, time.UTC)}
		h.db = d.Open(func(o *store.Options) { o.Now = func() time.Time { return h.at } })
		h.update(func(tx *store.Tx) {
			for p := range payments {
				for seq := range seqs {
					h.k = h.insert(tx, "https://merchant.example/hook", p, seq+1)
				}
			}
		})
		test(h)
	})
}

func hookPayment(p int) payment.ID { return payment.ID(fmt.Sprintf("%032x", p)) }

func (h *hooks) insert(tx *store.Tx, url string, p, seq int) store.EndpointKey {
	e := &store.Event{
		Shop: hookShop, ID: fmt.Sprintf("%024x%08x", p, seq), Dialect: "gateway", Payment: hookPayment(p), Seq: seq,
		Type: "payment.completed", ContentType: "application/json", Body: fmt.Sprint(p, "/", seq),
		Created: h.at.Add(time.Duration(p*10+seq) * time.Millisecond),
	}
	tx.Events().Insert(e)
	return tx.Deliveries().Insert(e, url)
}

func (h *hooks) update(body func(tx *store.Tx)) {
	h.Helper()
	if err := h.db.Update(h.Context(), func(tx *store.Tx) error { body(tx); return nil }); err != nil {
		h.Fatal(err)
	}
}

func (h *hooks) due(before time.Duration, after *store.Delivery, limit int) []store.Delivery {
	h.Helper()
	var rows []store.Delivery
	err := h.db.View(h.Context(), func(tx *store.Tx) (err error) {
		rows, err = tx.Deliveries().Due(h.k, store.DeliveryPage{Before: h.at.Add(before), After: after, Limit: limit})
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return rows
}

// names writes deliveries as payment/seq, with what they are behind.
func names(rows []store.Delivery) []string {
	list := []string{}
	for _, d := range rows {
		name := d.Body
		if d.Behind != 0 {
			name += fmt.Sprint(" behind ", d.Behind)
		}
		list = append(list, name)
	}
	return list
}

func TestDueDeliveriesInOrderAndInPages(t *testing.T) {
	eachHooks(t, 3, 2, func(h *hooks) {
		all := []string{"0/1", "0/2 behind 1", "1/1", "1/2 behind 1", "2/1", "2/2 behind 1"}
		if diff := cmp.Diff(all, names(h.due(time.Minute, nil, 100))); diff != "" {
			h.Errorf("all (-want +got):\n%s", diff)
		}
		var got []string
		var last *store.Delivery
		for {
			page := h.due(time.Minute, last, 2)
			if len(page) == 0 {
				break
			}
			got, last = append(got, names(page)...), &page[len(page)-1]
		}
		if diff := cmp.Diff(all, got); diff != "" {
			h.Errorf("in pages (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(all[:3], names(h.due(11*time.Millisecond, nil, 100))); diff != "" {
			h.Errorf("due by then (-want +got):\n%s", diff)
		}
		h.update(func(tx *store.Tx) { tx.Deliveries().Pull(h.k, h.at) }) // all at one instant: pages still go on
		first := h.due(time.Minute, nil, 4)
		if diff := cmp.Diff(all[4:], names(h.due(time.Minute, &first[3], 4))); diff != "" {
			h.Errorf("second page of equal instants (-want +got):\n%s", diff)
		}
	})
}

func TestFinishingManyAtOnce(t *testing.T) {
	const payments = 64 + 16 + 4 + 1 + 2 // one of each size of statement, and two that were answered differently
	eachHooks(t, payments, 2, func(h *hooks) {
		var accepted []store.Try
		for p := range payments {
			status := 200
			if p >= payments-2 {
				status = 202
			}
			accepted = append(accepted, store.Try{
				DeliveryKey: store.DeliveryKey{Payment: hookPayment(p), Seq: 1}, Number: 1, At: h.at,
				Took: time.Duration(p) * time.Millisecond, Status: status, Answer: fmt.Sprint("answer ", p),
			})
		}
		for range 2 { // the second time changes nothing
			h.update(func(tx *store.Tx) { tx.Deliveries().Finish(h.k, accepted) })
		}
		for _, d := range h.due(time.Minute, nil, 2*payments) {
			if d.Seq != 2 || d.Behind != 0 {
				h.Errorf("open: %+v", d)
			}
		}
		err := h.db.View(h.Context(), func(tx *store.Tx) error {
			for p := range payments {
				got, err := tx.Deliveries().Tries(h.k, accepted[p].DeliveryKey)
				if diff := cmp.Diff(accepted[p:p+1], got); err != nil || diff != "" {
					h.Errorf("payment %d: %v\n%s", p, err, diff)
				}
			}
			return nil
		})
		if err != nil {
			h.Error(err)
		}
	})
}

func TestFailingCountsOnce(t *testing.T) {
	eachHooks(t, 1, 3, func(h *hooks) {
		d := h.due(time.Minute, nil, 1)[0]
		d.Rung, d.Began, d.Next = 1, h.at, h.at.Add(time.Hour)
		for range 2 {
			h.update(func(tx *store.Tx) {
				tx.Deliveries().Fail(h.k, &d, h.at)
				tx.Deliveries().InsertTry(h.k, &store.Try{DeliveryKey: d.DeliveryKey, Number: 1, At: h.at, Error: "refused"})
				tx.Deliveries().Postpone(h.k, d.DeliveryKey, d.Next)
			})
		}
		if rows := h.due(time.Minute, nil, 10); len(rows) != 0 {
			h.Errorf("due at once: %v", names(rows))
		}
		rows := h.due(2*time.Hour, nil, 10)
		if diff := cmp.Diff([]string{"0/1", "0/2 behind 1", "0/3 behind 2"}, names(rows)); diff != "" {
			h.Fatalf("later (-want +got):\n%s", diff)
		}
		if got := rows[0]; got.Tries != 1 || got.Rung != 1 || !got.Began.Equal(h.at) {
			h.Errorf("after one failure: %+v", got)
		}
		// Whoever read it before the failure comes too late with another.
		stale := d
		stale.Next = time.Time{}
		h.update(func(tx *store.Tx) { tx.Deliveries().Fail(h.k, &stale, h.at) })
		if rows := h.due(2*time.Hour, nil, 10); len(rows) != 3 {
			h.Error("a stale failure ended the delivery")
		}
	})
}

func TestDueEndpoints(t *testing.T) {
	eachHooks(t, 2, 1, func(h *hooks) {
		due := func(before time.Duration) []store.DueEndpoint {
			h.Helper()
			all := make([]int64, store.Shards)
			for i := range all {
				all[i] = int64(i)
			}
			var got []store.DueEndpoint
			err := h.db.View(h.Context(), func(tx *store.Tx) (err error) {
				got, err = tx.Endpoints().Due(all, h.at.Add(before), 10)
				return err
			})
			if err != nil {
				h.Fatal(err)
			}
			return got
		}
		first := store.DueEndpoint{EndpointKey: h.k, Due: h.at.Add(time.Millisecond)}
		if diff := cmp.Diff([]store.DueEndpoint{first}, due(time.Minute)); diff != "" {
			h.Errorf("one endpoint (-want +got):\n%s", diff)
		}
		if got := due(0); len(got) != 0 {
			h.Errorf("due too early: %v", got)
		}
		var second store.EndpointKey
		h.update(func(tx *store.Tx) { second = h.insert(tx, "https://merchant.example/other", 0, 2) })
		if got := due(time.Minute); len(got) != 2 || got[0] != first || got[1].EndpointKey != second {
			h.Errorf("two endpoints: %v", got)
		}
		down := store.Endpoint{EndpointKey: h.k, State: store.EndpointDown, Fails: 5, DownSince: h.at, Hold: h.at.Add(time.Hour)}
		h.update(func(tx *store.Tx) { tx.Endpoints().Update(&down, store.EndpointUp) })
		if got := due(time.Minute); len(got) != 1 || got[0].EndpointKey != second {
			h.Errorf("one held back: %v", got)
		}
		if got := due(time.Hour); len(got) != 2 || !got[1].Due.Equal(h.at.Add(time.Hour)) {
			h.Errorf("after the hold: %v", got)
		}
		h.update(func(tx *store.Tx) {
			tx.Endpoints().Update(&store.Endpoint{EndpointKey: h.k, State: store.EndpointUp}, store.EndpointUp)
		})
		if got := due(time.Minute); len(got) != 1 {
			h.Error("an update in a state that was left took effect")
		}
		h.update(func(tx *store.Tx) { tx.Deliveries().Abandon(h.k, h.at, 1) })
		h.update(func(tx *store.Tx) { tx.Deliveries().Abandon(h.k, h.at, 5) })
		if got := due(time.Hour); len(got) != 1 || got[0].EndpointKey != second {
			h.Errorf("after giving up: %v", got)
		}
	})
}

func TestResendKeepsTheLog(t *testing.T) {
	eachHooks(t, 1, 1, func(h *hooks) {
		key := store.DeliveryKey{Payment: hookPayment(0), Seq: 1}
		var want []store.Try
		for n := 1; n <= 3; n++ {
			want = append(want, store.Try{DeliveryKey: key, Number: n, At: h.at, Took: time.Second, Status: 200, Answer: "ok"})
			h.update(func(tx *store.Tx) { tx.Deliveries().Finish(h.k, want[n-1:]) })
			if n < 3 {
				h.update(func(tx *store.Tx) { tx.Deliveries().Resend(h.k, key, h.at) })
			}
		}
		var got []store.Try
		err := h.db.View(h.Context(), func(tx *store.Tx) (err error) {
			got, err = tx.Deliveries().Tries(h.k, key)
			return err
		})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			h.Errorf("log: %v\n%s", err, diff)
		}
	})
}

func TestEndpointKeys(t *testing.T) {
	t.Parallel()
	k := store.EndpointKey{Shop: hookShop, ID: store.EndpointID(hookShop, "https://a.example/")}
	if got, ok := store.ParseEndpointKey(k.String()); !ok || got != k {
		t.Errorf("%s reads as %v", k, got)
	}
	if other := store.EndpointID("0193f0c2a7b17c9e8d4f5a6b7c8d9e01", "https://a.example/"); other == k.ID {
		t.Error("two shops share an endpoint")
	}
	for _, wrong := range []string{"", "/", "x/", "/x", "x"} {
		if _, ok := store.ParseEndpointKey(wrong); ok {
			t.Errorf("%q is no key", wrong)
		}
	}
}

func TestBacklog(t *testing.T) {
	eachHooks(t, 3, 2, func(h *hooks) {
		look := func(after time.Duration) store.Backlog {
			var b store.Backlog
			err := h.db.View(h.Context(), func(tx *store.Tx) (err error) {
				b, err = tx.Work().Backlog(h.at.Add(after))
				return err
			})
			if err != nil {
				h.Fatal(err)
			}
			return b
		}
		if diff := cmp.Diff(store.Backlog{Deliveries: 6}, look(0)); diff != "" {
			h.Errorf("before anything is due (-want +got):\n%s", diff)
		}
		want := store.Backlog{Deliveries: 6, Delivery: h.at.Add(time.Millisecond)}
		if diff := cmp.Diff(want, look(time.Minute)); diff != "" {
			h.Errorf("while all is due (-want +got):\n%s", diff)
		}
		var all []store.Try
		for _, d := range h.due(time.Minute, nil, 100) {
			all = append(all, store.Try{DeliveryKey: d.DeliveryKey, Number: 1, At: h.at, Status: 200})
		}
		h.update(func(tx *store.Tx) { tx.Deliveries().Finish(h.k, all) })
		if diff := cmp.Diff(store.Backlog{}, look(time.Minute)); diff != "" {
			h.Errorf("when all is delivered (-want +got):\n%s", diff)
		}
	})
}

// TestDueEndpointsOfEachShop: a shop with more due endpoints than are read at a time hides nobody's.
func TestDueEndpointsOfEachShop(t *testing.T) {
	eachHooks(t, 0, 0, func(h *hooks) {
		const other = payment.ShopID("0193f0c2a7b17c9e8d4f5a6b7c8d9e01")
		insert := func(tx *store.Tx, shop payment.ShopID, url string, p int) store.EndpointKey {
			e := &store.Event{
				Shop: shop, ID: fmt.Sprintf("%s%08x", shop[:24], p), Dialect: "gateway", Payment: hookPayment(p), Seq: 1,
				Type: "payment.completed", ContentType: "application/json", Body: "{}", Created: h.at.Add(time.Duration(p) * time.Second),
			}
			tx.Events().Insert(e)
			return tx.Deliveries().Insert(e, url)
		}
		var first, second store.EndpointKey
		h.update(func(tx *store.Tx) {
			for p := range 40 {
				insert(tx, hookShop, fmt.Sprintf("https://dead.example/%d", p), p)
			}
			first, second = insert(tx, other, "https://shop.example/a", 100), insert(tx, other, "https://shop.example/b", 200)
		})
		all := make([]int64, store.Shards)
		for i := range all {
			all[i] = int64(i)
		}
		var got []store.DueEndpoint
		err := h.db.View(h.Context(), func(tx *store.Tx) (err error) {
			got, err = tx.Endpoints().Due(all, h.at.Add(time.Hour), 5)
			return err
		})
		if err != nil || len(got) != 5 {
			h.Fatalf("%d endpoints, %v", len(got), err)
		}
		if !got[0].Due.Equal(h.at) || got[1].EndpointKey != first || got[3].EndpointKey != second || got[4].Shop != hookShop {
			h.Errorf("%+v", got)
		}
	})
}
