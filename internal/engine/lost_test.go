package engine_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// lostTime is what ran after the backup: it calls the provider by the keys that the process of then made, and leaves nothing in
// the database.
type lostTime struct {
	h *house
	c *sandbox.Sandbox
}

// afterBackup is the time between the backup, which is the database as it stands, and the restore.
func (h *house) afterBackup() *lostTime {
	h.t.Helper()
	config, err := sandbox.Type().Parse(h.shop.Terminals[0].Config)
	if err != nil {
		h.t.Fatal(err)
	}
	c, err := config.Open(connector.Deps{
		Client: outbound.New(outbound.Options{Now: h.Clock.Now, Guard: outbound.GuardNone}), Now: h.Clock.Now, Random: rand.Reader, Log: h.Log,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return &lostTime{h, c.(*sandbox.Sandbox)}
}

// key is what the process of then called a try.
func (l *lostTime) key(id payment.ID, number int) string {
	return fmt.Sprintf("%s-%s-%d", l.h.Keys.Epoch, id, number)
}

// pay is a try of a deposit.
func (l *lostTime) pay(p *payment.Payment, number int, card string) {
	l.h.t.Helper()
	_, err := l.c.Start(l.h.t.Context(), connector.Request{
		Key: l.key(p.ID, number), Amount: p.Asked.Amount, Currency: p.Asked.Currency, Method: payment.BasicCard, PreAuth: p.PreAuth,
		Means: cardOf(l.h.t, card), ReturnURL: l.h.URL,
	})
	if err != nil {
		l.h.t.Fatal(err)
	}
}

// payOut is a payout.
func (l *lostTime) payOut(p *payment.Payment, number int) {
	l.h.t.Helper()
	_, err := l.c.Payout(l.h.t.Context(), connector.Request{
		Key: l.key(p.ID, number), Amount: p.Asked.Amount, Currency: p.Asked.Currency, Method: p.Method, Means: cardOf(l.h.t, cardApproved),
	})
	if err != nil {
		l.h.t.Fatal(err)
	}
}

// restored is the house as a process finds it that begins after the restore. Its engine keeps to the new epoch.
func (h *house) restored(lost ...string) *engine.Engine {
	h.t.Helper()
	keys, err := h.Keys.Renewed(rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	now := h.Clock.Now()
	if len(lost) == 0 {
		lost = []string{h.Keys.Epoch}
	}
	err = h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
		was, err := tx.Installation().Proof(h.Keys.Proof())
		if err != nil {
			return err
		}
		tx.Installation().MarkRestored(store.Restoration{Epoch: keys.Epoch, Lost: lost, Taken: now.Add(-time.Hour), Restored: now}, was, keys.Proof())
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Keys = keys
	e := h.other(func(c *engine.Config) { c.Keys, c.Restored = keys, now })
	h.Engine = e
	return e
}

// inLostTime runs a scene on both databases: what a payment was at the backup, what happened then, and how it has to end.
func inLostTime(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, nil)
		if err := h.DB.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Installation().Proof(h.Keys.Proof()); return err }); err != nil {
			t.Fatal(err)
		}
		fn(t, h)
	})
}

// knows checks that nothing is left to search for, and that the ledger agrees.
func (h *house) knows(id payment.ID, want payment.State) payment.Payment {
	h.t.Helper()
	p := h.stored(id)
	if p.State() != want || p.Lost != "" {
		h.t.Errorf("%s is %s with %q to search for, want %s", id, p.State(), p.Lost, want)
	}
	return p
}

// TestWhatWasPaidAfterTheBackupIsNotPaidAgain: the payment's page is used once more after the restore, and the customer's money
// has moved already.
func TestWhatWasPaidAfterTheBackupIsNotPaidAgain(t *testing.T) {
	t.Parallel()
	for name, number := range map[string]int{"by the next try": 1, "by a later one": 3, "by the last that is asked about": payment.LostReach} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inLostTime(t, func(t *testing.T, h *house) {
				p := h.create(h.newDeposit("11.00", cardApproved))
				h.afterBackup().pay(&p, number, cardApproved)
				e := h.restored()
				_, err := e.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Hosted: true, Means: cardOf(t, cardApproved)})
				refused(t, err, payment.CodeWrongState, "")
				h.knows(p.ID, payment.Completed)
				h.agree()
			})
		})
	}
}

func TestWhatWasNotTriedAfterTheBackupIsTriedUnderTheNewEpoch(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		p, old := h.create(h.newDeposit("12.00", cardApproved)), h.Keys.Epoch
		e := h.restored()
		o, err := e.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Hosted: true, Means: cardOf(t, cardApproved)})
		if err != nil {
			t.Fatal(err)
		}
		h.reach(o.Payment, payment.Completed)
		if key := h.knows(p.ID, payment.Completed).Attempts[0].Key; strings.HasPrefix(key, old) || !strings.HasPrefix(key, h.Keys.Epoch+"-") {
			t.Errorf("the new try is named %s; the epoch was %s and is %s", key, old, h.Keys.Epoch)
		}
		h.agree()
	})
}

// TestACheckoutThatIsOverIsSearchedBeforeItCloses: due work would call it CANCELLED, and the customer has paid.
func TestACheckoutThatIsOverIsSearchedBeforeItCloses(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		paid, left := h.create(h.newDeposit("13.00", cardApproved)), h.create(h.newDeposit("14.00", cardApproved))
		declined := h.create(h.newDeposit("15.00", cardApproved))
		l := h.afterBackup()
		l.pay(&paid, 1, cardApproved)
		l.pay(&declined, 1, cardDeclined)
		h.Clock.Advance(24 * time.Hour)
		e := h.restored()
		for id, want := range map[payment.ID]payment.State{paid.ID: payment.Completed, left.ID: payment.Cancelled, declined.ID: payment.Declined} {
			h.workBy(e, id, 10)
			h.knows(id, want)
		}
		h.agree()
	})
}

// TestAHoldOfTheBackup may have been captured or voided in the lost time: neither is done once more.
func TestAHoldOfTheBackup(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		captured, voided, untouched := h.hold("20.00"), h.hold("21.00"), h.hold("22.00")
		l := h.afterBackup()
		request := func(p *payment.Payment, sum string) connector.Request {
			return connector.Request{
				Key: l.key(p.ID, 2), Amount: amount(sum), Currency: p.Asked.Currency,
				Original: connector.Ref{Kind: payment.AttemptDeposit, Key: p.Attempts[0].Key, Amount: p.Asked.Amount, Currency: p.Asked.Currency},
			}
		}
		for _, p := range []*payment.Payment{&captured, &voided} {
			*p = h.stored(p.ID)
		}
		if _, err := l.c.Capture(t.Context(), request(&captured, "7.00")); err != nil {
			t.Fatal(err)
		}
		if _, err := l.c.Void(t.Context(), request(&voided, "21.00")); err != nil {
			t.Fatal(err)
		}
		e := h.restored()
		_, err := e.Capture(t.Context(), h.target(captured.ID), amount("20.00"))
		refused(t, err, payment.CodeWrongState, "")
		if p := h.knows(captured.ID, payment.Completed); p.Captured != amount("7.00") {
			t.Errorf("captured %s, the lost time had captured 7.00", p.Captured)
		}
		_, err = e.Void(t.Context(), h.target(voided.ID))
		refused(t, err, payment.CodeWrongState, "")
		h.knows(voided.ID, payment.Cancelled)
		if o, err := e.Capture(t.Context(), h.target(untouched.ID), amount("22.00")); err != nil || o.Payment.State() != payment.Completed {
			t.Errorf("capture of a hold that nobody has touched: %s, %v", o.Payment.State(), err)
		}
		h.agree()
	})
}

// TestAHoldThatTheBackupDoesNotKnow was made, and captured in part, in the lost time: of a checkout, and of a call that was under
// way at the backup.
func TestAHoldThatTheBackupDoesNotKnow(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		c := h.newDeposit("25.00", cardApproved)
		c.PreAuth = true
		checkout := h.create(c)
		h.scenario("payment", "26.00", simulator.Effect{Fault: simulator.FaultDrop})
		c = h.newDeposit("26.00", cardApproved)
		c.PreAuth = true
		open := h.execute(h.create(c).ID)
		if open.State() != payment.Pending {
			t.Fatalf("the payment is %s", open.State())
		}
		l := h.afterBackup()
		l.pay(&checkout, 1, cardApproved)
		for _, p := range []*payment.Payment{&checkout, &open} {
			_, err := l.c.Capture(t.Context(), connector.Request{
				Key: l.key(p.ID, 2), Amount: amount("7.00"), Currency: p.Asked.Currency,
				Original: connector.Ref{Kind: payment.AttemptDeposit, Key: l.key(p.ID, 1), Amount: p.Asked.Amount, Currency: p.Asked.Currency},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		e := h.restored()
		for _, p := range []*payment.Payment{&checkout, &open} {
			h.workBy(e, p.ID, 10)
			if q := h.knows(p.ID, payment.Completed); q.Captured != amount("7.00") || q.Shown().Amount != amount("7.00") || q.Authorised != p.Asked.Amount {
				t.Errorf("%s: captured %s, shows %s of %s", p.ID, q.Captured, q.Asked.Amount, q.Authorised)
			}
		}
		h.agree()
	})
}

// TestWhoCannotBeAskedIsNotCharged: while the provider does not tell, nothing is done and the caller is asked to come again.
func TestWhoCannotBeAskedIsNotCharged(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("16.00", cardApproved))
		h.afterBackup().pay(&p, 1, cardApproved)
		h.restored()
		way := &wayOut{}
		e := h.byWay(way)
		way.shut.Store(true)
		execute := engine.Execute{Target: h.target(p.ID), Hosted: true, Means: cardOf(t, cardApproved)}
		if _, err := e.Execute(t.Context(), execute); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("execute while the provider cannot be asked: %v, want ErrUnavailable", err)
		}
		execute.Means = nil
		if _, err := e.Cancel(t.Context(), h.target(p.ID)); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("cancel while the provider cannot be asked: %v, want ErrUnavailable", err)
		}
		if _, err := e.Abandon(t.Context(), h.target(p.ID)); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("abandon while the provider cannot be asked: %v, want ErrUnavailable", err)
		}
		if err := e.Work(t.Context(), h.shop.ID, p.ID); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("work while the provider cannot be asked: %v, want ErrUnavailable", err)
		}
		if s := h.stored(p.ID); s.State() != payment.Checkout || s.Lost == "" || s.Tries != 0 {
			t.Errorf("the payment is %s with %d tries and %q to search for", s.State(), s.Tries, s.Lost)
		}
		way.shut.Store(false)
		if q, err := e.ManualCheck(t.Context(), h.shop.ID, p.ID); err != nil || q.State() != payment.Completed {
			t.Errorf("checked by hand: %s, %v", q.State(), err)
		}
		h.agree()
	})
}

// TestAProviderThatIsGoneKeepsNoCheckoutForEver: a terminal that was given up long ago is asked, too, and nobody answers any
// more. Whoever knows that nothing was paid there can close the checkout by hand, and no other one.
func TestAProviderThatIsGoneKeepsNoCheckoutForEver(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		c := h.newDeposit("16.00", cardApproved)
		c.Reference = "order-16"
		p := h.create(c)
		gone := h.shop.Terminals[0]
		gone.ID, gone.Name, gone.Enabled = strings.Repeat("d", 32), "gone", false
		gone.Config = bytes.Replace(gone.Config, []byte(h.SimulatorURL), []byte("http://127.0.0.1:1"), 1)
		if err := h.DB.Update(t.Context(), func(tx *store.Tx) error { tx.Terminals().Insert(h.shop.ID, &gone); return nil }); err != nil {
			t.Fatal(err)
		}
		update := store.ManualUpdate{Shop: h.shop.ID, Payment: p.ID, To: payment.Cancelled, Reason: "the provider's report has nothing", AskedBy: "Ada"}
		_, _, err := h.Engine.ManualUpdate(t.Context(), update)
		refused(t, err, payment.CodeWrongState, "")
		e := h.restored()
		for _, err := range []error{
			e.Work(t.Context(), h.shop.ID, p.ID), second(e.Cancel(t.Context(), h.target(p.ID))), second(e.ManualCheck(t.Context(), h.shop.ID, p.ID)),
		} {
			if !errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("a provider that does not tell: %v, want ErrUnavailable", err)
			}
		}
		if _, done, err := e.ManualUpdate(t.Context(), update); err != nil || !done {
			t.Fatalf("closed by hand: %t, %v", done, err)
		}
		if q := h.knows(p.ID, payment.Cancelled); q.ErrorCode != payment.CodeTimeout || !q.Due.IsZero() || q.Told != p.Told+1 {
			t.Errorf("closed with %s, due %s, told %d times after %d", q.ErrorCode, q.Due, q.Told, p.Told)
		}
		h.agree()
	})
}

// second is the error of a call that returns something, too.
func second[T any](_ T, err error) error { return err }

// TestUnsentAtTheBackupIsAskedAbout: it may have been sent again, under its own key, in the lost time.
func TestUnsentAtTheBackupIsAskedAbout(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		way := &wayOut{}
		shut := h.byWay(way)
		way.shut.Store(true)
		created := map[string]payment.Payment{}
		for name, value := range map[string]string{"sent": "31.00", "never sent": "32.00"} {
			c := h.newWithdrawal(value)
			c.Means, c.Method = nil, payment.OpenBanking
			c.Customer = `{"accountNumber":"GB33BUKB20201555555555","accountName":"Jane Doe"}`
			o, err := shut.Create(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			p := h.stored(o.Payment.ID)
			if p.Unsent() == nil {
				t.Fatalf("%s: %s, attempts %+v", name, p.State(), p.Attempts)
			}
			created[name] = p
		}
		sent := created["sent"]
		_, err := h.afterBackup().c.Payout(t.Context(), connector.Request{
			Key: sent.Attempts[0].Key, Amount: sent.Asked.Amount, Currency: sent.Asked.Currency, Method: payment.OpenBanking,
			Customer: payment.Customer{AccountNumber: "GB33BUKB20201555555555", AccountName: "Jane Doe"},
		})
		if err != nil {
			t.Fatal(err)
		}
		h.restored()
		open := &wayOut{}
		e := h.byWay(open)
		h.workBy(e, sent.ID, 10)
		if open.posts() != 0 {
			t.Errorf("%d requests that may move money were sent for what may have been sent before", open.posts())
		}
		h.knows(sent.ID, payment.Completed)
		h.workBy(e, created["never sent"].ID, 10)
		h.knows(created["never sent"].ID, payment.Declined)
		h.agree()
	})
}

// TestATryAfterTheLastKnownOne: the last try that the backup knows was not done, and the customer has paid by the next. The
// payment has ended by the time that is found out, and the money goes back.
func TestATryAfterTheLastKnownOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.HonourLateSuccess = false })
		if err := h.DB.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Installation().Proof(h.Keys.Proof()); return err }); err != nil {
			t.Fatal(err)
		}
		h.scenario("payment", "17.00", simulator.Effect{Fault: simulator.FaultDrop, Stage: simulator.StageBefore})
		p := h.execute(h.create(h.newDeposit("17.00", cardApproved)).ID)
		if p.State() != payment.Pending {
			t.Fatalf("the payment is %s", p.State())
		}
		h.afterBackup().pay(&p, 2, cardApproved)
		e := h.restored()
		h.workBy(e, p.ID, 20)
		h.knows(p.ID, payment.Declined)
		books := h.books()[p.ID]
		if len(books.captured) != 1 || len(books.refunded) != 1 {
			t.Errorf("the ledger has %d charges and %d refunds, want one of each", len(books.captured), len(books.refunded))
		}
		told := "the provider knows a try of the payment that was made after the backup; its status is asked for"
		if !slices.ContainsFunc((&ear{h: h}).open(), func(a store.Alarm) bool { return a.Subject == string(p.ID) && a.Why == told }) {
			t.Errorf("no human is told %q", told)
		}
	})
}

// TestRestoredTwiceFromOneBackup: two installations have run since the backup, under different epochs.
func TestRestoredTwiceFromOneBackup(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		first, second := h.create(h.newDeposit("18.00", cardApproved)), h.create(h.newDeposit("19.00", cardApproved))
		l := h.afterBackup()
		l.pay(&first, 1, cardApproved)
		own := h.Keys.Epoch
		h.Keys.Epoch = "0badc0de" // the installation of the first restore
		l.pay(&second, 1, cardApproved)
		h.Keys.Epoch = own
		e := h.restored(own, "0badc0de")
		for _, p := range []payment.Payment{first, second} {
			h.workBy(e, p.ID, 10)
			h.knows(p.ID, payment.Completed)
		}
		h.agree()
	})
}
