package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/telemetry"
)

// ear is what a human can hear of an engine.
type ear struct {
	h   *house
	log *lockedLog
}

type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// listen has the house work with an engine whose alarms are heard.
func (h *house) listen(edit func(*engine.Config)) *ear {
	h.t.Helper()
	e := &ear{h: h, log: &lockedLog{}}
	h.Engine = h.other(func(c *engine.Config) {
		c.Owner, c.Vault = h.Engine.Config().Owner, h.Engine.Config().Vault
		c.Metrics, c.Log = telemetry.NewMetrics(), telemetry.Logger(slog.LevelWarn, "text", io.MultiWriter(e.log, h.t.Output()))
		if edit != nil {
			edit(c)
		}
	})
	return e
}

// open is what `sluice alarms` lists.
func (e *ear) open() []store.Alarm {
	e.h.t.Helper()
	var all []store.Alarm
	err := e.h.DB.View(context.WithoutCancel(e.h.t.Context()), func(tx *store.Tx) (err error) {
		all, _, err = tx.Alarms().List(store.AlarmFilter{Limit: 1000})
		return err
	})
	if err != nil {
		e.h.t.Fatal(err)
	}
	return all
}

// heard checks that a human is told in all three ways, and returns the entry.
func (e *ear) heard(about alarm.About, subject, why string) store.Alarm {
	e.h.t.Helper()
	line := false
	for l := range strings.Lines(e.log.String()) {
		line = line || strings.Contains(l, "level=ERROR") && strings.Contains(l, "a human has to look") && strings.Contains(l, subject) && strings.Contains(l, why)
	}
	if !line {
		e.h.t.Errorf("%s %s: no line in the log says %q", about, subject, why)
	}
	if e.h.alarms(string(about)) == 0 {
		e.h.t.Errorf("%s %s: the metric counts nothing", about, subject)
	}
	for _, a := range e.open() {
		if a.About == string(about) && a.Subject == subject && a.Why == why {
			return a
		}
	}
	e.h.t.Errorf("%s %s: no entry says %q among %+v", about, subject, why, e.open())
	return store.Alarm{}
}

// meddling is the sandbox connector whose facts a test changes.
func meddling(change func(call string, f payment.Fact) payment.Fact) []connector.Type {
	return interpose(interposition{at: func(string) error { return nil }, bound: context.WithCancel, change: change})
}

func TestAFactOfAnotherPaymentIsHeard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		foreign := ""
		e := h.listen(func(c *engine.Config) {
			c.Connectors = meddling(func(call string, f payment.Fact) payment.Fact {
				if call == "start" && foreign != "" {
					f.ProviderRef = foreign
				}
				return f
			})
		})
		first := h.deposit("10.00")
		foreign = first.Attempts[0].ProviderRef
		p := h.create(h.newDeposit("11.00", cardApproved))
		h.effect("payment", p.ID, silent)
		if p = h.execute(p.ID); p.State() != payment.Pending {
			t.Errorf("%s", p.State())
		}
		e.heard(alarm.Payment, string(p.ID), "the provider answers with a transaction of another payment")
		sums, _ := h.Simulator.Totals(p.LiveAttempt().Key)
		post := h.sign(h.noticeBody("evt_foreign", map[string]any{
			"id": foreign, "reference": p.LiveAttempt().Key, "kind": sums.Kind, "amount": "11.00", "currency": "EUR",
		}, approved))
		if err := h.Engine.Notice(t.Context(), post); err != nil {
			t.Fatal(err)
		}
		e.heard(alarm.Payment, string(p.ID), "the provider's notice names a transaction of another payment")
	})
}

func TestAFactThatDoesNotFitIsHeard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for why, edit := range map[string]func(f *payment.Fact){
			"the provider reports a hold that was not asked for":       func(f *payment.Fact) { f.Class = payment.ClassAuthorized },
			"the provider reports another amount than was asked for":   func(f *payment.Fact) { f.Echoed.Amount = amount("9.99") },
			"the provider reports another currency than was asked for": func(f *payment.Fact) { f.Echoed.Currency = "USD" },
			"the provider reports another transaction than before":     func(f *payment.Fact) { f.ProviderRef = "another" },
		} {
			queries := strings.Contains(why, "before")
			e := h.listen(func(c *engine.Config) {
				c.Connectors = meddling(func(call string, f payment.Fact) payment.Fact {
					if call == map[bool]string{true: "status", false: "start"}[queries] {
						edit(&f)
					}
					return f
				})
			})
			p := h.create(h.newDeposit("10.00", cardApproved))
			if queries {
				h.effect("payment", p.ID, silent)
			}
			if p = h.execute(p.ID); queries {
				if err := h.Simulator.Decide(p.LiveAttempt().Key, "00"); err != nil {
					t.Fatal(err)
				}
				h.leap()
				p = h.get(p.ID)
			}
			if p.State() != payment.Pending {
				t.Errorf("%s: %s", why, p.State())
			}
			e.heard(alarm.Payment, string(p.ID), why)
		}
	})
}

func TestWhatDecisionsSayIsHeard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(nil)
		p := h.cancelledByHand("56.00")
		if err := h.Simulator.Decide(p.Attempts[0].Key, "00"); err != nil {
			t.Fatal(err)
		}
		refuse := simulator.Scenario{Match: simulator.Match{Operation: "refund"}, Effect: simulator.Effect{Fault: simulator.FaultRejected}}
		if _, err := h.Simulator.AddScenario(refuse); err != nil {
			t.Fatal(err)
		}
		if err := h.Engine.Notice(t.Context(), h.post("evt_late", p.Attempts[0].Key, "56.00", approved)); err != nil {
			t.Fatal(err)
		}
		e.heard(alarm.Payment, string(p.ID), "the provider reports success for an attempt that was settled as CANCELLED; its status is asked for")
		h.workOff(p.ID, 25)
		e.heard(alarm.Payment, string(p.ID), "the provider refuses to give a late success back")
	})
}

// TestWhatARefundMeansForItsDepositIsHeard: the deposit's own alarm must not be lost because a refund brought it.
func TestWhatARefundMeansForItsDepositIsHeard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(nil)
		for _, operation := range []string{"refund", "void"} {
			refuse := simulator.Scenario{Match: simulator.Match{Operation: operation}, Effect: simulator.Effect{ResponseCode: "05"}}
			if _, err := h.Simulator.AddScenario(refuse); err != nil {
				t.Fatal(err)
			}
		}
		paid := h.deposit("20.00")
		h.abandon(paid.ID)
		e.heard(alarm.Payment, string(paid.ID), "the provider refuses to give the money of an abandoned payment back")
		held := h.hold("21.00")
		h.abandon(held.ID)
		e.heard(alarm.Payment, string(held.ID), "the provider refuses to release the hold of an abandoned payment")
	})
}

func TestWhatFailsTooOftenIsHeard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(nil)
		kinds := map[string]job.Kind{}
		for _, k := range h.Engine.DueWork("", "").Kinds {
			kinds[k.Name] = k
		}
		cause := errors.New("it does not work")
		panicked := rescue.Run(func() { panic("content") })
		p := h.create(h.newDeposit("10.00", cardApproved))
		item := job.Item{Key: string(p.ID), Value: store.DuePayment{Shop: h.shop.ID, ID: p.ID, Due: h.stored(p.ID).Due}}
		fail := func(kind string, i job.Item, err error, next time.Time) {
			if err := kinds[kind].Failed(t.Context(), i, err, next); err != nil {
				t.Fatal(err)
			}
		}
		fail(engine.WorkPayments, item, cause, h.Clock.Now().Add(time.Minute))
		if n := len(e.open()); n != 0 {
			t.Errorf("%d alarms for a failure that is tried again", n)
		}
		fail(engine.WorkPayments, item, panicked, h.Clock.Now().Add(time.Minute))
		if a := e.heard(alarm.Payment, string(p.ID), "work on the payment panics"); !strings.Contains(a.Detail, "alarm_test.go") {
			t.Errorf("no stack in %q", a.Detail)
		}
		fail(engine.WorkPayments, item, cause, time.Time{})
		e.heard(alarm.Payment, string(p.ID), "work on the payment has failed too often and is not tried again")
		if parked := h.parked(); len(parked) != 1 {
			t.Errorf("parked: %+v", parked)
		}

		terminal := h.shop.Terminals[0].ID
		post := h.sign(h.noticeBody("evt_early", map[string]any{
			"id": "tx", "reference": "nobody-knows-1", "kind": "payment", "amount": "1.00", "currency": "EUR",
		}, approved))
		if err := h.Engine.Notice(t.Context(), post); err != nil {
			t.Fatal(err)
		}
		n, _ := h.notice("evt_early")
		fail(engine.WorkNotices, job.Item{Value: n}, panicked, h.Clock.Now().Add(time.Minute))
		e.heard(alarm.Notice, terminal+"/evt_early", "work on the notice panics")
		h.Clock.Advance(25 * time.Hour)
		if err := h.Engine.RetryNotice(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		e.heard(alarm.Notice, terminal+"/evt_early", "the notice is about something unknown")
		fail(engine.WorkNotices, job.Item{Value: n}, cause, time.Time{})
		e.heard(alarm.Notice, terminal+"/evt_early", "booking the notice has failed too often and is not tried again")

		fail(engine.WorkUntold, job.Item{Value: store.Untold{Shop: h.shop.ID, Payment: p.ID, Dialect: "chronicle"}}, panicked, time.Time{})
		e.heard(alarm.Event, string(p.ID)+"/chronicle", "work on an event that waits for its words panics")
		h.Engine.DueWork("", "").Unread(t.Context(), engine.WorkNotices, cause)
		e.heard(alarm.Work, engine.WorkNotices, "due work cannot be read")
	})
}

func TestANoticeThatCannotBeReadIsHeard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(nil)
		err := h.Engine.Notice(t.Context(), h.sign([]byte(`{"transaction":17}`)))
		if !errors.Is(err, engine.ErrUnreadable) {
			t.Fatal(err)
		}
		for _, a := range e.open() {
			e.heard(alarm.Notice, a.Subject, "the notice cannot be read")
		}
		if n := len(e.open()); n != 1 {
			t.Errorf("%d alarms", n)
		}
	})
}

// TestAChainThatRunsOnIsHeard has the database fail when a revoked chain is to be stopped.
func TestAChainThatRunsOnIsHeard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(nil)
		c := h.newDeposit("10.00", cardOnce)
		c.StartRecurring = true
		began := h.reach(h.execute(h.create(c).ID), payment.Completed)
		h.hook.set(func(point store.FaultPoint, writes []string) error {
			if point == store.FaultBeforeGroup && strings.Contains(fmt.Sprint(writes), "chain.stop") {
				return errInjected
			}
			return nil
		})
		p := h.create(engine.Create{Shop: h.shop, Type: payment.Deposit, Amount: amount("5.00"), Currency: "EUR",
			RecurringToken: began.RecurringToken})
		h.hook.set(nil)
		e.heard(alarm.Payment, string(p.ID), "the provider has revoked the recurring chain, and it could not be stopped")
	})
}

// TestEqualAlarmsAreOneEntry until somebody has acknowledged it.
func TestEqualAlarmsAreOneEntry(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e := h.listen(nil)
		told := alarm.Alarm{Shop: h.shop.ID, About: alarm.Payment, Subject: "1", Why: "odd", Detail: "first"}
		var at sync.WaitGroup
		for range 20 {
			at.Go(func() { h.Engine.Bell().Raise(t.Context(), told) })
		}
		at.Wait()
		told.Detail = "card 4000000000000408 \x00 \xff"
		h.Engine.Bell().Raise(t.Context(), told)
		told.Why = "odder"
		h.Engine.Bell().Raise(t.Context(), told)
		all := e.open()
		if len(all) != 2 || all[0].Times != 21 || all[0].Detail != "card 400000***0408 ? ?" || all[1].Times != 1 || all[0].Latest.Before(all[0].First) {
			t.Fatalf("%+v", all)
		}
		err := h.DB.Update(t.Context(), func(tx *store.Tx) error {
			tx.Alarms().Ack(&all[0], "Ada", "looked at")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if left := e.open(); len(left) != 1 || left[0].Why != "odder" {
			t.Errorf("left: %+v", left)
		}
		told.Why = "odd"
		h.Engine.Bell().Raise(t.Context(), told)
		if left := e.open(); len(left) != 2 {
			t.Errorf("after it happened again: %+v", left)
		}
		// A commit that nobody confirmed runs again and is one occasion.
		lost := false
		h.hook.set(func(point store.FaultPoint, writes []string) error {
			if point == store.FaultAfterCommit && !lost {
				lost = true
				return errInjected
			}
			return nil
		})
		told.Subject = "2"
		h.Engine.Bell().Raise(t.Context(), told)
		h.hook.set(nil)
		for _, a := range e.open() {
			if a.Subject == "2" && a.Times != 1 || !lost {
				t.Errorf("%+v, lost %t", a, lost)
			}
		}
	})
}
