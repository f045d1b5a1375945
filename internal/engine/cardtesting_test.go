package engine_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// cardBroken is one whose bank does not work.
const cardBroken = "4000000000000119"

// guarded is a house whose shop slows card testing, and a count of the calls that may charge a card.
func guarded(t *testing.T, d *storetest.Database, edit func(*shop.CardTesting)) (*house, *ear, *atomic.Int64) {
	t.Helper()
	h := newHouse(t, d, func(s *shop.Shop) {
		s.Settings.CardTesting = shop.Defaults(true).CardTesting
		if edit != nil {
			edit(&s.Settings.CardTesting)
		}
	})
	var charges atomic.Int64
	e := h.listen(func(c *engine.Config) {
		c.Connectors = wrapped(func(call string) error {
			if call == "start" {
				charges.Add(1)
			}
			return nil
		})
	})
	return h, e, &charges
}

// pays is a deposit paid on the page with that card, from that address.
func (h *house) pays(number, from string) (payment.Payment, error) {
	h.t.Helper()
	c := h.newDeposit("10.00", number)
	card := c.Means
	c.Means, c.Method = nil, payment.BasicCard
	return h.paysFor(h.create(c).ID, card, from)
}

func (h *house) paysFor(id payment.ID, card instrument.Means, from string) (payment.Payment, error) {
	h.t.Helper()
	x := engine.Execute{Target: h.target(id), Hosted: true, Means: card}
	if from != "" {
		x.From = netip.MustParseAddr(from)
	}
	o, err := h.Engine.Execute(h.t.Context(), x)
	return o.Payment, err
}

// declines has the card declined so often.
func (h *house) declines(number, from string, times int) {
	h.t.Helper()
	for range times {
		if p, err := h.pays(number, from); err != nil || p.State() != payment.Declined {
			h.t.Fatalf("%s %v", p.State(), err)
		}
	}
}

// isSlowed checks that a card is not tried, and returns when to come again.
func isSlowed(t testing.TB, err error) time.Duration {
	t.Helper()
	slowed := new(engine.Slowed)
	if !errors.As(err, &slowed) {
		t.Fatalf("got %v, want *Slowed", err)
	}
	return slowed.After
}

// slowedBy is how often the metric has counted a rule.
func (h *house) slowedBy(rule string) (n int) {
	h.t.Helper()
	var page bytes.Buffer
	if err := h.Engine.Config().Metrics.WriteText(&page); err != nil {
		h.t.Fatal(err)
	}
	for line := range strings.Lines(page.String()) {
		if count, ok := strings.CutPrefix(line, `sluice_cards_slowed_total{rule="`+rule+`"} `); ok {
			if _, err := fmt.Sscan(count, &n); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	return n
}

func TestACardThatIsDeclinedAgainAndAgainIsNotTried(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h, ear, charges := guarded(t, d, nil)
		for n := range 5 {
			h.declines(cardDeclined, fmt.Sprintf("198.51.100.%d", n), 1)
		}
		before := charges.Load()
		p := h.stored(h.create(h.newDeposit("10.00", cardDeclined)).ID)
		for range 10 {
			_, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
			if after := isSlowed(t, err); after <= 23*time.Hour || after > 24*time.Hour {
				t.Errorf("come again after %s", after)
			}
		}
		if now := h.stored(p.ID); now.Version != p.Version || now.State() != payment.Checkout || now.Ops != p.Ops || len(now.Attempts) != 0 {
			t.Errorf("the payment has changed: %+v", now)
		}
		if charges.Load() != before || h.slowedBy("card") != 10 {
			t.Errorf("%d calls, the metric says %d", charges.Load()-before, h.slowedBy("card"))
		}
		told := ear.heard(alarm.Shop, string(h.shop.ID), "strangers seem to try numbers of cards on the shop: card payments are refused for a time")
		if told.Times != 1 || len(ear.open()) != 1 {
			t.Errorf("told %d times, in %d entries", told.Times, len(ear.open()))
		}
		paid, err := h.paysFor(p.ID, cardOf(t, cardApproved), "")
		if err != nil || paid.State() != payment.Completed {
			t.Errorf("with another card: %s %v", paid.State(), err)
		}
		later := h.create(h.newDeposit("10.00", cardDeclined))
		h.Clock.Advance(23 * time.Hour)
		h.Clock.Advance(61 * time.Minute)
		if p, err := h.pays(cardDeclined, ""); err != nil || p.State() != payment.Declined {
			t.Errorf("a day later: %s %v", p.State(), err)
		}
		h.workByClock(later.ID)
		h.agree()
	})
}

// TestCardsAreCountedUnderAKey: what is remembered of a card says nothing to whoever has not the keys of the installation.
func TestCardsAreCountedUnderAKey(t *testing.T) {
	t.Parallel()
	h, _, _ := guarded(t, storetest.New(t, store.SQLite), func(c *shop.CardTesting) { c.CardAddressDeclines = 0 })
	h.declines(cardDeclined, "", 5)
	_, err := h.pays(cardDeclined, "")
	isSlowed(t, err)
	others, err := vault.NewKeyring(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h.Engine = h.Engine.With(func(c *engine.Config) { c.Keys = others })
	if p, err := h.pays(cardDeclined, ""); err != nil || p.State() != payment.Declined {
		t.Errorf("under other keys it is known: %s %v", p.State(), err)
	}
}

// TestEveryWayInForACardIsGuarded: whichever way a blocked card comes, no provider sees it; what has no customer goes on.
func TestEveryWayInForACardIsGuarded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h, _, charges := guarded(t, d, func(c *shop.CardTesting) { c.CardAddressDeclines = 0 })
		c := h.newDeposit("10.00", cardOnce)
		c.StartRecurring = true
		first := h.reach(h.execute(h.create(c).ID), payment.Completed)
		out := &wayOut{}
		out.shut.Store(true)
		between := h.create(h.newDeposit("10.00", cardOnce))
		keep := h.Engine
		h.Engine = h.byWay(out) // of this house: it has the card
		if p := h.execute(between.ID); !p.BetweenTries() {
			t.Fatalf("%s", p.State())
		}
		h.Engine = keep
		refuse := func(f payment.Fact) payment.Fact {
			return payment.Fact{Class: payment.ClassDeclinedHard, Code: "4.06", RawCode: "41"}
		}
		h.meddled(func(call string, f payment.Fact) payment.Fact {
			if call == "start" {
				charges.Add(1)
				return refuse(f)
			}
			return f
		})
		h.declines(cardOnce, "", 5)
		before := charges.Load()
		open := engine.Create{Shop: h.shop, Type: payment.Deposit, Amount: amount("10.00"), Currency: "EUR"}
		byCard, verified, held := open, open, h.newDeposit("10.00", cardOnce)
		byCard.Method = payment.BasicCard
		verified.Amount, verified.PreAuth, verified.Method, verified.Terms.Verify = amount("0"), true, payment.BasicCard, true
		recurring, preAuth := byCard, byCard
		recurring.StartRecurring, preAuth.PreAuth = true, true
		for name, c := range map[string]engine.Create{
			"open": open, "by card": byCard, "verification": verified, "chain": recurring, "hold": preAuth,
		} {
			p := h.stored(h.create(c).ID)
			_, err := h.paysFor(p.ID, cardOf(t, cardOnce), "198.51.100.7")
			isSlowed(t, err)
			if now := h.stored(p.ID); now.Version != p.Version {
				t.Errorf("%s: it has changed", name)
			}
		}
		p := h.create(held)
		_, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID)})
		isSlowed(t, err)
		_, err = h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Hosted: true})
		isSlowed(t, err)
		_, err = h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(between.ID)})
		isSlowed(t, err)
		if charges.Load() != before {
			t.Errorf("%d calls", charges.Load()-before)
		}

		h.meddled(func(_ string, f payment.Fact) payment.Fact { return f })
		follow := open
		follow.RecurringToken = first.RecurringToken
		for range 12 {
			if p := h.create(follow); p.State() != payment.Declined { // as the bank has it
				t.Errorf("a charge without the customer: %s", p.State())
			}
		}
		payout := h.newWithdrawal("3.00")
		payout.Means = cardOf(t, cardOnce)
		h.reach(h.create(payout), payment.Completed)
		h.reach(h.create(h.newRefund(first.ID, "1.00")), payment.Completed)
	})
}

// meddled has the engine of the house work with those answers of its provider. What it has counted stays.
func (h *house) meddled(change func(call string, f payment.Fact) payment.Fact) {
	h.t.Helper()
	h.Engine = h.Engine.With(func(c *engine.Config) { c.Connectors = meddling(change) })
}

func TestAnAnsweredTryIsAnsweredAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h, _, _ := guarded(t, d, nil)
		h.declines(cardDeclined, "", 4)
		x := engine.Execute{Target: h.target(h.create(h.newDeposit("10.00", cardDeclined)).ID)}
		x.Idem = key("PATCH", "once", "the fifth")
		for n := range 3 {
			o, err := h.Engine.Execute(t.Context(), x)
			if err != nil || o.Payment.State() != payment.Declined || o.Replayed != (n > 0) {
				t.Errorf("%d: %s %t %v", n, o.Payment.State(), o.Replayed, err)
			}
		}
		_, err := h.pays(cardDeclined, "")
		isSlowed(t, err)
		if o, err := h.Engine.Execute(t.Context(), x); err != nil || !o.Replayed {
			t.Errorf("%+v %v", o, err)
		}
	})
}

// TestOnlyDeclinesCount: neither our own trouble nor the provider's makes a card suspicious.
func TestOnlyDeclinesCount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h, _, _ := guarded(t, d, nil)
		const from = "198.51.100.1"
		for range 12 {
			if p, err := h.pays(cardBroken, from); err != nil || p.State() != payment.Declined {
				t.Fatalf("%s %v", p.State(), err)
			}
		}
		out := &wayOut{}
		out.shut.Store(true)
		keep := h.Engine
		h.Engine = h.Engine.With(func(c *engine.Config) { c.Client = h.byWay(out).Config().Client })
		p := h.create(h.newDeposit("10.00", cardApproved))
		for range 12 {
			if now, err := h.paysFor(p.ID, nil, from); err != nil || !now.BetweenTries() {
				t.Fatalf("%s %v", now.State(), err)
			}
		}
		h.Engine = keep
		for range 12 { // not to be known
			h.meddled(func(string, payment.Fact) payment.Fact { return payment.Fact{Class: payment.ClassUnknown} })
			if now, err := h.pays(cardApproved, from); err != nil || now.State() != payment.Pending {
				t.Fatalf("%s %v", now.State(), err)
			}
		}
		for range 12 { // no charge
			if _, err := h.paysFor(h.create(engine.Create{Shop: h.shop, Type: payment.Deposit, Currency: "EUR"}).ID, cardOf(t, cardApproved), from); err == nil {
				t.Fatal("paid nothing")
			}
		}
		h.meddled(func(_ string, f payment.Fact) payment.Fact { return f })
		if now, err := h.paysFor(p.ID, nil, from); err != nil || now.State() != payment.Completed {
			t.Errorf("%s %v", now.State(), err)
		}
	})
}

func TestADeclineAfterTheBankCounts(t *testing.T) {
	t.Parallel()
	for name, learn := range map[string]func(h *house, p payment.Payment){
		"by a notice": func(h *house, p payment.Payment) {
			if err := h.Engine.Notice(h.t.Context(), h.post("evt-"+string(p.ID), p.LiveAttempt().Key, "10.00", declined)); err != nil {
				h.t.Fatal(err)
			}
		},
		"by a query": func(h *house, p payment.Payment) {
			h.meddled(func(call string, f payment.Fact) payment.Fact {
				if call == "status" {
					return payment.Fact{Class: payment.ClassDeclinedHard, Code: "5.00"}
				}
				return f
			})
			if _, err := h.Engine.Return(h.t.Context(), h.target(p.ID), nil); err != nil {
				h.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				h, _, _ := guarded(t, d, nil)
				for range 3 {
					p, err := h.pays(cardChallenge, "2001:db8::1")
					if err != nil || p.State() != payment.Pending {
						t.Fatalf("%s %v", p.State(), err)
					}
					learn(h, p)
					if now := h.stored(p.ID); now.State() != payment.Declined {
						t.Fatalf("%s", now.State())
					}
				}
				_, err := h.pays(cardChallenge, "2001:db8::2")
				isSlowed(t, err)
				if p, err := h.pays(cardApproved, "2001:db8::2"); err != nil || p.State() != payment.Completed {
					t.Errorf("another card: %s %v", p.State(), err)
				}
				if h.slowedBy("card_address") != 1 {
					t.Error("the metric has not counted it")
				}
			})
		})
	}
}

func TestAnUnusualShareOfDeclinesIsHeard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h, ear, _ := guarded(t, d, func(c *shop.CardTesting) { c.AlarmFrom, c.CardDeclines = 10, 0 })
		for range 4 {
			h.deposit("10.00")
		}
		h.declines(cardDeclined, "", 5)
		if len(ear.open()) != 0 {
			t.Errorf("told too early: %+v", ear.open())
		}
		h.declines(cardDeclined, "", 3)
		told := ear.heard(alarm.Shop, string(h.shop.ID), "providers decline an unusual share of the shop's card payments")
		if told.Times != 1 || !strings.HasPrefix(told.Detail, "6 of 10 in") {
			t.Errorf("%+v", told)
		}
	})
}

func TestCardTestingIsNotSlowedInATestShop(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) { h.declines(cardDeclined, "198.51.100.1", 15) })
}

// TestManyTriesOfOneCardAtOnce: those that come before the first answer are bounded too.
func TestManyTriesOfOneCardAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h, _, charges := guarded(t, d, nil)
		ids := make([]payment.ID, 30)
		for i := range ids {
			ids[i] = h.create(h.newDeposit("10.00", cardDeclined)).ID
		}
		var slow atomic.Int64
		together(len(ids), func(i int) {
			_, err := h.Engine.Execute(context.WithoutCancel(t.Context()), engine.Execute{Target: h.target(ids[i])})
			if err != nil {
				isSlowed(t, err)
				slow.Add(1)
			}
		})
		if charges.Load() > 5 || charges.Load()+slow.Load() != int64(len(ids)) {
			t.Errorf("%d calls, %d were refused", charges.Load(), slow.Load())
		}
		for _, id := range ids {
			if p := h.stored(id); p.State() == payment.Checkout {
				h.workByClock(id)
			}
		}
		h.agree()
	})
}

// rangeCard is one of many cards of one range.
func rangeCard(n int) string {
	digits := fmt.Sprintf("40000000%07d", n)
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d = 2*d%10 + d/5
		}
		sum += d
	}
	return digits + fmt.Sprint((10-sum%10)%10)
}

// TestAWaveOfCardsOfOneRange: other cards of one range, each for a payment of its own, all before the provider answers the
// first one.
func TestAWaveOfCardsOfOneRange(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h, _, _ := guarded(t, d, nil)
		const wave = 60
		var charges, slow atomic.Int64
		all := make(chan struct{})
		arrives := func(n *atomic.Int64) {
			if n.Add(1); charges.Load()+slow.Load() == wave {
				close(all)
			}
		}
		var counting sync.Mutex
		h.meddled(func(call string, f payment.Fact) payment.Fact {
			if call != "start" {
				return f
			}
			counting.Lock()
			arrives(&charges)
			counting.Unlock()
			<-all
			return payment.Fact{Class: payment.ClassDeclinedHard, Code: "4.01", RawCode: "51"}
		})
		var ids [wave]payment.ID
		for i := range ids {
			ids[i] = h.create(h.newDeposit("10.00", rangeCard(i))).ID
		}
		together(wave, func(i int) {
			o, err := h.Engine.Execute(context.WithoutCancel(t.Context()), engine.Execute{Target: h.target(ids[i])})
			switch {
			case err == nil && o.Payment.State() == payment.Declined:
			case err == nil:
				t.Errorf("%s", o.Payment.State())
			default:
				if after := isSlowed(t, err); after != 5*time.Second {
					t.Errorf("come again after %s", after)
				}
				counting.Lock()
				arrives(&slow)
				counting.Unlock()
			}
		})
		if charges.Load() != 32 || h.slowedBy("bin") != wave-32 {
			t.Errorf("%d of %d cards were tried, the metric says that %d were not", charges.Load(), wave, h.slowedBy("bin"))
		}
		_, err := h.pays(rangeCard(wave), "")
		if after := isSlowed(t, err); after < 9*time.Minute {
			t.Errorf("after the wave: come again after %s", after)
		}
		if p, err := h.pays("5555000000000107", ""); err != nil {
			t.Errorf("a card of another range: %s %v", p.State(), err)
		}
	})
}

// BenchmarkCardPayment is a card payment, created and executed, in a shop that slows card testing and in one that does not.
func BenchmarkCardPayment(b *testing.B) {
	for _, on := range []bool{false, true} {
		b.Run(fmt.Sprintf("guarded=%t", on), func(b *testing.B) {
			db := storetest.New(b, store.SQLite)
			h := newHouse(b, db, func(s *shop.Shop) { s.Settings.CardTesting.On = on })
			h.Engine = h.Engine.With(func(c *engine.Config) {
				c.Connectors = meddling(func(_ string, f payment.Fact) payment.Fact { return f })
			})
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				o, err := h.Engine.Create(b.Context(), h.newDeposit("10.00", cardApproved))
				if err != nil {
					b.Fatal(err)
				}
				from := netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)})
				if _, err := h.Engine.Execute(b.Context(), engine.Execute{Target: h.target(o.Payment.ID), From: from}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
