// Package route plans at which terminals a payment is tried, in which order, and why. It is pure: what is known of the payment,
// of terminals and of their health comes as data, and chance falls by the payment's id. It opens no attempts.
//
// Plan is where to begin; Rule is what a new way to order terminals has to be.
package route

import (
	"slices"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Need is what a payment asks of a terminal.
type Need struct {
	Type      payment.Type
	Method    payment.Method
	Currency  money.Currency
	PreAuth   bool
	Recurring bool
}

// NeedOf is what a payment by the method asks of a terminal. The verification of a card holds nothing.
func NeedOf(p *payment.Payment, m payment.Method) Need {
	return Need{
		Type: p.Type, Method: m, Currency: p.Moves().Currency, PreAuth: p.Holds(m) && !p.Terms.Verify, Recurring: p.StartRecurring,
	}
}

// Facts is what a plan is made from.
type Facts struct {
	Need
	Terminals []shop.Terminal // that there are
}

// Health is what else is known of terminals: why the one with that id is not tried now.
type Health map[string]payment.Obstacle

// Plan plans the payment. The first rule that has steps for it decides, and ByPriority where none has. The same arguments give
// the same plan.
func Plan(f Facts, rules Rules, health Health, draw Draw) payment.Plan {
	plan := payment.Plan{NoRoute: payment.CodeNoTerminal}
	fit := make([]*shop.Terminal, 0, len(f.Terminals))
	currency, sick := false, false
	for i := range f.Terminals {
		t := &f.Terminals[i]
		why := Obstacle(f.Need, t)
		currency = currency || why == payment.BecauseCurrency
		if why == "" {
			why = health[t.ID]
			sick = sick || why != ""
		}
		if why == "" {
			fit = append(fit, t)
			continue
		}
		plan.Out = append(plan.Out, payment.LeftOut{Terminal: t.Name, Why: why})
	}
	if len(fit) == 0 {
		if currency && !sick {
			plan.NoRoute = payment.CodeInvalidCurrency
		}
		return plan
	}
	slices.SortStableFunc(fit, func(a, b *shop.Terminal) int { return a.Priority - b.Priority })
	plan.NoRoute, plan.Steps = "", rules.steps(Case{Need: f.Need, Fit: fit, Draw: draw})
	for _, t := range fit {
		if !slices.ContainsFunc(plan.Steps, func(s payment.Step) bool { return s.Terminal.ID == t.ID }) {
			plan.Out = append(plan.Out, payment.LeftOut{Terminal: t.Name, Why: payment.BecauseBehind})
		}
	}
	return plan
}

// Serves reports whether one of the terminals can serve the need.
func Serves(n Need, terminals []shop.Terminal) bool {
	for i := range terminals {
		if Obstacle(n, &terminals[i]) == "" {
			return true
		}
	}
	return false
}

// Obstacle is why the terminal cannot serve the need; empty where it can. The currency comes last: it stands in the way alone.
func Obstacle(n Need, t *shop.Terminal) payment.Obstacle {
	switch {
	case !t.Removed.IsZero():
		return payment.BecauseRemoved
	case !t.Enabled:
		return payment.BecauseDisabled
	case !slices.Contains(t.Types, n.Type):
		return payment.BecauseType
	case !slices.Contains(t.Methods, n.Method):
		return payment.BecauseMethod
	case n.PreAuth && !(t.PreAuth && n.Method.PreAuth()):
		return payment.BecausePreAuth
	case n.Recurring && !(t.Recurring && n.Method.Recurring()):
		return payment.BecauseRecurring
	case len(t.Currencies) > 0 && !slices.Contains(t.Currencies, n.Currency):
		return payment.BecauseCurrency
	}
	return ""
}
