package admin_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// two is a rule of which the second terminal follows soft declines of the first.
var two = route.Rules{{Name: "two", Steps: func(c route.Case) []payment.Step {
	steps := []payment.Step{route.To(c.Fit[0], "cheapest"), route.To(c.Fit[1], "")}
	steps[1].After = []payment.Class{payment.ClassDeclinedSoft}
	return steps
}}}

// TestExplainPayment: the plan with its reasons as it was made, and what followed each refusal.
func TestExplainPayment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		a := testkit.New(t, d.Open(), testkit.Options{Rules: two})
		desk := a.Desk
		s := a.NewShop(t, func(s *shop.Shop) {
			for _, name := range []string{"second", "off"} {
				m := s.Terminals[0]
				m.ID, _ = a.IDs.New()
				m.Name, m.Enabled = name, name != "off"
				s.Terminals = append(s.Terminals, m)
			}
		}).Shop
		if _, err := a.Simulator.AddScenario(simulator.Scenario{
			Match: simulator.Match{Operation: "payment", Amount: "7.00"}, Effect: simulator.Effect{ResponseCode: "05"},
		}); err != nil {
			t.Fatal(err)
		}
		o, err := a.Engine.Create(t.Context(), engine.Create{Shop: s, Type: payment.Deposit, Method: payment.BasicCard, Amount: money.MustParse("7.00"), Currency: "EUR"})
		if err != nil {
			t.Fatal(err)
		}
		of := admin.OfPayment{Shop: string(s.ID), Payment: string(o.Payment.ID)}
		got, err := admin.OpExplainPayment.Do(t.Context(), desk, of)
		if err != nil || got.State != payment.Checkout || len(got.Route) != 0 || got.Route == nil {
			t.Errorf("in its checkout: %+v %v", got, err)
		}
		pan, err := instrument.ParsePAN("4000000000000408")
		if err != nil {
			t.Fatal(err)
		}
		p, err := a.Engine.Execute(t.Context(), engine.Execute{
			Target: engine.Target{Shop: s, ID: o.Payment.ID}, Hosted: true,
			Means: &instrument.Card{Number: pan, Holder: "JANE DOE", ExpiryMonth: "12", ExpiryYear: "2039"},
		})
		if err != nil || p.Payment.State() != payment.Declined {
			t.Fatalf("%s %v", p.Payment.State(), err)
		}
		got, err = admin.OpExplainPayment.Do(t.Context(), desk, of)
		want := admin.PaymentExplained{Shop: of.Shop, Payment: o.Payment.ID, State: payment.Declined, Route: []admin.RouteEntry{
			{Operation: 4, Steps: []admin.RouteStep{
				{Rank: 1, Terminal: "sandbox", Rule: "two", Why: "cheapest"},
				{Rank: 2, Terminal: "second", Rule: "two", After: []string{"DECLINED_SOFT"}},
			}, LeftOut: []admin.LeftOut{{Terminal: "off", Reason: payment.BecauseDisabled, Text: "it is switched off"}}},
			{Operation: 5, Attempt: 1, Outcome: payment.ClassDeclinedSoft, Code: "4.00", Next: "second"},
		}}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(time.Time{}), cmpopts.IgnoreFields(admin.PaymentExplained{}, "Tries")); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if len(got.Tries) != 2 || got.Tries[1].Terminal != "second" || got.Route[1].At.Before(got.Route[0].At) {
			t.Errorf("tries %+v", got.Tries)
		}
		of.Payment = "01a2259fa9e573288929068074129ec1"
		if _, err := admin.OpExplainPayment.Do(t.Context(), desk, of); err == nil {
			t.Error("explains what is not there")
		}
	})
}
