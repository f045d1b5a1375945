package route

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Rule puts terminals into the order in which a payment is tried at them.
type Rule struct {
	Name string
	// Steps is pure. It returns nothing where the rule is not about such a payment. It may say of a step that follows another
	// after which refusals it does (Step.After); where it says nothing the step is never taken.
	Steps func(Case) []payment.Step
}

// Rules is every rule, in the order in which they are asked.
type Rules []Rule

// Case is what a rule decides by.
type Case struct {
	Need
	Fit  []*shop.Terminal // those that can take the payment, by priority; at least one
	Draw Draw
}

// ByPriority is the rule where there is no other: the first terminal that can take the payment, and nothing after it.
var ByPriority = Rule{Name: "priority", Steps: func(c Case) []payment.Step { return []payment.Step{To(c.Fit[0], "first")} }}

// Names of what is no rule, but decides all the same.
const (
	Deposit = "deposit" // a refund goes to where its deposit stands
	Chain   = "chain"   // a follow-up goes to where the chain was begun
)

// Only is a rule by that name with one terminal to choose from.
func Only(name string) Rules {
	return Rules{{Name: name, Steps: func(c Case) []payment.Step { return []payment.Step{To(c.Fit[0], "")} }}}
}

// To is a step to the terminal.
func To(t *shop.Terminal, why string) payment.Step {
	return payment.Step{Terminal: payment.Terminal{ID: t.ID, Name: t.Name}, Why: why}
}

func (rules Rules) steps(c Case) []payment.Step {
	for i := range rules {
		if steps := rules[i].named(c); len(steps) > 0 {
			return steps
		}
	}
	return ByPriority.named(c)
}

// named is the rule's steps under its name.
func (r *Rule) named(c Case) []payment.Step {
	steps := r.Steps(c)
	for i := range steps {
		steps[i].Rule = r.Name
	}
	return steps
}

// Draw is chance, by the payment's id: the same payment always falls the same way, whoever plans it and however often.
type Draw struct{ of payment.ID }

// DrawOf is the payment's.
func DrawOf(id payment.ID) Draw { return Draw{id} }

// Among is a number from 0 to n-1, which must be positive. What falls under one name tells nothing of what falls under another.
func (d Draw) Among(n int, name string) int {
	sum := sha256.Sum256([]byte(name + "\x00" + string(d.of)))
	return int(binary.BigEndian.Uint64(sum[:8]) % uint64(n))
}
