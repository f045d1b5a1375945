package route_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/shop"
)

func terminal(id string, edit func(*shop.Terminal)) shop.Terminal {
	t := shop.Terminal{
		ID: id, Name: "T" + id, Types: payment.Types(), Methods: payment.Methods(), PreAuth: true, Recurring: true, Enabled: true,
	}
	if edit != nil {
		edit(&t)
	}
	return t
}

// need is a sale by card.
var need = route.Need{Type: payment.Deposit, Method: payment.BasicCard, Currency: "EUR"}

// TestPlanByPriority: the first terminal that can take the payment, nothing after it, and of every other one why not.
func TestPlanByPriority(t *testing.T) {
	hold, chain := need, need
	hold.PreAuth, chain.Recurring = true, true
	first := func(id string) []payment.Step {
		return []payment.Step{{Terminal: payment.Terminal{ID: id, Name: "T" + id}, Rule: "priority", Why: "first"}}
	}
	out := func(why payment.Obstacle, ids ...string) (all []payment.LeftOut) {
		for _, id := range ids {
			all = append(all, payment.LeftOut{Terminal: "T" + id, Why: why})
		}
		return all
	}
	with := func(n route.Need, m payment.Method, c money.Currency) route.Need {
		n.Method, n.Currency = m, c
		return n
	}
	for _, c := range []struct {
		name      string
		need      route.Need
		terminals []shop.Terminal
		health    route.Health
		want      payment.Plan
	}{
		{"none", need, nil, nil, payment.Plan{NoRoute: payment.CodeNoTerminal}},
		{"by priority, then as they come", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Priority = 2 }), terminal("b", nil),
			terminal("c", func(t *shop.Terminal) { t.Priority = 2 }),
		}, nil, payment.Plan{Steps: first("b"), Out: out(payment.BecauseBehind, "a", "c")}},
		{"as they come", need, []shop.Terminal{terminal("a", nil), terminal("b", nil)}, nil,
			payment.Plan{Steps: first("a"), Out: out(payment.BecauseBehind, "b")}},
		{"disabled", need, []shop.Terminal{terminal("a", func(t *shop.Terminal) { t.Enabled = false })}, nil,
			payment.Plan{NoRoute: payment.CodeNoTerminal, Out: out(payment.BecauseDisabled, "a")}},
		{"removed", need, []shop.Terminal{terminal("a", func(t *shop.Terminal) { t.Enabled, t.Removed = false, time.Unix(1, 0) })}, nil,
			payment.Plan{NoRoute: payment.CodeNoTerminal, Out: out(payment.BecauseRemoved, "a")}},
		{"other method", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Methods = []payment.Method{payment.Pix} }),
		}, nil, payment.Plan{NoRoute: payment.CodeNoTerminal, Out: out(payment.BecauseMethod, "a")}},
		{"other type", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Types = []payment.Type{payment.Refund} }),
		}, nil, payment.Plan{NoRoute: payment.CodeNoTerminal, Out: out(payment.BecauseType, "a")}},
		{"other currency", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Currencies = []money.Currency{"PLN"} }),
		}, nil, payment.Plan{NoRoute: payment.CodeInvalidCurrency, Out: out(payment.BecauseCurrency, "a")}},
		{"other currency, and one that is off", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Currencies = []money.Currency{"PLN"} }),
			terminal("b", func(t *shop.Terminal) { t.Enabled, t.Currencies = false, []money.Currency{"PLN"} }),
		}, nil, payment.Plan{NoRoute: payment.CodeInvalidCurrency, Out: append(out(payment.BecauseCurrency, "a"), out(payment.BecauseDisabled, "b")...)}},
		{"other currency, and one that cannot verify", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Currencies = []money.Currency{"PLN"} }), terminal("b", nil),
		}, route.Health{"b": payment.BecauseVerify},
			payment.Plan{NoRoute: payment.CodeNoTerminal, Out: append(out(payment.BecauseCurrency, "a"), out(payment.BecauseVerify, "b")...)}},
		{"one of its currencies", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Currencies = []money.Currency{"PLN", "EUR"} }),
		}, nil, payment.Plan{Steps: first("a")}},
		{"out of order", need, []shop.Terminal{terminal("a", nil), terminal("b", nil)}, route.Health{"a": payment.BecauseDown},
			payment.Plan{Steps: first("b"), Out: out(payment.BecauseDown, "a")}},
		{"a hold at a terminal without holds", hold, []shop.Terminal{terminal("a", func(t *shop.Terminal) { t.PreAuth = false })}, nil,
			payment.Plan{NoRoute: payment.CodeNoTerminal, Out: out(payment.BecausePreAuth, "a")}},
		{"a hold by a method without holds", with(hold, payment.Blik, "PLN"), []shop.Terminal{terminal("a", nil)}, nil,
			payment.Plan{NoRoute: payment.CodeNoTerminal, Out: out(payment.BecausePreAuth, "a")}},
		{"a chain at a terminal without chains", chain, []shop.Terminal{terminal("a", func(t *shop.Terminal) { t.Recurring = false })}, nil,
			payment.Plan{NoRoute: payment.CodeNoTerminal, Out: out(payment.BecauseRecurring, "a")}},
		{"a chain by card", chain, []shop.Terminal{terminal("a", nil)}, nil, payment.Plan{Steps: first("a")}},
		{"a chain by a method that leaves nothing to charge again", with(chain, payment.Pix, "BRL"), []shop.Terminal{terminal("a", nil)}, nil,
			payment.Plan{NoRoute: payment.CodeNoTerminal, Out: out(payment.BecauseRecurring, "a")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := route.Plan(route.Facts{Need: c.need, Terminals: c.terminals}, nil, c.health, route.DrawOf("p"))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if serves := route.Serves(c.need, c.terminals); c.health == nil && serves != (len(c.want.Steps) > 0) {
				t.Errorf("serves: %t", serves)
			}
		})
	}
}

// weighted is a rule as others will be: the payment's id says which terminal comes first, and the rest follow after soft declines.
var weighted = route.Rule{Name: "half and half", Steps: func(c route.Case) []payment.Step {
	if len(c.Fit) < 2 {
		return nil
	}
	head := c.Draw.Among(len(c.Fit), "half and half")
	steps := []payment.Step{route.To(c.Fit[head], fmt.Sprint("fell on ", head))}
	for i := range c.Fit {
		if i != head {
			next := route.To(c.Fit[i], "")
			next.After = []payment.Class{payment.ClassDeclinedSoft}
			steps = append(steps, next)
		}
	}
	return steps
}}

// TestARuleDecides: the first rule that is about the payment, its name beside each step; by priority where none is.
func TestARuleDecides(t *testing.T) {
	silent := route.Rule{Name: "silent", Steps: func(route.Case) []payment.Step { return nil }}
	facts := route.Facts{Need: need, Terminals: []shop.Terminal{terminal("a", nil), terminal("b", nil)}}
	p := route.Plan(facts, route.Rules{silent, weighted}, nil, route.DrawOf("p"))
	if len(p.Steps) != 2 || len(p.Out) != 0 || p.Steps[0].Rule != "half and half" || p.Steps[1].Rule != "half and half" || len(p.Steps[1].After) != 1 {
		t.Errorf("%+v", p)
	}
	facts.Terminals = facts.Terminals[:1]
	if p := route.Plan(facts, route.Rules{silent, weighted}, nil, route.DrawOf("p")); len(p.Steps) != 1 || p.Steps[0].Rule != "priority" {
		t.Errorf("%+v", p)
	}
	if p := route.Plan(facts, route.Only(route.Chain), nil, route.DrawOf("p")); len(p.Steps) != 1 || p.Steps[0].Rule != "chain" {
		t.Errorf("%+v", p)
	}
}

// TestPlanIsPure: the same arguments give the same plan, every terminal stands in it once, those that cannot serve in no step, and
// nothing that was given is changed.
func TestPlanIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := route.Facts{Need: need}
		health := route.Health{}
		for i := range rapid.IntRange(0, 6).Draw(t, "terminals") {
			id := fmt.Sprint(i)
			facts.Terminals = append(facts.Terminals, terminal(id, func(m *shop.Terminal) {
				m.Enabled, m.PreAuth = rapid.Bool().Draw(t, "enabled"), rapid.Bool().Draw(t, "preAuth")
				m.Priority = rapid.IntRange(0, 2).Draw(t, "priority")
				m.Currencies = rapid.SampledFrom([][]money.Currency{nil, {"EUR"}, {"PLN"}}).Draw(t, "currencies")
			}))
			if rapid.IntRange(0, 4).Draw(t, "down") == 0 {
				health[id] = payment.BecauseDown
			}
		}
		facts.PreAuth = rapid.Bool().Draw(t, "hold")
		rules := rapid.SampledFrom([]route.Rules{nil, {weighted}}).Draw(t, "rules")
		draw := route.DrawOf(payment.ID(rapid.StringMatching("[0-9a-f]{32}").Draw(t, "id")))
		before := fmt.Sprint(facts)
		p := route.Plan(facts, rules, health, draw)
		if diff := cmp.Diff(p, route.Plan(facts, rules, health, draw)); diff != "" || fmt.Sprint(facts) != before {
			t.Fatalf("planned twice: %s", diff)
		}
		seen := map[string]int{}
		for _, s := range p.Steps {
			m := facts.Terminals[s.Terminal.ID[0]-'0']
			if seen[s.Terminal.Name]++; s.Rule == "" || health[m.ID] != "" || route.Obstacle(facts.Need, &m) != "" {
				t.Fatalf("step %+v", s)
			}
		}
		for _, o := range p.Out {
			if seen[o.Terminal]++; o.Why == "" {
				t.Fatalf("%s is left out for nothing", o.Terminal)
			}
		}
		if len(seen) != len(facts.Terminals) || (len(p.Steps) == 0) != (p.NoRoute != "") {
			t.Fatalf("%d of %d terminals: %+v", len(seen), len(facts.Terminals), p)
		}
		for name, n := range seen {
			if n != 1 {
				t.Fatalf("%s stands there %d times", name, n)
			}
		}
	})
}

// TestDraw: a payment always falls alike, payments fall evenly, and what falls under one name tells nothing of another.
func TestDraw(t *testing.T) {
	const n, of = 40_000, 4
	var one, both [of]int
	for i := range n {
		d := route.DrawOf(payment.ID(fmt.Sprintf("%032x", i)))
		a, b := d.Among(of, "a"), d.Among(of, "b")
		if a != route.DrawOf(payment.ID(fmt.Sprintf("%032x", i))).Among(of, "a") {
			t.Fatal("a payment falls twice")
		}
		one[a]++
		both[(a-b+of)%of]++
	}
	for _, counts := range [][of]int{one, both} {
		chi := 0.0
		for _, c := range counts {
			chi += math.Pow(float64(c)-n/of, 2) / (n / of)
		}
		if chi > 16.3 { // three degrees of freedom, one in a thousand; the ids are always these
			t.Errorf("falls %v", counts)
		}
	}
}

// BenchmarkPlan is what planning costs an ordinary payment, at shops of several sizes.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{1, 3, 20} {
		b.Run(fmt.Sprintf("terminals=%d", n), func(b *testing.B) {
			facts := route.Facts{Need: need}
			for i := range n {
				facts.Terminals = append(facts.Terminals, terminal(fmt.Sprint(i), func(t *shop.Terminal) { t.Priority = n - i }))
			}
			b.ReportAllocs()
			for b.Loop() {
				if p := route.Plan(facts, nil, nil, route.DrawOf("p")); len(p.Steps) != 1 {
					b.Fatal(p)
				}
			}
		})
	}
}

// TestTheCurrencyThatMovesIsRouted: a payment that is converted goes to a terminal for what it is converted into.
func TestTheCurrencyThatMovesIsRouted(t *testing.T) {
	t.Parallel()
	p := payment.Payment{Type: payment.Deposit, Asked: money.Sum{Amount: money.MustParse("10"), Currency: "EUR"}}
	if got := route.NeedOf(&p, payment.BasicCard).Currency; got != "EUR" {
		t.Errorf("asked in %s", got)
	}
	p.Sent = money.Sum{Amount: money.MustParse("1625"), Currency: "JPY"}
	if got := route.NeedOf(&p, payment.BasicCard).Currency; got != "JPY" {
		t.Errorf("converted: %s", got)
	}
}
