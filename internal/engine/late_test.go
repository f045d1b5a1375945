package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/inbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// inFlight is how long the provider of these tests claims that a request can be under way. It is not true.
const inFlight = time.Second

// unfenced is the sandbox connector without the way to close an attempt, and with a wrong idea of time: what looks
// like never booked may still come.
type unfenced struct {
	connector.Connector
	connector.Capturer
	connector.Voider
	connector.Refunder
	connector.Payer
	connector.Notifier
	bound func(context.Context) (context.Context, context.CancelFunc) // of each deposit
}

func (u unfenced) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	ctx, cancel := u.bound(ctx)
	defer cancel()
	return u.Connector.Start(ctx, r)
}

func (u unfenced) Traits() connector.Traits {
	traits := u.Connector.Traits()
	traits.MaxInFlight = inFlight
	return traits
}

type unfencedConfig struct {
	connector.Config
	h *house
}

func (c unfencedConfig) Open(d connector.Deps) (connector.Connector, error) {
	inner, err := c.Config.Open(d)
	if err != nil {
		return nil, err
	}
	s := inner.(*sandbox.Sandbox)
	return unfenced{s, s, s, s, s, s, c.h.untilHeld}, nil
}

func (h *house) unfencedType() connector.Type {
	inner := sandbox.Type()
	parse := inner.Parse
	inner.Parse = func(raw json.RawMessage) (connector.Config, error) {
		c, err := parse(raw)
		return unfencedConfig{c, h}, err
	}
	return inner
}

// journal is a log that a test reads.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// has waits a little: a commit comes before its line in the log.
func (j *journal) has(text string) bool {
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		j.mu.Lock()
		found := strings.Contains(j.text.String(), text)
		j.mu.Unlock()
		if found {
			return true
		}
	}
	return false
}

// trusting is an engine that believes too early that nothing was booked, with an address for notices of its own. Its
// deposits are given up as soon as they have arrived at a provider that holds them: one at a time.
func (h *house) trusting() (*engine.Engine, *journal) {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	h.t.Cleanup(server.Close)
	j := &journal{}
	e := h.other(func(c *engine.Config) {
		c.Connectors, c.PublicURL, c.Vault = []connector.Type{h.unfencedType()}, server.URL, h.Engine.Config().Vault
		c.Log = slog.New(slog.NewTextHandler(j, nil))
	})
	inbound.New(e, h.Log, h.Clock.Now).Mount(mux)
	return e, j
}

// lateBooking executes a deposit that the provider books at the next Release, when we believe already that it never will.
func (h *house) lateBooking(e *engine.Engine, c engine.Create) payment.Payment {
	h.t.Helper()
	p := h.create(c)
	h.effect("payment", p.ID, simulator.Effect{Fault: simulator.FaultHang, Stage: simulator.StageLate, DelayMs: testkit.Held, Notice: simulator.NoticeAlways})
	if o, err := e.Execute(h.t.Context(), engine.Execute{Target: h.target(p.ID)}); err != nil || o.Payment.State() != payment.Pending {
		h.t.Fatalf("%s %v", o.Payment.State(), err)
	}
	for range 3 {
		h.Clock.Advance(inFlight + rung(4))
		if err := e.Work(h.t.Context(), h.shop.ID, p.ID); err != nil {
			h.t.Fatal(err)
		}
	}
	if p = h.stored(p.ID); p.State() != payment.Declined || p.ErrorCode != payment.CodeCommunication {
		h.t.Fatalf("%s %q, want DECLINED: it looks as if nothing was booked", p.State(), p.ErrorCode)
	}
	return p
}

// booked waits until the provider has done something for the payment.
func (h *house) booked(id payment.ID, done func(*moves) bool) *moves {
	h.t.Helper()
	h.untilWorked(h.Engine, id, func(p *payment.Payment) bool {
		m := h.books()[id]
		return m != nil && done(m) && p.Live == 0
	})
	return h.books()[id]
}

func TestLateSuccessIsGivenBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e, j := h.trusting()
		sale := h.lateBooking(e, h.newDeposit("51.00", cardApproved))
		hold := h.lateBooking(e, h.preAuth("52.00"))
		h.Release()
		var running sync.WaitGroup
		running.Go(func() {
			p := &sale
			m := h.booked(p.ID, func(m *moves) bool { return len(m.refunded) > 0 })
			if len(m.captured) != 1 || len(m.refunded) != 1 || m.refunded[0].Amount != m.captured[0].Amount {
				t.Errorf("sale: %+v", m)
			}
			h.closedAgain(p.ID, payment.OpRefund)
		})
		running.Go(func() {
			p := &hold
			m := h.booked(p.ID, func(m *moves) bool { return len(m.voided) > 0 })
			if len(m.held) != 1 || len(m.voided) != 1 || len(m.captured) != 0 {
				t.Errorf("hold: %+v", m)
			}
			h.closedAgain(p.ID, payment.OpVoid)
		})
		running.Wait()
		if !j.has("reports success for an attempt that was settled as REJECTED") {
			t.Error("no alarm")
		}
	})
}

// closedAgain checks how a payment looks whose late success was given back.
func (h *house) closedAgain(id payment.ID, op payment.OperationKind) {
	h.t.Helper()
	p, log := h.stored(id), h.log(id)
	last := log[len(log)-1]
	if p.State() != payment.Declined || p.Told != 1 || last.Kind != op || last.State != payment.Declined || last.Completed.IsZero() {
		h.t.Errorf("%s, told %d times, at last %s:%s", p.State(), p.Told, last.Kind, last.State)
	}
	if before := log[len(log)-2]; before.Kind != payment.OpCheckState || before.State != payment.Declined {
		h.t.Errorf("before it %s:%s", before.Kind, before.State)
	}
	if count(log, payment.OpHandleWebhook) != 1 {
		h.t.Error("the notice is not in the log")
	}
	if len(h.parked()) != 0 {
		h.t.Error("a human has to look")
	}
}

func TestLateSuccessIsHonouredWhereTheShopWants(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.HonourLateSuccess = true })
		e, j := h.trusting()
		p := h.lateBooking(e, h.newDeposit("53.00", cardApproved))
		h.Release()
		p = h.untilWorked(h.Engine, p.ID, func(p *payment.Payment) bool { return p.State() == payment.Completed })
		if p.Told != 2 || p.ErrorCode != "" || p.Captured != amount("53.00") {
			t.Errorf("told %d times, code %q, captured %s", p.Told, p.ErrorCode, p.Captured)
		}
		if !j.has("reports success for an attempt that was settled as REJECTED") {
			t.Error("no alarm")
		}
		// Told again, and by an engine that has not seen it: nothing new.
		if err := h.Engine.Notice(t.Context(), h.post("evt_again", p.Attempts[0].Key, "53.00", approved)); err != nil {
			t.Fatal(err)
		}
		if r := h.create(h.newRefund(p.ID, "")); r.State() != payment.Completed {
			t.Errorf("refund: %s", r.State())
		}
		h.agree()
	})
}

func TestLateSuccessToldTwiceAtOnceIsGivenBackOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		engines := []*engine.Engine{h.Engine, h.other(nil)}
		for range rounds(t, 5) {
			p := h.cancelledByHand("54.00")
			if err := h.Simulator.Decide(p.Attempts[0].Key, "00"); err != nil {
				t.Fatal(err)
			}
			posts := make([]engine.Post, 20)
			for i := range posts {
				posts[i] = h.post("evt_"+string(p.ID)+string(rune('a'+i/2)), p.Attempts[0].Key, "54.00", approved)
			}
			together(len(posts), func(i int) {
				if err := engines[i%2].Notice(t.Context(), posts[i]); err != nil {
					t.Error(err)
				}
			})
			m := h.booked(p.ID, func(m *moves) bool { return len(m.refunded) > 0 })
			if p = h.stored(p.ID); len(m.captured) != 1 || len(m.refunded) != 1 || p.State() != payment.Cancelled || p.Tries != 2 {
				t.Errorf("%s, %d attempts, the ledger has %+v", p.State(), p.Tries, m)
			}
		}
	})
}

// cancelledByHand is a deposit that is open at the provider and that an operator has given up.
func (h *house) cancelledByHand(value string) payment.Payment {
	h.t.Helper()
	p := h.create(h.newDeposit(value, cardApproved))
	h.effect("payment", p.ID, silent)
	p = h.execute(p.ID)
	if _, done, err := h.Engine.ManualUpdate(h.t.Context(), h.update(p.ID, payment.Cancelled)); err != nil || !done {
		h.t.Fatal(done, err)
	}
	return h.stored(p.ID)
}

func (h *house) update(id payment.ID, to payment.State) store.ManualUpdate {
	return store.ManualUpdate{Shop: h.shop.ID, Payment: id, To: to, Reason: "seen at the bank", AskedBy: "ann"}
}

func TestGivingBackIsTriedUntilItIsDone(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]simulator.Effect{
		"dropped": {Fault: simulator.FaultDrop, Stage: before}, "away": {Fault: simulator.FaultServerError, Stage: before},
		"too many": {Fault: simulator.FaultRateLimited}, "done, no answer": {Fault: simulator.FaultDrop},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, h *house) {
				p := h.cancelledByHand("55.00")
				for range 3 {
					h.effect("refund", p.ID, effect)
				}
				if err := h.Simulator.Decide(p.Attempts[0].Key, "00"); err != nil {
					t.Fatal(err)
				}
				if err := h.Engine.Notice(t.Context(), h.post("evt_late", p.Attempts[0].Key, "55.00", approved)); err != nil {
					t.Fatal(err)
				}
				h.workDue(h.Engine, p.ID)
				if now := h.stored(p.ID); now.Live != 2 || now.Tries != 2 || !now.Due.After(h.Clock.Now()) {
					t.Errorf("attempt %d of %d is live, due %s: the ladder's wait is not kept", now.Live, now.Tries, now.Due)
				}
				for range 12 {
					if p = h.stored(p.ID); p.Due.IsZero() {
						break
					}
					h.Clock.Advance(p.Due.Sub(h.Clock.Now()))
					if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
						t.Fatal(err)
					}
				}
				m := h.books()[p.ID]
				if p.State() != payment.Cancelled || p.Live != 0 || len(m.refunded) != 1 || len(h.parked()) != 0 {
					t.Errorf("%s, live %d, the ledger has %+v, parked %v", p.State(), p.Live, m, h.parked())
				}
			})
		})
	}
}

func TestWhatCannotBeGivenBackWaitsForAHuman(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.cancelledByHand("56.00")
		if err := h.Simulator.Decide(p.Attempts[0].Key, "00"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Simulator.AddScenario(simulator.Scenario{
			Match: simulator.Match{Operation: "refund"}, Effect: simulator.Effect{Fault: simulator.FaultRejected},
		}); err != nil {
			t.Fatal(err)
		}
		if err := h.Engine.Notice(t.Context(), h.post("evt_late", p.Attempts[0].Key, "56.00", approved)); err != nil {
			t.Fatal(err)
		}
		for p = h.stored(p.ID); !p.Due.IsZero(); p = h.stored(p.ID) {
			h.Clock.Advance(p.Due.Sub(h.Clock.Now()))
			if err := h.Engine.Work(t.Context(), h.shop.ID, p.ID); err != nil {
				t.Fatal(err)
			}
			if p.Tries > 20 {
				t.Fatal("it is tried for ever")
			}
		}
		if parked := h.parked(); p.State() != payment.Cancelled || len(parked) != 1 || parked[0].ID != p.ID {
			t.Fatalf("%s after %d attempts, parked %v", p.State(), p.Tries, parked)
		}
		// A human decides that the money stays.
		if _, done, err := h.Engine.ManualUpdate(t.Context(), h.update(p.ID, payment.Completed)); err != nil || !done {
			t.Fatal(done, err)
		}
		if len(h.parked()) != 0 {
			t.Error("still parked")
		}
		h.agree()
	})
}

func TestDoubtfulLateSuccessIsNeitherHonouredNorGivenBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := newHouse(t, d, func(s *shop.Shop) { s.Settings.HonourLateSuccess = true })
		p := h.cancelledByHand("57.00")
		for i, value := range []string{"57.01", "5700", "0.57"} {
			if err := h.Engine.Notice(t.Context(), h.post("evt_"+string(rune('a'+i)), p.Attempts[0].Key, value, approved)); err != nil {
				t.Fatal(err)
			}
			if now := h.stored(p.ID); now.State() != payment.Cancelled || now.Tries != 1 {
				t.Errorf("%s: %s, %d attempts", value, now.State(), now.Tries)
			}
		}
	})
}

func TestStaleHoldAfterAVoidIsOldNews(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.hold("58.00")
		if _, err := h.Engine.Void(t.Context(), h.target(p.ID)); err != nil {
			t.Fatal(err)
		}
		if err := h.Engine.Notice(t.Context(), h.post("evt_stale", p.Attempts[0].Key, "58.00", authorized)); err != nil {
			t.Fatal(err)
		}
		if p = h.stored(p.ID); p.State() != payment.Cancelled || p.Tries != 2 {
			t.Errorf("%s, %d attempts", p.State(), p.Tries)
		}
		h.agree()
	})
}
