package admin_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// counter is a desk with a shop behind it.
type counter struct {
	*testing.T
	app  *testkit.App
	desk *admin.Desk
	shop testkit.Member
}

func onEach(t *testing.T, edit func(*shop.Shop), test func(*counter)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		app := testkit.New(t, d.Open(), testkit.Options{})
		test(&counter{t, app, app.Desk, app.NewShop(t, edit)})
	})
}

// deposit pays by card.
func (c *counter) deposit(amount string, hold bool) payment.ID {
	c.Helper()
	o, err := c.app.Engine.Create(c.Context(), engine.Create{
		Shop: c.shop.Shop, Type: payment.Deposit, Method: payment.BasicCard, Amount: money.MustParse(amount), Currency: "EUR", PreAuth: hold,
	})
	if err != nil {
		c.Fatal(err)
	}
	pan, err := instrument.ParsePAN("4000000000000408")
	if err != nil {
		c.Fatal(err)
	}
	_, err = c.app.Engine.Execute(c.Context(), engine.Execute{
		Target: engine.Target{Shop: c.shop.Shop, ID: o.Payment.ID}, Hosted: true,
		Means: &instrument.Card{Number: pan, Holder: "JANE DOE", ExpiryMonth: "12", ExpiryYear: "2039"},
	})
	if err != nil {
		c.Fatal(err)
	}
	return o.Payment.ID
}

func (c *counter) act(id payment.ID, key string) admin.Act {
	return admin.Act{OfPayment: admin.OfPayment{Shop: string(c.shop.ID), Payment: string(id)}, Reason: "asked by phone", By: "ann", Key: key}
}

// shows reads one member of the payment in a result.
func shows(t *testing.T, a *admin.Acted, member string) string {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal(a.Payment, &p); err != nil {
		t.Fatal(err)
	}
	text, _ := p[member].(string)
	return text
}

func (c *counter) byHand(id payment.ID, want ...payment.State) {
	c.Helper()
	shown, err := admin.OpShowPayment.Do(c.Context(), c.desk, admin.ShowPayment{OfPayment: c.act(id, "").OfPayment})
	if err != nil {
		c.Fatal(err)
	}
	var got []string
	for _, u := range shown.ByHand {
		got = append(got, u.What)
		if u.By != "ann" || u.Reason != "asked by phone" || u.Done.IsZero() {
			c.Errorf("%+v", u)
		}
	}
	var wanted []string
	for _, w := range want {
		wanted = append(wanted, string(w))
	}
	if strings.Join(got, " ") != strings.Join(wanted, " ") {
		c.Errorf("by hand: %q, want %q", got, wanted)
	}
}

func TestActsByHandAreDoneOnceAndOnRecord(t *testing.T) {
	t.Parallel()
	onEach(t, nil, func(c *counter) {
		ctx := c.Context()
		held, other, sold := c.deposit("20.00", true), c.deposit("30.00", true), c.deposit("40.00", false)

		for _, repeated := range []bool{false, true} {
			got, err := admin.OpCapturePayment.Do(ctx, c.desk, admin.PartlyAct{Act: c.act(held, "k1"), Amount: "15"})
			if err != nil || got.Outcome != admin.Done || got.Repeated != repeated || shows(c.T, &got, "state") != "COMPLETED" {
				c.Errorf("capture: %+v, %s, %v", got, got.Payment, err)
			}
			got, err = admin.OpVoidPayment.Do(ctx, c.desk, c.act(other, "k1"))
			if err != nil || got.Outcome != admin.Done || got.Repeated != repeated || shows(c.T, &got, "state") != "CANCELLED" {
				c.Errorf("void: %+v, %s, %v", got, got.Payment, err)
			}
			got, err = admin.OpRefundPayment.Do(ctx, c.desk, admin.RefundPayment{PartlyAct: admin.PartlyAct{Act: c.act(sold, "k1"), Amount: "12.50"}})
			if err != nil || got.Outcome != admin.Done || got.Repeated != repeated || shows(c.T, &got, "parentPaymentId") != string(sold) {
				c.Errorf("refund: %+v, %s, %v", got, got.Payment, err)
			}
			c.byHand(payment.ID(shows(c.T, &got, "id")), store.RefundByHand)
		}
		c.byHand(held, store.CaptureByHand)
		c.byHand(other, store.VoidByHand)
		rest, err := admin.OpRefundPayment.Do(ctx, c.desk, admin.RefundPayment{PartlyAct: admin.PartlyAct{Act: c.act(sold, "k2")}})
		if err != nil || rest.Outcome != admin.Done || !strings.Contains(string(rest.Payment), `"amount":27.5`) {
			c.Errorf("the rest: %s, %v", rest.Payment, err)
		}
	})
}

func TestActsByHandThatAreRefusedChangeNothing(t *testing.T) {
	t.Parallel()
	onEach(t, nil, func(c *counter) {
		ctx := c.Context()
		sold := c.deposit("40.00", false)
		refund := func(amount, key string, edit func(*admin.RefundPayment)) error {
			r := admin.RefundPayment{PartlyAct: admin.PartlyAct{Act: c.act(sold, key), Amount: amount}}
			if edit != nil {
				edit(&r)
			}
			_, err := admin.OpRefundPayment.Do(ctx, c.desk, r)
			return err
		}
		if err := refund("1.00", "used", nil); err != nil {
			c.Fatal(err)
		}
		for name, err := range map[string]error{
			"another act under the key": refund("2.00", "used", nil),
			"no amount":                 refund("x", "a", nil),
			"nought":                    refund("0", "b", nil),
			"too much":                  refund("39.01", "c", nil),
			"no key":                    refund("1", "", nil),
			"key":                       refund("1", "ключ", nil),
			"no reason":                 refund("1", "d", func(r *admin.RefundPayment) { r.Reason = " " }),
			"no text":                   refund("1", "k", func(r *admin.RefundPayment) { r.Reason = "\xff" }),
			"a zero byte":               refund("1", "l", func(r *admin.RefundPayment) { r.By = "ann\x00" }),
			"a long reason":             refund("1", "m", func(r *admin.RefundPayment) { r.Reason = strings.Repeat("x", 1001) }),
			"nobody":                    refund("1", "e", func(r *admin.RefundPayment) { r.By = "" }),
			"no such":                   refund("1", "f", func(r *admin.RefundPayment) { r.Payment = strings.Repeat("0", 32) }),
			"no shop":                   refund("1", "g", func(r *admin.RefundPayment) { r.Shop = "x" }),
			"long reference":            refund("1", "h", func(r *admin.RefundPayment) { r.Reference = strings.Repeat("x", 300) }),
		} {
			if err == nil {
				c.Errorf("%s: taken", name)
			}
		}
		if _, err := admin.OpVoidPayment.Do(ctx, c.desk, c.act(sold, "i")); err == nil {
			c.Error("a void of what is taken")
		}
		if _, err := admin.OpCapturePayment.Do(ctx, c.desk, admin.PartlyAct{Act: c.act(sold, "j")}); err == nil {
			c.Error("a capture of what is taken")
		}
		c.byHand(sold)
		list, err := admin.OpListPayments.Do(ctx, c.desk, admin.ListPayments{OfShop: admin.OfShop{Shop: string(c.shop.ID)}})
		if err != nil || len(list.Items) != 2 {
			c.Errorf("%d payments, %v", len(list.Items), err)
		}
	})
}

func TestActsByHandNeedNoSecondPersonOrAreRefused(t *testing.T) {
	t.Parallel()
	onEach(t, func(s *shop.Shop) { s.Settings.FourEyes = true }, func(c *counter) {
		held := c.deposit("20.00", true)
		if _, err := admin.OpVoidPayment.Do(c.Context(), c.desk, c.act(held, "k")); err == nil || !strings.Contains(err.Error(), "fourEyes") {
			c.Errorf("got %v", err)
		}
		c.byHand(held)
	})
}

// TestOpenOutcomesOfActsByHand: what the provider has not told is neither done nor refused, and an act that is given again
// under its key waits for the first.
func TestOpenOutcomesOfActsByHand(t *testing.T) {
	t.Parallel()
	onEach(t, nil, func(c *counter) {
		ctx := c.Context()
		sold := c.deposit("9000.00", false)
		r := admin.RefundPayment{PartlyAct: admin.PartlyAct{Act: c.act(sold, "open"), Amount: "6600.23"}}
		for range 2 {
			got, err := admin.OpRefundPayment.Do(ctx, c.desk, r)
			if err != nil || got.Outcome != admin.Open || shows(c.T, &got, "state") != "PENDING" {
				c.Errorf("open: %+v, %s, %v", got, got.Payment, err)
			}
		}
		declined := c.deposit("10500.00", false)
		got, err := admin.OpRefundPayment.Do(ctx, c.desk, admin.RefundPayment{PartlyAct: admin.PartlyAct{Act: c.act(declined, "no"), Amount: "10001"}})
		if err != nil || got.Outcome != admin.Refused || got.Problem == "" || shows(c.T, &got, "state") != "DECLINED" {
			c.Errorf("refused: %+v, %s, %v", got, got.Payment, err)
		}
	})
}

// TestAnActThatWasPerhapsTakenUp: where our own means fail it is not known whether the act was taken up, and that is said.
func TestAnActThatWasPerhapsTakenUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		var lost atomic.Bool
		app := testkit.New(t, d.Open(func(o *store.Options) {
			o.Fault = func(p store.FaultPoint, writes []string) error {
				if lost.Load() && p == store.FaultBeforeCommit && strings.Contains(strings.Join(writes, " "), "manual_update.create") {
					return errors.New("the disk is full")
				}
				return nil
			}
		}), testkit.Options{})
		c := &counter{t, app, app.Desk, app.NewShop(t, nil)}
		held := c.deposit("20.00", true)
		lost.Store(true)
		got, err := admin.OpVoidPayment.Do(t.Context(), c.desk, c.act(held, "k"))
		if err != nil || got.Outcome != admin.Unsure || got.Problem == "" {
			t.Errorf("lost: %+v, %v", got, err)
		}
		lost.Store(false)
		if got, err = admin.OpVoidPayment.Do(t.Context(), c.desk, c.act(held, "k")); err != nil || got.Outcome != admin.Done {
			t.Errorf("again: %+v, %v", got, err)
		}
		c.byHand(held, store.VoidByHand)
	})
}
