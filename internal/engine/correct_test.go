package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// correction is something final about which the provider changes its mind.
type correction struct {
	name       string
	begin      func(h *house) (payment.ID, int) // the payment, and the attempt that is corrected
	to, amount string
	end        payment.State
	code       payment.ErrorCode
	captured   string
	told       int // times that merchants are told, from the beginning
}

func (h *house) captured(value, part string) payment.Payment {
	h.t.Helper()
	p := h.hold(value)
	if _, err := h.Engine.Capture(h.t.Context(), h.target(p.ID), amount(part)); err != nil {
		h.t.Fatal(err)
	}
	return h.reach(h.stored(p.ID), payment.Completed)
}

func (h *house) voided(value string) payment.Payment {
	h.t.Helper()
	p := h.hold(value)
	if _, err := h.Engine.Void(h.t.Context(), h.target(p.ID)); err != nil {
		h.t.Fatal(err)
	}
	return h.reach(h.stored(p.ID), payment.Cancelled)
}

// refusedOne is a payment whose call the provider declines.
func (h *house) refusedOne(operation string, c engine.Create) payment.Payment {
	h.t.Helper()
	h.scenario(operation, c.Amount.String(), simulator.Effect{ResponseCode: "05"})
	return h.reach(h.create(c), payment.Declined)
}

func corrections() []correction {
	first := func(begin func(h *house) payment.Payment) func(h *house) (payment.ID, int) {
		return func(h *house) (payment.ID, int) { return begin(h).ID, 1 }
	}
	second := func(begin func(h *house) payment.Payment) func(h *house) (payment.ID, int) {
		return func(h *house) (payment.ID, int) { return begin(h).ID, 2 }
	}
	return []correction{
		{"sale undone", first(func(h *house) payment.Payment { return h.deposit("70.00") }), simulator.CorrectDeclined, "", payment.Declined, "4.09", "0", 2},
		{"withdrawal returned", first(func(h *house) payment.Payment { return h.reach(h.create(h.newWithdrawal("71.00")), payment.Completed) }),
			simulator.CorrectDeclined, "", payment.Declined, "4.09", "0", 2},
		{"withdrawal done after all", first(func(h *house) payment.Payment { return h.refusedOne("payout", h.newWithdrawal("72.00")) }),
			simulator.CorrectApproved, "", payment.Completed, "", "0", 2},
		{"hold taken", first(func(h *house) payment.Payment { return h.hold("73.00") }), simulator.CorrectCaptured, "", payment.Completed, "", "73", 2},
		{"hold taken in part", first(func(h *house) payment.Payment { return h.hold("74.00") }), simulator.CorrectCaptured, "4", payment.Completed, "", "4", 2},
		{"hold released", first(func(h *house) payment.Payment { return h.hold("75.00") }), simulator.CorrectVoided, "", payment.Cancelled, "1.04", "0", 2},
		{"hold undone", first(func(h *house) payment.Payment { return h.hold("76.00") }), simulator.CorrectDeclined, "", payment.Declined, "4.09", "0", 2},
		{"captured hold undone", first(func(h *house) payment.Payment { return h.captured("77.00", "7") }), simulator.CorrectDeclined, "", payment.Declined, "4.09", "0", 3},
		{"capture undone", second(func(h *house) payment.Payment { return h.captured("78.00", "8") }), simulator.CorrectDeclined, "", payment.Authorized, "4.09", "0", 3},
		{"void undone", second(func(h *house) payment.Payment { return h.voided("79.00") }), simulator.CorrectDeclined, "", payment.Authorized, "4.09", "0", 3},
	}
}

// TestTheProviderChangesItsMind: what the notice tells is on record and moves nothing; what the query finds does, and
// merchants are told. The ledger agrees in the end.
func TestTheProviderChangesItsMind(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for _, c := range corrections() {
			id, attempt := c.begin(h)
			was := h.stored(id)
			if err := h.Simulator.Correct(was.Attempts[attempt-1].Key, c.to, c.amount); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			h.heard(c.name, id, was.Ops)
			if p := h.stored(id); p.State() != was.State() || p.Captured != was.Captured || p.Told != was.Told || p.Due.After(h.Clock.Now()) {
				t.Errorf("%s: a notice alone: %s, captured %s, told %d times, due %s", c.name, p.State(), p.Captured, p.Told, p.Due)
			}
			h.workDue(h.Engine, id)
			p := h.stored(id)
			if p.State() != c.end || p.ErrorCode != c.code || p.Captured != amount(c.captured) || p.Told != c.told || p.Live != 0 {
				t.Errorf("%s: %s (code %q), captured %s, told %d times, live %d", c.name, p.State(), p.ErrorCode, p.Captured, p.Told, p.Live)
			}
			log := h.log(id)
			if count(log, payment.OpHandleWebhook) == 0 || count(log, payment.OpCheckState) == 0 {
				t.Errorf("%s: the log has no notice or no query", c.name)
			}
			if p.State() == payment.Completed && p.Type == payment.Deposit {
				if r := h.create(h.newRefund(id, "")); r.State() != payment.Completed {
					t.Errorf("%s: refund: %s %q", c.name, r.State(), r.ErrorCode)
				}
			}
		}
		h.agree()
	})
}

// heard waits until a notice about the payment is booked.
func (h *house) heard(name string, id payment.ID, ops int) {
	h.t.Helper()
	if !eventually(func() bool { return h.stored(id).Ops > ops }) {
		h.t.Fatalf("%s: no notice is booked", name)
	}
}

// TestRefundThatChanges: the deposit's money follows what is found about its refund.
func TestRefundThatChanges(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		d := h.deposit("81.00")
		r := h.reach(h.create(h.newRefund(d.ID, "30.00")), payment.Completed)
		for i, to := range []string{simulator.CorrectDeclined, simulator.CorrectApproved, simulator.CorrectDeclined} {
			was := h.stored(r.ID)
			if err := h.Simulator.Correct(r.Attempts[0].Key, to, ""); err != nil {
				t.Fatal(err)
			}
			h.heard(to, r.ID, was.Ops)
			h.workDue(h.Engine, r.ID)
			end, sum := payment.Completed, amount("30")
			if to == simulator.CorrectDeclined {
				end, sum = payment.Declined, money.Amount{}
			}
			now, of := h.stored(r.ID), h.stored(d.ID)
			if now.State() != end || of.Refunded != sum || of.RefundReserved != sum || of.State() != payment.Completed || now.Told != i+2 {
				t.Errorf("%s: refund %s, deposit refunded %s of reserved %s, told %d times", to, now.State(), of.Refunded, of.RefundReserved, now.Told)
			}
		}
		h.reach(h.create(h.newRefund(d.ID, "")), payment.Completed)
		h.agree()
	})
}

// oracle is the sandbox connector whose status queries a test answers.
type oracle struct {
	*sandbox.Sandbox
	says *sync.Map // by key of the attempt
}

func (o *oracle) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if f, ok := o.says.Load(ref.Key); ok {
		return f.(payment.Fact), nil
	}
	return o.Sandbox.Status(ctx, ref)
}

func (o *oracle) Fence(context.Context, connector.Ref) (payment.Fact, error) {
	return payment.Fact{Class: payment.ClassRejected}, nil // it closes whatever it is asked to
}

type oracleConfig struct {
	connector.Config
	says *sync.Map
}

func (c oracleConfig) Open(d connector.Deps) (connector.Connector, error) {
	inner, err := c.Config.Open(d)
	if err != nil {
		return nil, err
	}
	return &oracle{inner.(*sandbox.Sandbox), c.says}, nil
}

// oracular is an engine whose provider says about attempts what the test stores, and its log.
func (h *house) oracular() (*engine.Engine, *sync.Map, *journal) {
	says, j := &sync.Map{}, &journal{}
	inner := sandbox.Type()
	parse := inner.Parse
	inner.Parse = func(raw json.RawMessage) (connector.Config, error) {
		c, err := parse(raw)
		return oracleConfig{c, says}, err
	}
	e := h.other(func(c *engine.Config) {
		c.Connectors, c.Log = []connector.Type{inner}, slog.New(slog.NewTextHandler(j, nil))
	})
	return e, says, j
}

// TestWhatStandsIsNotMoved: with a refund standing, or without room for one, the fact is on record and a human is told.
func TestWhatStandsIsNotMoved(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e, says, j := h.oracular()
		paid := h.deposit("82.00")
		h.reach(h.create(h.newRefund(paid.ID, "2.00")), payment.Completed)
		says.Store(paid.Attempts[0].Key, payment.Fact{Class: payment.ClassDeclinedHard, Code: "4.09"})
		if err := e.Notice(t.Context(), h.post("evt_undone", paid.Attempts[0].Key, "82.00", undone)); err != nil {
			t.Fatal(err)
		}
		h.workDue(e, paid.ID)
		if p := h.stored(paid.ID); p.State() != payment.Completed || p.Captured != amount("82") || !p.Due.IsZero() {
			t.Errorf("with a refund standing: %s, captured %s, due %s", p.State(), p.Captured, p.Due)
		}
		if !j.has("confirms DECLINED_HARD for an attempt that was settled as APPROVED: a human has to look") {
			t.Error("no alarm")
		}

		whole := h.deposit("83.00")
		failed := h.refusedOne("refund", h.newRefund(whole.ID, "50.00"))
		h.reach(h.create(h.newRefund(whole.ID, "40.00")), payment.Completed)
		says.Store(failed.Attempts[0].Key, payment.Fact{Class: payment.ClassApproved})
		if err := e.Notice(t.Context(), h.post("evt_done", failed.Attempts[0].Key, "50.00", approved)); err != nil {
			t.Fatal(err)
		}
		h.workDue(e, failed.ID)
		of, r := h.stored(whole.ID), h.stored(failed.ID)
		if r.State() != payment.Declined || of.Refunded != amount("40") || of.RefundReserved != amount("40") || !r.Due.IsZero() {
			t.Errorf("without room: refund %s, deposit refunded %s, reserved %s", r.State(), of.Refunded, of.RefundReserved)
		}
		if !j.has("confirms success for an attempt that was settled as DECLINED_SOFT: a human has to look") {
			t.Error("no alarm")
		}
		h.agree()
	})
}

// TestWhatIsNotConfirmedIsAskedAboutAFewTimes: nothing of a settled attempt is closed at the provider, and what contradicts
// again and again is asked about a bounded number of times.
func TestWhatIsNotConfirmedIsAskedAboutAFewTimes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e, says, _ := h.oracular()
		p := h.deposit("84.00")
		key := p.Attempts[0].Key
		for i := range 40 {
			switch i {
			case 3:
				says.Store(key, payment.Fact{Class: payment.ClassUnknown, NotFound: true})
			case 4:
				says.Delete(key)
			}
			if err := e.Notice(t.Context(), h.post(fmt.Sprintf("evt_%d", i), key, "84.00", undone)); err != nil {
				t.Fatal(err)
			}
			h.workDue(e, p.ID)
			if now := h.stored(p.ID); now.State() != payment.Completed || (i == 3) == now.Due.IsZero() {
				t.Fatalf("notice %d: %s, due %s", i, now.State(), now.Due)
			}
		}
		log := h.log(p.ID)
		if n := count(log, payment.OpCheckState); n < 3 || n > 20 || count(log, payment.OpHandleWebhook) != 40 {
			t.Errorf("asked %d times about %d notices", n, count(log, payment.OpHandleWebhook))
		}
		h.agree()
	})
}

// TestRollbackOfAFailedDepositBinds: money that turns out to have been paid afterwards goes back, whatever the shop says
// of late success.
func TestRollbackOfAFailedDepositBinds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.HonourLateSuccess = true })
		for _, rolled := range []bool{true, false} {
			p := h.execute(h.create(h.newDeposit("85.00", cardDeclined)).ID)
			if rolled {
				h.abandon(p.ID)
			}
			was := h.stored(p.ID)
			if err := h.Simulator.Correct(p.Attempts[0].Key, simulator.CorrectApproved, ""); err != nil {
				t.Fatal(err)
			}
			h.heard("late success", p.ID, was.Ops)
			h.workDue(h.Engine, p.ID)
			end, refunds := payment.Completed, 0
			if rolled {
				end, refunds = payment.Declined, 1
			}
			m := h.books()[p.ID]
			if now := h.stored(p.ID); now.State() != end || len(m.captured) != 1 || len(m.refunded) != refunds {
				t.Errorf("rolled back %t: %s, the ledger has %+v", rolled, now.State(), m)
			}
		}
	})
}

// eventually waits for what another goroutine brings about.
func eventually(done func() bool) bool {
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		if done() {
			return true
		}
	}
	return false
}
