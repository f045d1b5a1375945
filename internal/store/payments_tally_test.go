package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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

// fill makes the histograms that are missing.
func fill(t *testing.T, db *store.DB, shop payment.ShopID) (made int) {
	t.Helper()
	for u := (store.Unfilled{More: true}); u.More; {
		err := db.View(t.Context(), func(tx *store.Tx) (err error) {
			u, err = tx.Tallies().Unfilled(shop, u.Next)
			return err
		})
		if err == nil && u.Any() {
			made++
			err = db.Update(t.Context(), func(tx *store.Tx) error {
				tx.Tallies().Fill(shop, &u)
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return made
}

// world is some shops whose payments are written and read by several nodes, by chance.
type world struct {
	t     *testing.T
	r     *rand.Rand
	clock *handClock
	nodes []*store.DB
	all   map[payment.ShopID][]payment.Payment
	n     int
	kind  int // of the next filter
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

// restamp does what the writer does with payments whose commit has taken long: mostly such as were just born.
func (w *world) restamp() {
	shop := w.shop()
	list := w.all[shop]
	if len(list) == 0 {
		return
	}
	from := 0
	if w.r.IntN(4) > 0 {
		from = max(0, len(list)-20)
	}
	err := w.node().Update(w.t.Context(), func(tx *store.Tx) error {
		for range 1 + w.r.IntN(3) {
			tx.Restamp(shop, list[from+w.r.IntN(len(list)-from)].ID)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// row is what the database has of a payment, as far as a filter asks for it.
type row struct {
	id              payment.ID
	created, listed time.Time
	reference       string
}

// rows are all payments of a shop, newest first.
func (w *world) rows(shop payment.ShopID) []row {
	rows, err := view(w.t, w.node(), func(tx *store.Tx) ([]row, error) {
		return store.List(tx, func(s store.Scanner) (r row, err error) {
			var created, listed int64
			err = s.Scan((*string)(&r.id), &created, &listed, &r.reference)
			r.created, r.listed = time.UnixMicro(created), time.UnixMicro(listed)
			return r, err
		}, `SELECT id, created, listed, COALESCE(reference, '') FROM payment WHERE shop_id = $1`, string(shop))
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(string(b.id), string(a.id)) })
	return rows
}

// model is the page of a filter, and whether more follow.
func model(rows []row, f payment.Filter) (page []payment.ID, more bool) {
	skip := f.Offset
	page = []payment.ID{}
	for i := range rows {
		r := &rows[i]
		switch {
		case !f.CreatedFrom.IsZero() && r.created.Before(f.CreatedFrom), !f.CreatedBefore.IsZero() && !r.created.Before(f.CreatedBefore),
			!f.UpdatedFrom.IsZero() && r.listed.Before(f.UpdatedFrom), !f.UpdatedBefore.IsZero() && !r.listed.Before(f.UpdatedBefore),
			f.Reference != "" && r.reference != f.Reference, f.After != "" && r.id >= f.After:
		case skip > 0:
			skip--
		case len(page) == f.Limit:
			return page, true
		default:
			page = append(page, r.id)
		}
	}
	return page, false
}

// instant is that of one of the payments, or one nearby, or any of the last hours.
func (w *world) instant(rows []row, of func(*row) time.Time) time.Time {
	if len(rows) == 0 || w.r.IntN(3) == 0 {
		return w.clock.Now().Add(-time.Duration(w.r.Int64N(int64(3 * time.Hour))))
	}
	return of(&rows[w.r.IntN(len(rows))]).Add(time.Duration(w.r.IntN(3)-1) * time.Microsecond)
}

// filter makes one filter of each kind after the other: every set of bounds, with a cursor, a reference or neither.
func (w *world) filter(rows []row) payment.Filter {
	kind := w.kind
	w.kind++
	f := payment.Filter{Limit: 1 + w.r.IntN(20), Offset: w.r.IntN(1 + len(rows)*5/4)}
	if w.r.IntN(8) == 0 {
		f.Limit = 1 + w.r.IntN(300)
	}
	created := func(r *row) time.Time { return r.created }
	listed := func(r *row) time.Time { return r.listed }
	for i, bound := range []struct {
		into *time.Time
		of   func(*row) time.Time
	}{{&f.CreatedFrom, created}, {&f.CreatedBefore, created}, {&f.UpdatedFrom, listed}, {&f.UpdatedBefore, listed}} {
		if kind>>i&1 == 1 {
			*bound.into = w.instant(rows, bound.of)
		}
	}
	if f.Offset > 2*store.MarkEvery && w.r.IntN(3) == 0 {
		f.Offset = w.r.IntN(2 * store.MarkEvery)
	}
	switch kind >> 4 % 3 {
	case 1:
		f.Reference = fmt.Sprint("ref", w.r.IntN(3))
	case 2:
		f.After = "~"
		if len(rows) > 0 {
			f.After = rows[w.r.IntN(len(rows))].id
		}
		f.Offset *= w.r.IntN(2)
	}
	return f
}

// changedBy is the query by last changes, where these are few or not.
func changedBy(few bool) func(payment.Filter) (string, []any) {
	return func(f payment.Filter) (string, []any) { return store.Pages.Changed(f, few) }
}

// read compares some pages with what they have to be, found by every statement that can find them.
func (w *world) read() {
	shop := w.shop()
	for range 4 {
		rows := w.rows(shop)
		f := w.filter(rows)
		f.Shop = shop
		w.compare(rows, f)
	}
}

// between is what happens between two parts of a page, and does not concern it.
func (w *world) between() {
	switch w.r.IntN(8) {
	case 0:
		w.bear()
	case 1:
		w.change()
	}
}

func (w *world) compare(rows []row, f payment.Filter) {
	want, wantMore := model(rows, f)
	ways := map[string]func(payment.Filter) (string, []any){"plain": store.ListQuery}
	if f.Reference == "" {
		ways["changed"], ways["few changed"] = changedBy(false), changedBy(true)
		if f.UpdatedFrom.IsZero() && f.UpdatedBefore.IsZero() {
			ways["far"] = store.Pages.Far
		}
	}
	node := w.node()
	more := map[string]bool{}
	found := map[string][]payment.ID{}
	err := node.View(w.t.Context(), func(tx *store.Tx) error {
		page, follow, err := tx.Payments().List(f)
		if found["list"], more["list"] = ids(page), follow; err != nil {
			return err
		}
		if f.Reference == "" {
			page, _, err := tx.Payments().ListDeep(f)
			if found["deep"] = ids(page); err != nil {
				return fmt.Errorf("deep: %w", err)
			}
		}
		for name, query := range ways {
			text, args := query(f)
			page, err := tx.Payments().ListBy(f, text, args)
			if found[name] = ids(page); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	found["parts"], more["parts"] = parts(w.t, node, f, 1+w.r.IntN(120), w.between)
	for name, got := range found {
		if !slices.Equal(got, want) {
			w.t.Fatalf("%s, %+v:\n%v\nwant\n%v", name, f, got, want)
		}
	}
	for name, follow := range more {
		if follow != wantMore {
			w.t.Errorf("%s, %+v: more follow is %t", name, f, follow)
		}
	}
}

func ids(page []payment.Payment) []payment.ID {
	list := make([]payment.ID, len(page))
	for i := range page {
		list[i] = page[i].ID
	}
	return list
}

// setBack sets the clock back, and has the work see that before anything else happens.
func (w *world) setBack() {
	w.clock.advance(-time.Duration(w.r.Int64N(int64(20 * time.Minute))))
	for _, shop := range talliedShops {
		extend(w.t, w.node(), shop, w.clock.Now().Add(-settles))
	}
}

// step is the next thing that happens.
func (w *world) step() {
	switch w.r.IntN(9) {
	case 0, 1:
		w.bear()
	case 2:
		w.change()
	case 3:
		shop := w.shop()
		if w.r.IntN(2) == 0 {
			fold(w.t, w.node(), shop, w.clock.Now().Add(-settles))
		}
		extend(w.t, w.node(), shop, w.clock.Now().Add(-settles))
		if w.r.IntN(4) > 0 {
			fill(w.t, w.node(), shop)
		}
	case 4:
		w.clock.advance(time.Duration(w.r.Int64N(int64(4 * time.Minute))))
	case 5:
		switch w.r.IntN(8) {
		case 0, 1, 2:
			w.restamp()
		case 3:
			w.setBack()
		}
	default:
		w.read()
	}
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
		for range 350 {
			w.step()
		}
		for _, shop := range talliedShops {
			if found := checkTally(t, w.nodes[0], shop); found.Wrong {
				t.Errorf("shop %s: the mark after the oldest %d payments is wrong", shop, found.Next)
			}
		}
	})
}

// TestWhatChangesWhileTheClockIsSetBackIsFound: its last change lies before all that the marks know of the payments around it.
func TestWhatChangesWhileTheClockIsSetBackIsFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		shop, clock := talliedShops[0], &handClock{}
		db := d.Open(func(o *store.Options) { o.Now = clock.Now })
		all := make([]payment.Payment, 3*store.MarkEvery)
		change := func(p *payment.Payment) {
			p.Updated = clock.Now()
			if err := update(t, db, func(tx *store.Tx) { tx.Payments().Update(p) }); err != nil {
				t.Fatal(err)
			}
			p.Version++
		}
		for i := range all {
			all[i] = bornAt(shop, clock.Now(), i)
			if err := update(t, db, func(tx *store.Tx) { tx.Payments().Insert(&all[i]) }); err != nil {
				t.Fatal(err)
			}
			all[i].Version = 1
		}
		clock.advance(time.Hour)
		for i := range all {
			change(&all[i])
		}
		clock.advance(time.Hour)
		extend(t, db, shop, clock.Now().Add(-settles))
		clock.advance(-90 * time.Minute)
		extend(t, db, shop, clock.Now().Add(-settles))
		changed := &all[store.MarkEvery/2]
		change(changed)
		f := payment.Filter{Shop: shop, Limit: 10, UpdatedFrom: clock.Now(), UpdatedBefore: clock.Now().Add(time.Minute)}
		for range 2 { // before it is noted, and after
			text, args := store.Pages.Changed(f, false)
			page, err := view(t, db, func(tx *store.Tx) ([]payment.Payment, error) { return tx.Payments().ListBy(f, text, args) })
			if err != nil || len(page) != 1 || page[0].ID != changed.ID {
				t.Errorf("found %v, %v", ids(page), err)
			}
			clock.advance(10 * time.Minute)
			fold(t, db, shop, clock.Now().Add(-settles))
		}
		if found := checkTally(t, db, shop); found.Wrong || found.Marks == 0 {
			t.Errorf("%+v", found)
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
