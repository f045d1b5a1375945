package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// handClock stands until it is moved.
type handClock struct{ ahead atomic.Int64 }

func (c *handClock) Now() time.Time { return ordersBegan.Add(time.Duration(c.ahead.Load())) }

func (c *handClock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// changedSince are the ids of payments whose last change, for lists, is at or after that instant.
func changedSince(t testing.TB, db *store.DB, from time.Time) (ids []payment.ID) {
	t.Helper()
	page, err := view(t, db, func(tx *store.Tx) ([]payment.Payment, error) {
		page, _, err := tx.Payments().List(payment.Filter{Shop: orderShop, UpdatedFrom: from, Limit: payment.MaxLimit})
		return page, err
	})
	if err != nil {
		t.Error(err)
	}
	for i := range page {
		ids = append(ids, page[i].ID)
	}
	return ids
}

// bornNow queues a payment that was made at the transaction's instant.
func bornNow(tx *store.Tx, n int) {
	p := orderPayment(n, func(p *payment.Payment) { p.Created, p.Updated = tx.Now(), tx.Now() })
	tx.Payments().Insert(&p)
}

// TestChangeIsFoundByWhoeverCouldNotReadItBefore: a reader comes after a transaction has read its clock and before its
// commit, and asks from the start of that reading on next time.
func TestChangeIsFoundByWhoeverCouldNotReadItBefore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		clock, held, release := &handClock{}, make(chan struct{}), make(chan struct{})
		var once sync.Once
		db := d.Open(func(o *store.Options) {
			o.Now = clock.Now
			o.Fault = func(point store.FaultPoint, _ []string) error {
				if point == store.FaultBeforeGroup {
					once.Do(func() { close(held); <-release })
				}
				return nil
			}
		})
		done := make(chan error)
		go func() { done <- update(t, db, func(tx *store.Tx) { bornNow(tx, 1) }) }()
		<-held
		clock.advance(10 * time.Second)
		began := clock.Now()
		if seen := changedSince(t, db, ordersBegan); len(seen) != 0 {
			t.Fatalf("%v is read before its commit", seen)
		}
		close(release)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if found := changedSince(t, db, began); len(found) != 1 {
			t.Errorf("from the start of the last reading on, %v is found", found)
		}
	})
}

// TestOnlyWhatIsShownMovesAPaymentInLists: a change of what nobody is shown is none for lists.
func TestOnlyWhatIsShownMovesAPaymentInLists(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		clock := &handClock{}
		db := d.Open(func(o *store.Options) { o.Now = clock.Now })
		if err := update(t, db, func(tx *store.Tx) { bornNow(tx, 1); bornNow(tx, 2) }); err != nil {
			t.Fatal(err)
		}
		clock.advance(time.Minute)
		err := update(t, db, func(tx *store.Tx) {
			for n := 1; n <= 2; n++ {
				p := orderPayment(n, func(p *payment.Payment) { p.Version, p.DueFails = 1, 1 })
				if n == 2 {
					p.Updated = tx.Now()
				}
				tx.Payments().Update(&p)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		second := orderPayment(2, nil).ID
		if found := changedSince(t, db, clock.Now()); len(found) != 1 || found[0] != second {
			t.Errorf("%v changed, not just %s", found, second)
		}
	})
}

// TestLateCommitIsFoundAll: the commit comes later than its stamp, or nobody knows when it came.
func TestLateCommitIsFoundAll(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{"late": nil, "acknowledgement lost": errors.New("lost")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				clock := &handClock{}
				var first sync.Once
				open := func(o *store.Options) {
					o.Now = clock.Now
					o.Fault = func(point store.FaultPoint, _ []string) (err error) {
						if point == store.FaultAfterCommit {
							clock.advance(10 * time.Second)
							first.Do(func() { err = answer })
						}
						return err
					}
				}
				db := d.Open(open)
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					if tx.MaybeCommitted() {
						_, err := tx.Payments().Get(orderShop, orderPayment(1, nil).ID)
						return err
					}
					bornNow(tx, 1)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				began := ordersBegan.Add(10 * time.Second)
				db = d.Reopen(db, open) // which waits for what is stamped again
				if found := changedSince(t, db, began); len(found) != 1 {
					t.Errorf("after a commit that took ten seconds %v is found", found)
				}
			})
		})
	}
}

// TestSlowDatabaseIsStampedOnceMore: where every commit is late, a second stamp is far enough ahead.
func TestSlowDatabaseIsStampedOnceMore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		clock, commits := &handClock{}, atomic.Int64{}
		db := d.Open(func(o *store.Options) {
			o.Now = clock.Now
			o.Fault = func(point store.FaultPoint, _ []string) error {
				if point == store.FaultAfterCommit {
					commits.Add(1)
					clock.advance(10 * time.Second)
				}
				return nil
			}
		})
		if err := update(t, db, func(tx *store.Tx) { bornNow(tx, 1) }); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if n, again := commits.Load(), db.Stats().Restamps; n != 2 || again != 1 {
			t.Errorf("%d commits, stamped again %d times; want 2 and 1", n, again)
		}
	})
}

// TestResumeFindsWhatTheProcessBeforeWasCommitting: on SQLite the last group of a process that died may be read only when
// the next one has opened the file.
func TestResumeFindsWhatTheProcessBeforeWasCommitting(t *testing.T) {
	t.Parallel()
	d := storetest.New(t, store.SQLite)
	clock := &handClock{}
	open := func(o *store.Options) { o.Now = clock.Now }
	db := d.Open(open)
	if err := update(t, db, insertShop); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 2; n++ {
		if err := update(t, db, func(tx *store.Tx) { bornNow(tx, n) }); err != nil {
			t.Fatal(err)
		}
		clock.advance(10 * time.Second)
	}
	db = d.Reopen(db, open)
	if err := db.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := changedSince(t, db, clock.Now()); len(found) != 1 || found[0] != orderPayment(2, nil).ID {
		t.Errorf("%v is found from the start of the process on, not just the last", found)
	}
}

// insertShop queues the shop of these tests.
func insertShop(tx *store.Tx) {
	tx.Write("shop.create", `INSERT INTO shop (id, merchant, name, live, active, signing_key, settings, created)
		VALUES ($1, 'm', $1, FALSE, TRUE, '', '{}', 0)`, string(orderShop))
}

// schemaBefore opens a database as it was before the migration of that name.
func schemaBefore(t *testing.T, step string) func(*store.Options) {
	t.Helper()
	before := fstest.MapFS{}
	names, err := filepath.Glob("migrations/*_*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_"+step+".sql") {
			return func(o *store.Options) { o.Migrations = before }
		}
		before[filepath.Base(name)] = &fstest.MapFile{Data: text}
	}
	t.Fatalf("no migration %s", step)
	return nil
}

// TestOldPaymentsChangedWhenTheyWereUpdated: payments of a database from before lists had an instant of their own.
func TestOldPaymentsChangedWhenTheyWereUpdated(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open(schemaBefore(t, "listed"))
		err := update(t, db, func(tx *store.Tx) {
			for n := int64(1); n <= 2; n++ {
				tx.Write("payment.create", `INSERT INTO payment (shop_id, id, version, type, state, currency, pre_auth, start_recurring, created,
					updated, live, tries, ops, events, shard, due_fails)
					VALUES ($1, $2, 1, 'DEPOSIT', 'COMPLETED', 'EUR', FALSE, FALSE, $3, $4, 0, 0, 0, 0, 0, 0)`,
					string(orderShop), fmt.Sprintf("%032x", n), ordersBegan.UnixMicro(), ordersBegan.UnixMicro()+n)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		db = d.Reopen(db)
		if found := changedSince(t, db, ordersBegan.Add(2*time.Microsecond)); len(found) != 1 || found[0] != orderPayment(2, nil).ID {
			t.Errorf("%v changed then, not just the second", found)
		}
	})
}

// TestPartlyCapturedDepositsHaveWhatWasAskedFor: a binary before wrote what was captured over what was asked for.
func TestPartlyCapturedDepositsHaveWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open(schemaBefore(t, "asked"))
		sums := func(n int) (amount, authorised, captured any) {
			fixed := func(text string) any { return money.MustParse(text).Fixed() }
			return [...]any{fixed("4"), fixed("10"), fixed("10"), nil}[n], [...]any{fixed("10"), fixed("10"), fixed("10"), nil}[n],
				[...]any{fixed("4"), nil, fixed("10"), nil}[n]
		}
		err := update(t, db, func(tx *store.Tx) {
			insertShop(tx)
			for n := range 4 {
				amount, authorised, captured := sums(n)
				tx.Write("payment.create", `INSERT INTO payment (shop_id, id, version, type, state, currency, pre_auth, start_recurring, created,
					updated, live, tries, ops, events, shard, due_fails, amount, authorised, captured)
					VALUES ($1, $2, 1, 'DEPOSIT', 'COMPLETED', 'EUR', TRUE, FALSE, $3, $3, 0, 0, 0, 0, 0, 0, $4, $5, $6)`,
					string(orderShop), fmt.Sprintf("%032x", n), ordersBegan.UnixMicro(), amount, authorised, captured)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		db = d.Reopen(db)
		for n, want := range []string{"10 shown as 4", "10 shown as 10", "10 shown as 10", "0 shown as 0"} {
			var p payment.Payment
			err := db.View(t.Context(), func(tx *store.Tx) (err error) {
				p, err = tx.Payments().Get(orderShop, payment.ID(fmt.Sprintf("%032x", n)))
				return err
			})
			if got := fmt.Sprintf("%s shown as %s", p.Asked.Amount, p.Shown().Amount); err != nil || got != want {
				t.Errorf("%d: %s, want %s (%v)", n, got, want, err)
			}
		}
	})
}
