package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

const orderShop = payment.ShopID("shop-a")

var ordersBegan = time.Date(2030, 12, 25, 10, 11, 12, 0, time.UTC)

// orderPayment is a deposit as it is born; n numbers it and its id.
func orderPayment(n int, edit func(*payment.Payment)) payment.Payment {
	p := payment.Payment{
		ID: payment.ID(fmt.Sprintf("%032x", n)), Shop: orderShop, Type: payment.Deposit, Asked: money.Sum{Amount: money.MustParse("10"),
			Currency: "EUR"}, Created: ordersBegan, Updated: ordersBegan, CheckoutUntil: ordersBegan.Add(time.Hour),
	}
	if edit != nil {
		edit(&p)
	}
	return payment.Restore(p, payment.Checkout)
}

func update(t testing.TB, db *store.DB, body func(tx *store.Tx)) error {
	t.Helper()
	return db.Update(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
		body(tx)
		return nil
	})
}

func view[T any](t testing.TB, db *store.DB, read func(tx *store.Tx) (T, error)) (T, error) {
	t.Helper()
	var value T
	err := db.View(context.WithoutCancel(t.Context()), func(tx *store.Tx) (err error) {
		value, err = read(tx)
		return err
	})
	return value, err
}

// incompressible is a text of n characters outside ASCII that no index can make shorter.
func incompressible(n int) string {
	var b strings.Builder
	for range n {
		b.WriteRune(rune(0x4e00 + rand.N(0x5000)))
	}
	return b.String()
}

// longNames are names that only their very ends tell apart.
func longNames() []string {
	stem := incompressible(1999)
	return []string{stem + "a", stem + "b", stem, "ORDER-1", "order-1", " ORDER-1", "ORDER-1 ", "заказ", "заказ\u0301", "a/b?c%20"}
}

func clashes(err error, write string) bool {
	var u *store.UniqueError
	return errors.As(err, &u) && u.Write == write
}

func TestOrdersAreFoundByAnyName(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		names := longNames()
		for i, name := range names {
			p := orderPayment(i+1, func(p *payment.Payment) { p.Reference = name })
			o := store.Order{ID: name, Payment: p.ID, Fingerprint: []byte{byte(i), 0, 255}, Document: fmt.Sprintf(`{"n":%d}`, i)}
			if err := update(t, db, func(tx *store.Tx) {
				tx.Payments().Insert(&p)
				tx.Orders().Insert(orderShop, &o)
			}); err != nil {
				t.Fatalf("order %.20q: %v", name, err)
			}
		}
		for i, name := range names {
			pid := payment.ID(fmt.Sprintf("%032x", i+1))
			want := store.Order{ID: name, Payment: pid, Fingerprint: []byte{byte(i), 0, 255}, Document: fmt.Sprintf(`{"n":%d}`, i)}
			got, err := view(t, db, func(tx *store.Tx) (store.Order, error) { return tx.Orders().Get(orderShop, name) })
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("order %.20q: %v\n%s", name, err, diff)
			}
			want.ID = ""
			got, err = view(t, db, func(tx *store.Tx) (store.Order, error) { return tx.Orders().OfPayment(orderShop, pid) })
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("order of payment %d: %v\n%s", i+1, err, diff)
			}
			newest, err := view(t, db, func(tx *store.Tx) (payment.ID, error) {
				return tx.Payments().LatestByReference(orderShop, payment.Deposit, name)
			})
			if err != nil || newest != pid {
				t.Errorf("newest with reference %.20q: %q, %v", name, newest, err)
			}
			if err := update(t, db, func(tx *store.Tx) {
				tx.Orders().Insert(orderShop, &store.Order{ID: name, Payment: "other", Fingerprint: []byte{1}})
			}); !clashes(err, store.WriteOrder) {
				t.Errorf("order %.20q twice: %v", name, err)
			}
		}
		for _, shop := range []payment.ShopID{orderShop, "shop-b"} {
			id := names[0]
			if shop == orderShop {
				id = "unknown"
			}
			if _, err := view(t, db, func(tx *store.Tx) (store.Order, error) { return tx.Orders().Get(shop, id) }); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("order of another: %v", err)
			}
		}
		if err := update(t, db, func(tx *store.Tx) {
			tx.Orders().Insert("shop-b", &store.Order{ID: names[0], Payment: "b", Fingerprint: []byte{9}})
		}); err != nil {
			t.Errorf("another shop's order of the same name: %v", err)
		}
	})
}

func TestListsTakeLongReferencesWhole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		stem := strings.Repeat("я", 255)
		names := []string{stem, stem + "a", stem + "ab", stem + "ac", stem + strings.Repeat("b", 1500)}
		for i, name := range names {
			p := orderPayment(i+1, func(p *payment.Payment) { p.Reference = name })
			if err := update(t, db, func(tx *store.Tx) { tx.Payments().Insert(&p) }); err != nil {
				t.Fatal(err)
			}
		}
		for i, name := range names {
			var got []payment.Payment
			err := db.View(t.Context(), func(tx *store.Tx) (err error) {
				got, _, err = tx.Payments().List(payment.Filter{Shop: orderShop, Reference: name, Limit: 10})
				return err
			})
			if err != nil || len(got) != 1 || got[0].Reference != name || got[0].ID != payment.ID(fmt.Sprintf("%032x", i+1)) {
				t.Errorf("reference of %d characters: %d payments, %v", len([]rune(name)), len(got), err)
			}
		}
	})
}

// TestLongKeysOfRequests: what requests are told apart by may be longer than an index takes.
func TestLongKeysOfRequests(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		stem := incompressible(2000)
		for i, name := range []string{stem + "a", stem + "b"} {
			p := orderPayment(i+1, func(p *payment.Payment) { p.Reference = name })
			row := store.Reference{Shop: orderShop, Type: payment.Deposit, Reference: name, Payment: p.ID, Fingerprint: []byte{1}}
			command := store.Idempotency{Shop: orderShop, Route: "POST /" + name, Key: "k", Fingerprint: []byte{2}, Payment: p.ID, Created: ordersBegan}
			if err := update(t, db, func(tx *store.Tx) { tx.References().Insert(row) }); err != nil {
				t.Errorf("reference: %v", err)
			}
			if err := update(t, db, func(tx *store.Tx) { tx.IdempotencyKeys().Insert(command) }); err != nil {
				t.Errorf("route: %v", err)
			}
			if err := update(t, db, func(tx *store.Tx) { tx.References().Insert(row) }); !clashes(err, store.WriteReference) {
				t.Errorf("reference twice: %v", err)
			}
			if err := update(t, db, func(tx *store.Tx) { tx.IdempotencyKeys().Insert(command) }); !clashes(err, store.WriteIdempotency) {
				t.Errorf("route twice: %v", err)
			}
			gotRow, err := view(t, db, func(tx *store.Tx) (store.Reference, error) {
				return tx.References().Get(orderShop, payment.Deposit, name)
			})
			if diff := cmp.Diff(row, gotRow); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
			got, err := view(t, db, func(tx *store.Tx) (store.Idempotency, error) {
				return tx.IdempotencyKeys().Get(orderShop, command.Route, "k")
			})
			if diff := cmp.Diff(command, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
			if err := update(t, db, func(tx *store.Tx) {
				tx.References().Release(&p)
				tx.IdempotencyKeys().Delete(command, ordersBegan.Add(time.Microsecond))
			}); err != nil {
				t.Error(err)
			}
			if _, err := view(t, db, func(tx *store.Tx) (store.Reference, error) {
				return tx.References().Get(orderShop, payment.Deposit, name)
			}); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a freed reference: %v", err)
			}
			if _, err := view(t, db, func(tx *store.Tx) (store.Idempotency, error) {
				return tx.IdempotencyKeys().Get(orderShop, command.Route, "k")
			}); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a forgotten command: %v", err)
			}
		}
	})
}

func TestOldCommandsAreForgotten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		old := store.Idempotency{Shop: orderShop, Route: "r", Key: "k", Fingerprint: []byte{1}, Payment: "one", Created: ordersBegan}
		if err := update(t, db, func(tx *store.Tx) { tx.IdempotencyKeys().Insert(old) }); err != nil {
			t.Fatal(err)
		}
		again := old
		again.Payment, again.Created = "two", ordersBegan.Add(24*time.Hour)
		repeat := func(before time.Time) error {
			return update(t, db, func(tx *store.Tx) {
				tx.IdempotencyKeys().Delete(again, before)
				tx.IdempotencyKeys().Insert(again)
			})
		}
		if err := repeat(ordersBegan.Add(-time.Microsecond)); !clashes(err, store.WriteIdempotency) {
			t.Errorf("a command that is young enough: %v", err)
		}
		if err := repeat(ordersBegan); err != nil { // as old as it may be: no replay, so it must go
			t.Errorf("a command of that very age: %v", err)
		}
		got, err := view(t, db, func(tx *store.Tx) (store.Idempotency, error) { return tx.IdempotencyKeys().Get(orderShop, "r", "k") })
		if diff := cmp.Diff(again, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		for _, other := range []store.Idempotency{{Shop: "shop-b", Route: "r", Key: "k"}, {Shop: orderShop, Route: "s", Key: "k"}, {Shop: orderShop, Route: "r", Key: "l"}} {
			if err := update(t, db, func(tx *store.Tx) { tx.IdempotencyKeys().Delete(other, ordersBegan.Add(time.Hour*1000)) }); err != nil {
				t.Error(err)
			}
		}
		if _, err := view(t, db, func(tx *store.Tx) (store.Idempotency, error) { return tx.IdempotencyKeys().Get(orderShop, "r", "k") }); err != nil {
			t.Errorf("forgotten with another's: %v", err)
		}
	})
}

func TestInstructionNamesAreUniqueInAShop(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		long := incompressible(2000)
		all := []store.Instruction{
			{Payment: "p1", Attempt: 2, Name: "n", Request: "r", Fingerprint: []byte{1}, Detail: `{"a":1}`},
			{Payment: "p1", Attempt: 3, Name: long, Request: incompressible(500), Fingerprint: []byte{2}, Detail: `{}`},
			{Payment: "p1", Refund: "q1", Name: long + "2", Fingerprint: []byte{3}, Detail: `{}`},
			{Payment: "p2", Attempt: 2, Fingerprint: []byte{9}, Detail: `{}`}, // none has a name
			{Payment: "p2", Refund: "q2", Fingerprint: []byte{9}, Detail: `{}`},
			{Payment: "p2", Refund: "q3", Fingerprint: []byte{9}, Detail: `{}`},
		}
		for i := range all {
			if err := update(t, db, func(tx *store.Tx) { tx.Instructions().Insert(orderShop, &all[i]) }); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
		for i, in := range all {
			got, err := view(t, db, func(tx *store.Tx) (store.Instruction, error) {
				return tx.Instructions().Get(orderShop, in.Payment, in.Attempt, in.Refund)
			})
			if diff := cmp.Diff(in, got); err != nil || diff != "" {
				t.Errorf("%d: %v\n%s", i, err, diff)
			}
			named, err := view(t, db, func(tx *store.Tx) (store.Instruction, error) { return tx.Instructions().Named(orderShop, in.Name) })
			if in.Name == "" && !errors.Is(err, store.ErrNotFound) || in.Name != "" && (err != nil || !cmp.Equal(in, named)) {
				t.Errorf("named %.10q: %+v, %v", in.Name, named, err)
			}
			if in.Name == "" {
				continue
			}
			used := store.Instruction{Payment: "p9", Refund: payment.ID(fmt.Sprint(i)), Name: in.Name, Fingerprint: []byte{9}, Detail: "{}"}
			if err := update(t, db, func(tx *store.Tx) { tx.Instructions().Insert(orderShop, &used) }); !clashes(err, store.WriteInstruction) {
				t.Errorf("name %.10q twice: %v", in.Name, err)
			}
			if err := update(t, db, func(tx *store.Tx) { tx.Instructions().Insert("shop-b", &used) }); err != nil {
				t.Errorf("name %.10q in another shop: %v", in.Name, err)
			}
		}
		if _, err := view(t, db, func(tx *store.Tx) (store.Instruction, error) { return tx.Instructions().Named(orderShop, "N") }); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another spelling: %v", err)
		}
	})
}

func TestTermsComeBackAsTheyWentIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		for i, terms := range []payment.Terms{{}, {Verify: true}, {Reversal: true, Origin: "x"}, {
			Origin: "yandexpay", ErrorURL: "https://a/?é", AbortURL: "https://b", Methods: []payment.Method{payment.BasicCard},
			Lasts: 30 * time.Minute, Grace: 15 * time.Minute, HoldFor: 120 * time.Hour,
		}} {
			p := orderPayment(i+1, func(p *payment.Payment) { p.Terms = terms })
			if err := update(t, db, func(tx *store.Tx) { tx.Payments().Insert(&p) }); err != nil {
				t.Fatal(err)
			}
			read := func() payment.Payment {
				got, err := view(t, db, func(tx *store.Tx) (payment.Payment, error) { return tx.Payments().Get(orderShop, p.ID) })
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			got := read()
			if diff := cmp.Diff(terms, got.Terms); diff != "" || !got.Abandoned.IsZero() {
				t.Errorf("terms:\n%s", diff)
			}
			got.Abandoned = ordersBegan.Add(time.Minute)
			got.CheckoutUntil = ordersBegan.Add(2 * time.Hour)
			if err := update(t, db, func(tx *store.Tx) { tx.Payments().Update(&got) }); err != nil {
				t.Fatal(err)
			}
			after := read()
			if diff := cmp.Diff(terms, after.Terms); diff != "" || !after.Abandoned.Equal(got.Abandoned) || !after.CheckoutUntil.Equal(got.CheckoutUntil) {
				t.Errorf("abandoned %s, until %s, terms:\n%s", after.Abandoned, after.CheckoutUntil, diff)
			}
		}
	})
}

func TestPaymentsBetween(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		for i := range 30 {
			p := orderPayment(i+1, func(p *payment.Payment) {
				if i%2 == 1 {
					p.Shop = "shop-b"
				}
			})
			if err := update(t, db, func(tx *store.Tx) { tx.Payments().Insert(&p) }); err != nil {
				t.Fatal(err)
			}
		}
		from, to := payment.ID(fmt.Sprintf("%032x", 3)), payment.ID(fmt.Sprintf("%032x", 7))
		got, err := view(t, db, func(tx *store.Tx) ([]payment.ID, error) { return tx.Payments().Between(orderShop, from, to) })
		want := []payment.ID{from, payment.ID(fmt.Sprintf("%032x", 5)), to}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// TestHistoryIsOfOneInstant: a deposit of which one refund after the other ends is never seen between two states.
func TestHistoryIsOfOneInstant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		p := orderPayment(1, nil)
		if err := update(t, db, func(tx *store.Tx) { tx.Payments().Insert(&p) }); err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		var running sync.WaitGroup
		const refunds = 150
		running.Go(func() {
			defer close(stop)
			for i := range refunds {
				if err := refundOne(t, db, p.ID, i); err != nil {
					t.Error(err)
					return
				}
			}
		})
		seen := 0
		for range 2 {
			running.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					h, err := view(t, db, func(tx *store.Tx) (store.History, error) { return tx.Payments().History(orderShop, p.ID) })
					if err != nil {
						t.Error(err)
						return
					}
					if why := torn(&h); why != "" {
						t.Error(why)
						return
					}
				}
			})
		}
		running.Wait()
		h, err := view(t, db, func(tx *store.Tx) (store.History, error) { return tx.Payments().History(orderShop, p.ID) })
		if err != nil || len(h.Refunds) != refunds || len(h.Instructions) != refunds || h.Order != nil || torn(&h) != "" {
			t.Errorf("in the end %d refunds, %d instructions, %v: %s", len(h.Refunds), len(h.Instructions), err, torn(&h))
		}
		seen += len(h.Refunds)
		if !slices.IsSortedFunc(h.Refunds, func(a, b payment.Payment) int { return strings.Compare(string(a.ID), string(b.ID)) }) || seen == 0 {
			t.Error("the refunds are not in order")
		}
		if _, err := view(t, db, func(tx *store.Tx) (store.History, error) { return tx.Payments().History("shop-b", p.ID) }); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the history of another shop's payment: %v", err)
		}
	})
}

// refundOne books a refund with its instruction and an entry of the deposit's log, all at once.
func refundOne(t *testing.T, db *store.DB, deposit payment.ID, i int) error {
	return db.Update(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
		p, err := tx.Payments().Get(orderShop, deposit)
		if err != nil {
			return err
		}
		r := orderPayment(1000+i, func(r *payment.Payment) {
			r.Type, r.Parent, r.Asked.Amount = payment.Refund, deposit, money.MustParse("1")
		})
		r = payment.Restore(r, payment.Completed)
		if p.Refunded, err = p.Refunded.Add(r.Asked.Amount); err != nil {
			return err
		}
		p.RefundReserved, p.Captured, p.Authorised = p.Refunded, money.MustParse("1000"), money.MustParse("1000")
		p.Ops++
		tx.Payments().Update(&p)
		tx.Payments().Insert(&r)
		tx.Operations().Insert(&p, &payment.Operation{Seq: p.Ops, Kind: payment.OpCheckState, Started: ordersBegan, Completed: ordersBegan,
			State: payment.Checkout, Began: p.Version, Ended: p.Version})
		tx.Instructions().Insert(orderShop, &store.Instruction{Payment: deposit, Refund: r.ID, Name: fmt.Sprint(i), Fingerprint: []byte{9}, Detail: "{}"})
		return nil
	})
}

// torn says which parts of a history are not of one instant.
func torn(h *store.History) string {
	sum := money.Amount{}
	for i := range h.Refunds {
		if r := &h.Refunds[i]; r.State() == payment.Completed {
			sum, _ = sum.Add(r.Asked.Amount)
		}
	}
	if sum != h.Payment.Refunded || len(h.Log) != h.Payment.Ops || len(h.Refunds) != len(h.Instructions) {
		return fmt.Sprintf("refunded %s and in refunds %s; %d of %d entries; %d refunds and %d instructions", h.Payment.Refunded, sum,
			len(h.Log), h.Payment.Ops, len(h.Refunds), len(h.Instructions))
	}
	return ""
}
