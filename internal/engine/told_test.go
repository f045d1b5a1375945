package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/outbox"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
)

// declinedOnce is the provider's no.
var declinedOnce = simulator.Effect{ResponseCode: "05"}

// tale is what the dialect of these tests tells about a fact.
type tale struct {
	State, Before payment.State
	Attempt       int
	Refund        bool
	Order, Name   string // of the order, and of the instruction
	Refunded      string // of the deposit
}

// chronicler words every fact for a feed, as one of the deposit.
func chronicler(t *outbox.EventContext) ([]outbox.Message, error) {
	d, err := t.Deposit()
	if err != nil {
		return nil, err
	}
	o, err := t.Order()
	if err != nil {
		return nil, err
	}
	said, err := t.Instruction()
	if err != nil {
		return nil, err
	}
	e := t.Event()
	one := tale{State: e.State, Before: e.Before, Attempt: e.Attempt, Refund: t.Payment().Type == payment.Refund, Refunded: d.Refunded.String()}
	if o != nil {
		one.Order = o.Document
	}
	if said != nil {
		one.Name = said.Name
	}
	body, err := json.Marshal(one)
	return []outbox.Message{{Dialect: "chronicle", Type: "told", ContentType: "application/json", Body: body, OfParent: true}}, err
}

// tales is what was told in the shop, by payment, in the order of the feed.
func (h *house) tales() map[payment.ID][]tale {
	h.t.Helper()
	all := map[payment.ID][]tale{}
	q := store.FeedQuery{Shop: h.shop.ID, Dialect: "chronicle", Limit: 100}
	for more := true; more; {
		page, err := h.DB.ReadFeed(h.t.Context(), q)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, e := range page.Events {
			var one tale
			if err := json.Unmarshal([]byte(e.Body), &one); err != nil {
				h.t.Fatal(err)
			}
			all[e.Payment] = append(all[e.Payment], one)
			if e.Seq != len(all[e.Payment]) {
				h.t.Errorf("payment %s: number %d at place %d", e.Payment, e.Seq, len(all[e.Payment]))
			}
		}
		q.After, more = page.Next, page.More
	}
	return all
}

func (h *house) chronicled() *engine.Engine {
	return h.other(func(c *engine.Config) {
		c.Owner, c.Vault, c.Render = h.Engine.Config().Owner, h.Engine.Config().Vault, []outbox.Renderer{{Dialect: "chronicle", OfParent: true, Word: chronicler}}
	})
}

func TestFactsAreToldWithWhatBelongsToThem(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.Engine = h.chronicled()
		c := h.newOrder("order", "one")
		c.PreAuth = true
		p := h.reach(h.execute(h.create(c).ID), payment.Authorized)
		h.effect("capture", p.ID, declinedOnce)
		if _, err := h.Engine.Capture(t.Context(), h.say(p.ID, "first", "x"), amount("9.00")); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Engine.Capture(t.Context(), h.say(p.ID, "second", "x"), amount("8.00")); err != nil {
			t.Fatal(err)
		}
		refund := h.newRefund(p.ID, "3.00")
		refund.Instruction = h.say("", "third", "x").Instruction
		h.create(refund)
		h.scenario("refund", "2.00", declinedOnce)
		h.create(h.newRefund(p.ID, "2.00"))
		h.abandon(p.ID)
		order := `{"asked":"one"}`
		want := []tale{
			{payment.Authorized, payment.Pending, 1, false, order, "", "0"},
			{payment.Authorized, payment.Pending, 2, false, order, "first", "0"},
			{payment.Completed, payment.Pending, 3, false, order, "second", "0"},
			{payment.Completed, payment.Pending, 1, true, order, "third", "3"},
			{payment.Declined, payment.Pending, 1, true, order, "", "3"},
			{payment.Completed, payment.Pending, 1, true, order, "", "8"},
		}
		all := h.tales()
		if diff := cmp.Diff(want, all[p.ID]); diff != "" || len(all) != 1 {
			t.Errorf("of %d payments (-want +got):\n%s", len(all), diff)
		}
		if p = h.stored(p.ID); p.Told != len(want) || p.State() != payment.Completed || !p.Due.IsZero() {
			t.Errorf("told %d, %s, due %s", p.Told, p.State(), p.Due)
		}
		v := h.newOrder("void", "two")
		v.PreAuth = true
		q := h.reach(h.execute(h.create(v).ID), payment.Authorized)
		h.effect("void", q.ID, declinedOnce)
		for _, name := range []string{"refused void", "void"} {
			if _, err := h.Engine.Void(t.Context(), h.say(q.ID, name, "x")); err != nil {
				t.Fatal(err)
			}
		}
		order = `{"asked":"two"}`
		want = []tale{
			{payment.Authorized, payment.Pending, 1, false, order, "", "0"},
			{payment.Authorized, payment.Pending, 2, false, order, "refused void", "0"},
			{payment.Cancelled, payment.Pending, 3, false, order, "void", "0"},
		}
		if diff := cmp.Diff(want, h.tales()[q.ID]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		h.agree()
	})
}

// TestFactsOfManyRefundsAreNumberedInTheDeposit: without gaps, and each with what the deposit was then.
func TestFactsOfManyRefundsAreNumberedInTheDeposit(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.Engine = h.chronicled()
		p := h.deposit("50.00")
		together(20, func(i int) {
			c := h.newRefund(p.ID, "1.00")
			c.Instruction = h.say("", fmt.Sprintf("refund %d", i), "x").Instruction
			_, err := h.Engine.Create(t.Context(), c)
			for errors.Is(err, engine.ErrUnavailable) { // too many wanted the deposit at once; nothing was stored
				_, err = h.Engine.Create(t.Context(), c)
			}
			if err != nil {
				t.Error(err)
			}
		})
		for _, r := range h.openRefunds(p.ID) {
			h.settleByClock(r)
		}
		told := h.tales()[p.ID][1:]
		var names []string
		for i, one := range told {
			names = append(names, one.Name)
			if one.Refunded != fmt.Sprint(i+1) || one.State != payment.Completed || !one.Refund {
				t.Errorf("%d: %+v", i, one)
			}
		}
		slices.Sort(names)
		if len(told) != 20 || len(slices.Compact(names)) != 20 {
			t.Errorf("told %d times: %v", len(told), names)
		}
		h.agree()
	})
}
