package engine_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
)

// back is what gives a try of the lost time back, under another number of the payment.
func (l *lostTime) back(p *payment.Payment, try, number int) connector.Request {
	return connector.Request{
		Key: l.key(p.ID, number), Amount: p.Asked.Amount, Currency: p.Asked.Currency,
		Original: connector.Ref{Kind: payment.AttemptDeposit, Key: l.key(p.ID, try), Amount: p.Asked.Amount, Currency: p.Asked.Currency},
	}
}

// giveBack has a late success refunded.
func (l *lostTime) giveBack(p *payment.Payment, try, number int) {
	l.h.t.Helper()
	if f, err := l.c.Refund(l.h.t.Context(), l.back(p, try, number)); err != nil || f.Class != payment.ClassApproved {
		l.h.t.Fatalf("%s, %v", f.Class, err)
	}
}

// wentBack checks that the provider took the money once and gave it back once, and that a human is told.
func (h *house) wentBack(id payment.ID) {
	h.t.Helper()
	m := h.books()[id]
	if m == nil || len(m.captured) != 1 || len(m.refunded) != 1 {
		h.t.Errorf("the ledger has %+v, want one charge and one refund", m)
	}
	const told = "the payment was paid after the backup, and given back as a late success"
	if !slices.ContainsFunc((&ear{h: h}).open(), func(a store.Alarm) bool { return a.Subject == string(id) && a.Why == told }) {
		h.t.Errorf("no human is told %q", told)
	}
}

// TestWhatWasPaidAndGivenBackAfterTheBackupIsNotTakenForPaid: the status of a sale that was refunded is that of a sale. What gave
// it back has a number of the payment, too.
func TestWhatWasPaidAndGivenBackAfterTheBackupIsNotTakenForPaid(t *testing.T) {
	t.Parallel()
	for name, numbers := range map[string][2]int{"at once": {1, 2}, "after other tries": {2, 5}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inLostTime(t, func(t *testing.T, h *house) {
				p := h.create(h.newDeposit("11.00", cardApproved))
				l := h.afterBackup()
				l.pay(&p, numbers[0], cardApproved)
				l.giveBack(&p, numbers[0], numbers[1])
				e := h.restored()
				_, err := e.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Hosted: true, Means: cardOf(t, cardApproved)})
				refused(t, err, payment.CodeWrongState, "")
				h.workBy(e, p.ID, 10)
				if q := h.knows(p.ID, payment.Cancelled); !q.Captured.IsZero() || !q.Attempts[0].Reversed {
					t.Errorf("captured %s, attempts %+v", q.Captured, q.Attempts)
				}
				if q, err := e.ManualCheck(t.Context(), h.shop.ID, p.ID); err != nil || q.State() != payment.Cancelled { // the provider shows a success
					t.Errorf("checked by hand: %s, %v", q.State(), err)
				}
				h.wentBack(p.ID)
			})
		})
	}
}

// TestACallOfTheBackupThatWasGivenBack: its outcome was open at the backup, and is asked about, or told by a notice of the
// lost time that comes once more.
func TestACallOfTheBackupThatWasGivenBack(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{"asked": false, "told": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inLostTime(t, func(t *testing.T, h *house) {
				h.scenario("payment", "12.00", simulator.Effect{Fault: simulator.FaultDrop})
				p := h.execute(h.create(h.newDeposit("12.00", cardApproved)).ID)
				if p.State() != payment.Pending {
					t.Fatalf("the payment is %s", p.State())
				}
				h.afterBackup().giveBack(&p, 1, 2)
				e := h.restored()
				if told {
					if err := e.Notice(t.Context(), h.post("evt_"+string(p.ID), p.Attempts[0].Key, "12.00", approved)); err != nil {
						t.Fatal(err)
					}
					if q := h.stored(p.ID); q.State() != payment.Pending {
						t.Errorf("told to be paid it is %s", q.State())
					}
				}
				h.workBy(e, p.ID, 10)
				h.knows(p.ID, payment.Cancelled)
				h.wentBack(p.ID)
			})
		})
	}
}

// TestATryAfterTheEndThatWasGivenBack: the payment ends as not paid by what the backup knows. The shop would keep the money of a
// late success, and there is none any more.
func TestATryAfterTheEndThatWasGivenBack(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		h.scenario("payment", "13.00", simulator.Effect{Fault: simulator.FaultDrop, Stage: simulator.StageBefore})
		p := h.execute(h.create(h.newDeposit("13.00", cardApproved)).ID)
		l := h.afterBackup()
		l.pay(&p, 2, cardApproved)
		l.giveBack(&p, 2, 3)
		e := h.restored()
		h.workBy(e, p.ID, 20)
		h.knows(p.ID, payment.Declined)
		h.wentBack(p.ID)
	})
}

// TestAHoldOfTheLostTimeThatWasVoided: the number of the void is no try, and keeps nobody from ending the search.
func TestAHoldOfTheLostTimeThatWasVoided(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		c := h.newDeposit("14.00", cardApproved)
		c.PreAuth = true
		p := h.create(c)
		l := h.afterBackup()
		l.pay(&p, 1, cardApproved)
		if _, err := l.c.Void(t.Context(), l.back(&p, 1, 2)); err != nil {
			t.Fatal(err)
		}
		e := h.restored()
		h.workBy(e, p.ID, 10)
		h.knows(p.ID, payment.Cancelled)
		h.agree()
	})
}

// muffled is a provider that does not tell about one key.
type muffled struct {
	http.Transport

	key string
	on  atomic.Bool
}

func (m *muffled) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.on.Load() && strings.Contains(r.URL.String(), m.key) {
		return nil, errors.New("muffled")
	}
	return m.Transport.RoundTrip(r)
}

// TestWhetherItWasGivenBackHasToBeKnown: while the provider does not tell, the payment is open, and nobody is told that it was paid.
func TestWhetherItWasGivenBackHasToBeKnown(t *testing.T) {
	t.Parallel()
	inLostTime(t, func(t *testing.T, h *house) {
		p := h.create(h.newDeposit("15.00", cardApproved))
		l := h.afterBackup()
		l.pay(&p, 1, cardApproved)
		way := &muffled{key: l.key(p.ID, 2)}
		t.Cleanup(way.CloseIdleConnections)
		h.restored()
		e := h.other(func(c *engine.Config) {
			c.Owner = h.Engine.Config().Owner
			c.Client = outbound.New(outbound.Options{Now: h.Clock.Now, Transport: way})
		})
		way.on.Store(true)
		for range 3 {
			if err := e.Work(t.Context(), h.shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
			h.Clock.Advance(time.Minute)
		}
		if q := h.stored(p.ID); q.State() != payment.Pending || q.Lost == "" {
			t.Errorf("the payment is %s with %q to search for", q.State(), q.Lost)
		}
		way.on.Store(false)
		h.workBy(e, p.ID, 10)
		h.knows(p.ID, payment.Completed)
		h.agree()
	})
}
