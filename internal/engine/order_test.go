package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// newOrder is a request for a deposit that an order is kept beside.
func (h *house) newOrder(id, asked string) engine.Create {
	c := h.newDeposit("10.00", cardApproved)
	c.Reference, c.Fingerprint = id, []byte(asked)
	c.Order = &engine.Order{ID: id, Fingerprint: []byte(asked), Document: `{"asked":"` + asked + `"}`}
	return c
}

// unicodeID is an id of n characters outside ASCII that no index makes shorter.
func unicodeID(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteRune(rune(0x4e00 + (i*7919+n)%0x5000))
	}
	return b.String()
}

func TestOrdersAreMadeOnce(t *testing.T) {
	t.Parallel()
	for _, mode := range []shop.ReferenceMode{shop.ReferenceOff, shop.ReferenceWarn, shop.ReferenceOneLive, shop.ReferenceStrict} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				h := newHouse(t, d, func(s *shop.Shop) { s.Settings.ReferenceMode = mode })
				stem := unicodeID(2000)
				for _, id := range []string{"ORDER-1", stem, stem + "b"} {
					h.orderOnce(id)
				}
			})
		})
	}
}

// orderOnce makes an order and repeats it in every way.
func (h *house) orderOnce(id string) {
	h.t.Helper()
	ctx := h.t.Context()
	made, err := h.Engine.Create(ctx, h.newOrder(id, "one"))
	if err != nil || made.Replayed {
		h.t.Fatalf("order %.10s: %+v, %v", id, made, err)
	}
	same, err := h.Engine.Create(ctx, h.newOrder(id, "one"))
	if err != nil || !same.Replayed || same.Payment.ID != made.Payment.ID {
		h.t.Errorf("again: %s, replayed %t, %v", same.Payment.ID, same.Replayed, err)
	}
	var taken *engine.OrderTaken
	if _, err = h.Engine.Create(ctx, h.newOrder(id, "two")); !errors.As(err, &taken) || taken.Of != made.Payment.ID {
		h.t.Errorf("another order of that id: %v", err)
	}
	if _, err = h.Engine.Abandon(ctx, h.target(made.Payment.ID)); err != nil {
		h.t.Error(err)
	}
	if same, err = h.Engine.Create(ctx, h.newOrder(id, "one")); err != nil || !same.Replayed || same.Payment.State() != payment.Cancelled {
		h.t.Errorf("again, after its end: %s, %v", same.Payment.State(), err)
	}
	o, err := h.Records.Order(ctx, h.shop.ID, id)
	want := engine.Order{ID: id, Payment: made.Payment.ID, Fingerprint: []byte("one"), Document: `{"asked":"one"}`}
	if diff := cmp.Diff(want, o); err != nil || diff != "" {
		h.t.Errorf("%v\n%s", err, diff)
	}
	newest, err := h.Records.DepositByReference(ctx, h.shop.ID, id)
	if err != nil || newest != made.Payment.ID {
		h.t.Errorf("by reference: %q, %v", newest, err)
	}
	list, _, err := h.Records.List(ctx, payment.Filter{Shop: h.shop.ID, Reference: id, Limit: 10})
	if err != nil || len(list) != 1 || list[0].Reference != id {
		h.t.Errorf("the list has %d payments, %v", len(list), err)
	}
	other := h.NewShop(h.t, nil)
	c := h.newOrder(id, "two")
	c.Shop = other.Shop
	if o, err := h.Engine.Create(ctx, c); err != nil || o.Replayed {
		h.t.Errorf("the same id in another shop: %v", err)
	}
}

// pair is two processes where the database can have them, and otherwise one twice.
func (h *house) pair() []*engine.Engine {
	if h.DB.Kind() == store.SQLite {
		return []*engine.Engine{h.Engine, h.Engine}
	}
	return []*engine.Engine{h.Engine, h.other(func(c *engine.Config) { c.Vault = h.Engine.Config().Vault })}
}

func TestOneOrderOfManyAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.unreliable(40)
		engines := h.pair()
		for round := range rounds(t, 5) {
			const calls = 20
			id := fmt.Sprintf("order %d", round)
			var mu sync.Mutex
			made, replayed, taken := map[payment.ID]string{}, map[payment.ID]string{}, 0
			together(calls, func(i int) {
				asked := "one"
				if i%4 == 3 {
					asked = "two"
				}
				o, err := engines[i%2].Create(t.Context(), h.newOrder(id, asked))
				mu.Lock()
				defer mu.Unlock()
				var clash *engine.OrderTaken
				switch {
				case errors.As(err, &clash):
					taken++
				case err != nil:
					t.Error(err)
				case o.Replayed:
					replayed[o.Payment.ID] = asked
				default:
					made[o.Payment.ID] = asked
				}
			})
			if len(made) != 1 || len(replayed) != 1 || taken == 0 {
				t.Fatalf("made %v, replayed %v, %d taken", made, replayed, taken)
			}
			for pid, asked := range made {
				if replayed[pid] != asked {
					t.Errorf("made %v, replayed %v", made, replayed)
				}
			}
			list, _, err := h.Records.List(t.Context(), payment.Filter{Shop: h.shop.ID, Reference: id, Limit: 10})
			if err != nil || len(list) != 1 {
				t.Errorf("%d payments of one order, %v", len(list), err)
			}
		}
	})
}

func TestHistoryAgreesWithItself(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.deposit("50.00")
		stop := make(chan struct{})
		var writers, readers sync.WaitGroup
		for w := range 3 {
			writers.Go(func() {
				for i := range 12 {
					c := h.newRefund(p.ID, "0.50")
					c.Instruction = h.say("", fmt.Sprintf("%d-%d", w, i), "x").Instruction
					if _, err := h.Engine.Create(t.Context(), c); err != nil {
						t.Error(err)
					}
				}
			})
		}
		views := 0
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				hist, err := h.Engine.History(t.Context(), h.shop.ID, p.ID)
				if err != nil {
					t.Error(err)
					return
				}
				views++
				if why := tornHistory(t, &hist); why != "" {
					t.Error(why)
					return
				}
			}
		})
		writers.Wait()
		close(stop)
		readers.Wait()
		hist := h.history(p.ID)
		if why := tornHistory(t, &hist); why != "" || len(hist.Refunds) != 36 || hist.Payment.Refunded != amount("18.00") {
			t.Errorf("in the end %d refunds of %s: %s", len(hist.Refunds), hist.Payment.Refunded, why)
		}
		h.agree()
		t.Logf("%d views", views)
	})
}

// tornHistory says which parts of a deposit's history are not of one instant.
func tornHistory(t *testing.T, h *engine.History) string {
	var done, open money.Amount
	for i := range h.Refunds {
		switch r := &h.Refunds[i]; r.State() {
		case payment.Completed:
			done = plus(t, done, r.Asked.Amount)
		case payment.Pending:
			open = plus(t, open, r.Asked.Amount)
		}
	}
	p := &h.Payment
	if p.Refunded != done || p.RefundReserved != plus(t, done, open) || len(h.Instructions) != len(h.Refunds) || len(h.Log) != p.Ops {
		return fmt.Sprintf("refunded %s, reserved %s; %d refunds: %s done, %s open; %d instructions; %d of %d entries", p.Refunded,
			p.RefundReserved, len(h.Refunds), done, open, len(h.Instructions), len(h.Log), p.Ops)
	}
	if err := p.Check(h.Log); err != nil {
		return err.Error()
	}
	return ""
}

// TestRefundOnAnOldVersionNeverGoesThrough: each caller lets a deposit be refunded only while nothing was.
func TestRefundOnAnOldVersionNeverGoesThrough(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		engines := h.pair()
		changed := 0
		for range rounds(t, 5) {
			p := h.deposit("100.00")
			var mu sync.Mutex
			made := 0
			together(20, func(i int) {
				hist, err := engines[i%2].History(t.Context(), h.shop.ID, p.ID)
				if err != nil {
					t.Error(err)
					return
				}
				if len(hist.Refunds) > 0 {
					return
				}
				c := h.newRefund(p.ID, "1.00")
				c.ParentVersion = hist.Payment.Version
				_, err = engines[i%2].Create(t.Context(), c)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					made++
				case errors.Is(err, engine.ErrChanged):
					changed++
				default:
					t.Error(err)
				}
			})
			if hist := h.history(p.ID); made != 1 || len(hist.Refunds) != 1 {
				t.Errorf("%d refunds were made, there are %d", made, len(hist.Refunds))
			}
		}
		p := h.deposit("100.00")
		old := h.stored(p.ID).Version
		h.create(h.newRefund(p.ID, "1.00"))
		c := h.newRefund(p.ID, "1.00")
		c.ParentVersion, c.Instruction = old, h.say("", "on an old version", "x").Instruction
		if _, err := h.Engine.Create(t.Context(), c); !errors.Is(err, engine.ErrChanged) {
			t.Errorf("on an old version: %v", err)
		}
		if hist := h.history(p.ID); len(hist.Refunds) != 1 || len(hist.Instructions) != 0 {
			t.Errorf("%d refunds, %d instructions", len(hist.Refunds), len(hist.Instructions))
		}
		h.agree()
		t.Logf("%d came too late", changed)
	})
}

// TestLostAcknowledgementsOfOrdersAndInstructions: what was committed although nobody said so is the caller's own.
func TestLostAcknowledgementsOfOrdersAndInstructions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		lose := func(write string) {
			var once sync.Once
			h.hook.set(func(point store.FaultPoint, writes []string) (err error) {
				if point == store.FaultAfterCommit && strings.Contains(strings.Join(writes, " "), write) {
					once.Do(func() { err = errInjected })
				}
				return err
			})
		}
		lose(store.WriteOrder)
		o, err := h.Engine.Create(t.Context(), h.newOrder("lost", "one"))
		if err != nil || o.Replayed {
			t.Errorf("order: replayed %t, %v", o.Replayed, err)
		}
		for _, c := range instructedOnes {
			h.hook.set(nil)
			p := c.begin(h)
			lose(store.WriteInstruction)
			o, err := c.run(h.Engine, h, p.ID, "20.00", h.say(p.ID, "lost "+c.name, "one"))
			if err != nil || o.Replayed || o.Payment.State() == payment.Pending {
				t.Errorf("%s: %s, replayed %t, %v", c.name, o.Payment.State(), o.Replayed, err)
			}
			if hist := h.history(p.ID); len(hist.Instructions) != 1 || len(hist.Payment.Attempts)+len(hist.Refunds) != 2 {
				t.Errorf("%s: %d instructions", c.name, len(hist.Instructions))
			}
		}
		h.hook.set(nil)
		if _, err := h.Engine.Abandon(t.Context(), h.target(o.Payment.ID)); err != nil {
			t.Error(err)
		}
		h.agree()
	})
}

// TestRefundToldInManyWaysAtOnce: the deposit is moved once, and nobody who told it is turned away.
func TestRefundToldInManyWaysAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.unreliable(40)
		engines := h.pair()
		for round := range rounds(t, 10) {
			p := h.deposit("50.00")
			value, code, told, end := fmt.Sprintf("20.%02d", round), "00", approved, payment.Completed
			if round%2 == 1 {
				code, told, end = "05", declined, payment.Declined
			}
			h.scenario("refund", value, silent)
			r := h.create(h.newRefund(p.ID, value))
			r = h.stored(r.ID)
			key := r.LiveAttempt().Key
			if err := h.Simulator.Decide(key, code); err != nil {
				t.Fatal(err)
			}
			h.leap()
			posts := make([]engine.Post, 12)
			for i := range posts {
				posts[i] = h.post(fmt.Sprintf("evt_%s_%d", r.ID, i), key, value, told)
			}
			together(len(posts), func(i int) {
				if i%3 == 0 {
					if o, err := engines[i%2].Get(t.Context(), h.shop.ID, r.ID); err != nil || o.State() == payment.Declined && code == "00" {
						t.Errorf("%s, %v", o.State(), err)
					}
					return
				}
				if err := engines[i%2].Notice(t.Context(), posts[i]); err != nil {
					t.Error(err)
				}
			})
			if r = h.settleByClock(r.ID); r.State() != end {
				t.Errorf("%s, want %s", r.State(), end)
			}
		}
		h.agree()
	})
}
