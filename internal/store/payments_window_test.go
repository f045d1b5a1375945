package store_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestPagesFarIntoAWindow of payments some of which were changed much later: wherever the window begins and ends, and however few of it
// lie below a mark.
func TestPagesFarIntoAWindow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		w := &world{t: t, r: rand.New(rand.NewPCG(seed, 0)), clock: &handClock{}, all: map[payment.ShopID][]payment.Payment{}}
		db := d.Open(func(o *store.Options) { o.Now = w.clock.Now })
		w.nodes = []*store.DB{db}
		shop := talliedShops[0]
		const many = 80 * store.MarkEvery
		var all []payment.Payment
		for i := range many {
			all = append(all, bornAt(shop, w.clock.Now(), i))
			if i%20 == 0 {
				w.clock.advance(time.Duration(w.r.Int64N(int64(time.Minute))))
			}
		}
		insert := func(tx *store.Tx) {
			for i := range all {
				tx.Payments().Insert(&all[i])
			}
		}
		if err := update(t, db, insert); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(10 * time.Minute)
		extend(t, db, shop, w.clock.Now().Add(-settles))
		for range many / 6 {
			w.clock.advance(time.Duration(w.r.Int64N(int64(time.Minute))))
			p := &all[w.r.IntN(many)]
			p.Version, p.Updated = max(p.Version, 1), w.clock.Now()
			if err := update(t, db, func(tx *store.Tx) { tx.Payments().Update(p) }); err != nil {
				t.Fatal(err)
			}
			p.Version++
		}
		w.clock.advance(10 * time.Minute)
		fold(t, db, shop, w.clock.Now().Add(-settles))
		if fill(t, db, shop) == 0 {
			t.Fatal("no histogram was made")
		}
		if thin := w.searchWindows(shop, 300); thin < 20 {
			t.Errorf("%d of 300 pages were looked up one by one: too few to tell anything", thin)
		}
		for n := range 12 { // whose marks lose their histograms
			d.Exec(`DELETE FROM payment_histogram WHERE shop_id = $1 AND n = $2`, string(shop), int64(1+n*6)*store.MarkEvery)
		}
		w.searchWindows(shop, 300)
	})
}

// searchWindows compares pages of windows with those of the model, and returns how many were looked up payment by payment.
func (w *world) searchWindows(shop payment.ShopID, pages int) (thin int) {
	rows := w.rows(shop)
	listed := func(r *row) time.Time { return r.listed }
	for range pages {
		f := payment.Filter{Shop: shop, Limit: 1 + w.r.IntN(30)}
		if w.r.IntN(4) > 0 {
			f.UpdatedFrom = w.instant(rows, listed)
		}
		if f.UpdatedFrom.IsZero() || w.r.IntN(3) == 0 {
			f.UpdatedBefore = w.instant(rows, listed)
		}
		if w.r.IntN(5) == 0 {
			f.CreatedBefore = w.instant(rows, func(r *row) time.Time { return r.created })
		}
		everything := f
		everything.Limit = len(rows)
		of, _ := model(rows, everything)
		f.Offset = w.r.IntN(len(of) + 1)
		if w.r.IntN(2) == 0 {
			f.Offset = max(0, len(of)-w.r.IntN(60))
		}
		want, _ := model(rows, f)
		err := w.node().View(w.t.Context(), func(tx *store.Tx) error {
			page, few, err := tx.Payments().ListDeep(f)
			if got := ids(page); err == nil && !slices.Equal(got, want) {
				w.t.Fatalf("%+v, looked up %t:\n%v\nwant\n%v", f, few, got, want)
			}
			if few {
				thin++
			}
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return thin
}
