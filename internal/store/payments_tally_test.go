package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// settles is how long after its instant a payment is counted in these tests.
const settles = 2 * time.Minute

// bornAt is a payment of a shop that was created at that instant; n tells apart those of one instant.
func bornAt(shop payment.ShopID, at time.Time, n int) payment.Payment {
	at = at.Truncate(time.Microsecond).UTC()
	pid := payment.ID(id.Floor(at)[:16] + fmt.Sprintf("%016x", uint64(1<<63)|uint64(n)))
	return orderPayment(n, func(p *payment.Payment) { p.Shop, p.ID, p.Created, p.Updated = shop, pid, at, at })
}

// extend counts what can be counted.
func extend(t *testing.T, db *store.DB, shop payment.ShopID, until time.Time) {
	t.Helper()
	for more := true; more; {
		err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
			_, _, more, err = tx.Tallies().Extend(shop, until)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// fold has the marks know what was changed.
func fold(t *testing.T, db *store.DB, shop payment.ShopID, until time.Time) {
	t.Helper()
	for more := true; more; {
		var f store.Folding
		err := db.View(t.Context(), func(tx *store.Tx) (err error) {
			f, err = tx.Tallies().Changes(shop, until)
			return err
		})
		more = f.More
		for done, last := 0, false; err == nil && !last; {
			var now int
			err = db.Update(t.Context(), func(tx *store.Tx) error {
				now, last = tx.Tallies().Fold(shop, &f, done)
				return nil
			})
			done = now
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// world is some shops whose payments are written and read by several nodes, by chance.
type world struct {
	t     *testing.T
	r     *rand.Rand
	clock *handClock
	nodes []*store.DB
	all   map[payment.ShopID][]payment.Payment
	n     int
}

var talliedShops = []payment.ShopID{"0193f0c2a7b17c9e8d4f5a6b7c8d9e01", "0193f0c2a7b17c9e8d4f5a6b7c8d9e02"}

func (w *world) node() *store.DB { return w.nodes[w.r.IntN(len(w.nodes))] }

func (w *world) shop() payment.ShopID { return talliedShops[w.r.IntN(len(talliedShops))] }

// bear writes some payments of now, some of one instant, some long after their instant and some before it.
func (w *world) bear() {
	shop, late := w.shop(), w.r.IntN(8) == 0
	var born []payment.Payment
	at := w.clock.Now()
	for range 1 + w.r.IntN(12) {
		w.n++
		switch w.r.IntN(4) {
		case 0:
			at = w.clock.Now().Add(-time.Duration(w.r.Int64N(int64(store.LateAfter - time.Second))))
		case 1:
			at = w.clock.Now().Add(time.Duration(w.r.Int64N(int64(time.Minute))))
		}
		if late && w.r.IntN(4) == 0 {
			at = w.clock.Now().Add(-time.Duration(w.r.Int64N(int64(2 * time.Hour))))
		}
		p := bornAt(shop, at, w.n)
		if w.r.IntN(5) == 0 {
			p.Reference = fmt.Sprint("ref", w.r.IntN(3))
		}
		born = append(born, p)
	}
	err := w.node().Update(w.t.Context(), func(tx *store.Tx) error {
		for i := range born {
			tx.Payments().Insert(&born[i])
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range born {
		born[i].Version = 1
	}
	w.all[shop] = append(w.all[shop], born...)
}

// change changes a payment of any age.
func (w *world) change() {
	list := w.all[w.shop()]
	if len(list) == 0 {
		return
	}
	p := &list[w.r.IntN(len(list))]
	p.Updated = w.clock.Now()
	if err := w.node().Update(w.t.Context(), func(tx *store.Tx) error { tx.Payments().Update(p); return nil }); err != nil {
		w.t.Fatal(err)
	}
	p.Version++
}

// instant is one near the payments, or that of one of them.
func (w *world) instant(shop payment.ShopID) time.Time {
	if list := w.all[shop]; len(list) > 0 && w.r.IntN(2) == 0 {
		return list[w.r.IntN(len(list))].Created
	}
	return w.clock.Now().Add(-time.Duration(w.r.Int64N(int64(3 * time.Hour))))
}

func (w *world) filter() payment.Filter {
	f := payment.Filter{Shop: w.shop(), Limit: 1 + w.r.IntN(20), Offset: w.r.IntN(1 + len(w.all[w.shop()])*5/4)}
	for _, bound := range []*time.Time{&f.CreatedFrom, &f.CreatedBefore, &f.UpdatedFrom, &f.UpdatedBefore} {
		if w.r.IntN(4) == 0 {
			*bound = w.instant(f.Shop)
		}
	}
	if w.r.IntN(6) == 0 {
		f.Reference = fmt.Sprint("ref", w.r.IntN(3))
	}
	return f
}

// changedBy is the query by last changes, where these are few or not.
func changedBy(few bool) func(payment.Filter) (string, []any) {
	return func(f payment.Filter) (string, []any) { return store.Pages.Changed(f, few) }
}

// read compares a page with the plain query, and with the model where that can tell.
func (w *world) read() {
	f := w.filter()
	var got, marked, changed, few, want []payment.Payment
	err := w.node().View(w.t.Context(), func(tx *store.Tx) (err error) {
		if got, _, err = tx.Payments().List(f); err != nil {
			return err
		}
		for _, q := range []struct {
			into  *[]payment.Payment
			query func(payment.Filter) (string, []any)
		}{{&marked, store.Pages.Far}, {&changed, changedBy(false)}, {&few, changedBy(true)}, {&want, store.ListQuery}} {
			text, args := q.query(f)
			if *q.into, err = tx.Payments().ListBy(f, text, args); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if f.Reference == "" && !(slices.Equal(ids(changed), ids(want)) && slices.Equal(ids(few), ids(want))) {
		w.t.Fatalf("%+v, by last changes:\n%v\nand where those are few:\n%v\nthe plain query:\n%v", f, ids(changed), ids(few), ids(want))
	}
	if !slices.Equal(ids(got), ids(want)) {
		w.t.Fatalf("%+v:\n%v\nthe plain query:\n%v", f, ids(got), ids(want))
	}
	if f.Reference == "" && f.UpdatedFrom.IsZero() && f.UpdatedBefore.IsZero() && !slices.Equal(ids(marked), ids(want)) {
		w.t.Fatalf("%+v, by marks:\n%v\nthe plain query:\n%v", f, ids(marked), ids(want))
	}
}

func ids(page []payment.Payment) []payment.ID {
	list := make([]payment.ID, len(page))
	for i := range page {
		list[i] = page[i].ID
	}
	return list
}

// TestEveryPageIsThatOfThePlainQuery: whatever is written between two pages, by whichever node, however late, and however much of
// it is counted.
func TestEveryPageIsThatOfThePlainQuery(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		w := &world{t: t, r: rand.New(rand.NewPCG(seed, 0)), clock: &handClock{}, all: map[payment.ShopID][]payment.Payment{}}
		w.nodes = append(w.nodes, d.Open(func(o *store.Options) { o.Now = w.clock.Now }))
		if d.Kind == store.Postgres {
			w.nodes = append(w.nodes, d.Open(func(o *store.Options) { o.Now = w.clock.Now }))
		}
		for range 400 {
			switch w.r.IntN(8) {
			case 0, 1:
				w.bear()
			case 2:
				w.change()
			case 3:
				shop := w.shop()
				if w.r.IntN(2) == 0 {
					fold(t, w.node(), shop, w.clock.Now().Add(-settles))
				}
				extend(t, w.node(), shop, w.clock.Now().Add(-settles))
			case 4:
				w.clock.advance(time.Duration(w.r.Int64N(int64(4 * time.Minute))))
			default:
				w.read()
			}
		}
		for _, shop := range talliedShops {
			if found := checkTally(t, w.nodes[0], shop); found.Wrong {
				t.Errorf("shop %s: the mark after the oldest %d payments is wrong", shop, found.Next)
			}
		}
	})
}

func checkTally(t *testing.T, db *store.DB, shop payment.ShopID) (found store.Recount) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) (err error) {
		found, err = tx.Tallies().Check(shop, 0, 1<<20)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// bothPages reads the ids of a page by marks and by the plain query in one statement, so of one moment.
const bothPages = `SELECT CASE WHEN COALESCE(m.id, '') = COALESCE(p.id, '') THEN 1 ELSE 0 END FROM
	(SELECT x.id, ROW_NUMBER() OVER (ORDER BY x.id DESC) AS r FROM (%s) AS x) AS m FULL JOIN
	(SELECT y.id, ROW_NUMBER() OVER (ORDER BY y.id DESC) AS r FROM (SELECT q.id FROM payment q
		WHERE q.shop_id = $2 AND q.id >= $4 AND q.id < $1 ORDER BY q.id DESC LIMIT CAST($5 AS BIGINT) OFFSET CAST($3 AS BIGINT)) AS y) AS p
	ON m.r = p.r`

// TestPagesAreRightWhileAllIsWritten: payments are born, some late, and counted while pages are read.
func TestPagesAreRightWhileAllIsWritten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		shop := talliedShops[0]
		clock := &handClock{}
		past := time.Now().Add(-2 * time.Hour)
		clock.advance(past.Sub(ordersBegan))
		db := d.Open(func(o *store.Options) { o.Now = clock.Now })
		var n atomic.Int64
		bear := func(db *store.DB, at time.Time) {
			p := bornAt(shop, at, int(n.Add(1)))
			if err := update(t, db, func(tx *store.Tx) { tx.Payments().Insert(&p) }); err != nil {
				t.Error(err)
			}
		}
		for range 200 {
			bear(db, clock.Now())
			clock.advance(time.Second)
		}
		nodes := []*store.DB{d.Reopen(db)} // by the real clock from here on
		if d.Kind == store.Postgres {
			nodes = append(nodes, d.Open())
		}
		var work sync.WaitGroup
		for _, db := range nodes {
			work.Go(func() {
				for i := range 60 {
					if bear(db, time.Now()); i%6 == 0 {
						bear(db, past.Add(time.Duration(rand.Int64N(int64(200*time.Second)))))
					}
				}
			})
			work.Go(func() {
				for range 20 {
					extend(t, db, shop, time.Now().Add(-settles))
				}
			})
			work.Go(func() {
				for range 150 {
					text, args := store.Pages.Far(payment.Filter{Shop: shop, Offset: rand.IntN(300), Limit: 10})
					same, err := view(t, db, func(tx *store.Tx) ([]int64, error) {
						return store.List(tx, store.ScanInt64, fmt.Sprintf(bothPages, store.OnlyIDs(text)), args...)
					})
					if err != nil || slices.Contains(same, 0) {
						t.Errorf("offset %v: %v, %v", args[2], same, err)
						return
					}
				}
			})
		}
		work.Wait()
	})
}
