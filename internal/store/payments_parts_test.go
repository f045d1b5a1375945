package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// listing makes a shop of so many payments, and returns their ids, newest first.
func listing(t *testing.T, db *store.DB, n int) (ids []payment.ID) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		ids = ids[:0]
		for i := range n {
			p := sample(payment.ID(fmt.Sprintf("%032x", i)))
			tx.Payments().Insert(&p)
			ids = append(ids, p.ID)
		}
		slices.Reverse(ids)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// parts reads a page in parts of so many payments, and calls between after each.
func parts(t *testing.T, db *store.DB, f payment.Filter, each int, between func()) (got []payment.ID, more bool) {
	t.Helper()
	var rest store.Rest
	taken := 0
	take := func(p *payment.Payment) bool {
		got, taken = append(got, p.ID), taken+1
		return taken == each
	}
	read := func(body func(*store.Tx) error) {
		if err := db.View(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	}
	read(func(tx *store.Tx) (err error) { rest, more, err = tx.Payments().ListTo(f, take); return err })
	for len(rest.IDs) > 0 {
		between()
		taken = 0
		read(func(tx *store.Tx) (err error) { rest, err = tx.Payments().ReadRest(rest, take); return err })
	}
	return got, more
}

// TestAPageInPartsIsThePage: whatever fits into a part, all parts are the page, and it is told whether more follows.
func TestAPageInPartsIsThePage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		const all = 420
		ids := listing(t, db, all)
		for _, limit := range []int{1, 2, 99, 100, 101, 350, all - 1, all, all + 1, payment.MaxLimit} {
			for _, offset := range []int{0, 7, all - 100, all, all + 1} {
				for _, each := range []int{1, 63, 64, 100, 101, 1000} {
					if each == 1 && limit > 101 {
						continue
					}
					f := payment.Filter{Shop: "shop", Limit: limit, Offset: offset}
					got, more := parts(t, db, f, each, func() {})
					from := min(offset, all)
					want := ids[from:min(from+limit, all)]
					if !slices.Equal(got, want) || more != (from+limit < all) {
						t.Fatalf("limit %d, offset %d, %d to a part: %d payments, more %v; want %d of %d",
							limit, offset, each, len(got), more, len(want), all)
					}
					if offset == 0 || offset > all { // the same page by the cursor
						continue
					}
					f.Offset, f.After = 0, ids[offset-1]
					if got, more := parts(t, db, f, each, func() {}); !slices.Equal(got, want) || more != (from+limit < all) {
						t.Fatalf("limit %d, after %d, %d to a part: %d payments, more %v; want %d of %d",
							limit, offset, each, len(got), more, len(want), all)
					}
				}
			}
		}
	})
}

// TestAPageInPartsKeepsItsPayments: payments that leave the window of changes, or come into it, while a page is read are neither
// lost nor in the place of others.
func TestAPageInPartsKeepsItsPayments(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
		db := d.Open(func(o *store.Options) { o.Now = func() time.Time { return now } })
		ids := listing(t, db, 40)
		change := func(pid payment.ID) {
			t.Helper()
			now = now.Add(time.Hour)
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				p, err := tx.Payments().Get("shop", pid)
				if err == nil {
					p.Updated = now
					tx.Payments().Update(&p)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for n, limit := range []int{30, 40} {
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				tx.Write("test.stamp", "UPDATE payment SET listed = 1000000 WHERE shop_id = 'shop'")
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			step := 0
			got, more := parts(t, db, payment.Filter{Shop: "shop", Limit: limit, UpdatedBefore: time.Unix(2, 0)}, 10, func() {
				step++
				change(ids[10*step+n])
				change(ids[0])
			})
			if !slices.Equal(got, ids[:limit]) || more != (limit < 40) {
				t.Errorf("limit %d: %d payments, more %v", limit, len(got), more)
			}
		}
	})
}
