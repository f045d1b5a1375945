package simulator

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/money"
)

// Match says which requests a scenario strikes: all given fields must fit, and
// absent fields fit everything.
type Match struct {
	// Operation is payment, verification, payout, capture, void, refund, status or
	// cancel.
	Operation string `json:"operation,omitempty"`
	// Reference is the whole reference of the request.
	Reference string `json:"reference,omitempty"`
	// ReferencePrefix is how the reference starts.
	ReferencePrefix string `json:"referencePrefix,omitempty"`
	// OrderID is the orderId of the request, or of the payment it follows.
	OrderID string `json:"orderId,omitempty"`
	// Method is the payment method, CARD for instance.
	Method string `json:"method,omitempty"`
	// Amount is the exact amount in major units; 10 and 10.00 are the same.
	Amount string `json:"amount,omitempty"`
	// Currency is the currency's code.
	Currency string `json:"currency,omitempty"`
	// CardLast4 is how the card's number ends.
	CardLast4 string `json:"cardLast4,omitempty"`
}

// Scenario is an order to strike requests. The newest matching one strikes.
type Scenario struct {
	// ID is given by the simulator.
	ID string `json:"id,omitempty"`
	// Match says whom.
	Match Match `json:"match"`
	// Times is how many requests are struck; 0 is every one, until deleted.
	Times int `json:"times,omitempty"`
	// Struck counts the requests so far.
	Struck int `json:"struck"`
	Effect
}

// scenario is a Scenario in force, guarded by Simulator.mu.
type scenario struct {
	Scenario
	amount decimal
}

// target is the part of a request that matches are made on.
type target struct {
	op, reference, orderID, method, currency, last4 string
	amount                                          decimal
}

var operations = []string{opPayment, opVerification, opPayout, opCapture, opVoid, opRefund, opStatus, opCancel}

// AddScenario puts a scenario in force and returns its id. The error says which
// field has no meaning.
func (s *Simulator) AddScenario(sc Scenario) (string, error) {
	if sc.Match.Operation != "" && !slices.Contains(operations, sc.Match.Operation) {
		return "", fmt.Errorf("match.operation is one of %s", strings.Join(operations, ", "))
	}
	if sc.Times < 0 {
		return "", errors.New("times is 0 (always) or more")
	}
	effect, err := sc.Effect.normal()
	if err != nil {
		return "", err
	}
	active := &scenario{Scenario: sc}
	active.Effect, active.Struck = effect, 0
	if sc.Match.Amount != "" {
		amount, err := money.Parse(sc.Match.Amount)
		if err != nil {
			return "", fmt.Errorf("match.amount: %w", err)
		}
		active.amount = decimal{amount}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	active.ID, _ = s.ids.New()
	s.scenarios = append(s.scenarios, active)
	return active.ID, nil
}

// Scenarios lists what is in force, oldest first.
func (s *Simulator) Scenarios() []Scenario {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Scenario, 0, len(s.scenarios))
	for _, active := range s.scenarios {
		list = append(list, active.Scenario)
	}
	return list
}

// DeleteScenario ends one scenario, and tells whether it was in force.
func (s *Simulator) DeleteScenario(scenarioID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.scenarios)
	s.scenarios = slices.DeleteFunc(s.scenarios, func(a *scenario) bool { return a.ID == scenarioID })
	return len(s.scenarios) < before
}

// ClearScenarios ends all scenarios.
func (s *Simulator) ClearScenarios() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scenarios = nil
}

// strike finds the scenario for a request and counts it; the caller holds mu.
func (s *Simulator) strike(t target) (Effect, bool) {
	for i, active := range slices.Backward(s.scenarios) {
		if !active.matches(t) {
			continue
		}
		active.Struck++
		if active.Times > 0 && active.Struck >= active.Times {
			s.scenarios = slices.Delete(s.scenarios, i, i+1)
		}
		return active.Effect, true
	}
	return Effect{}, false
}

func (a *scenario) matches(t target) bool {
	m := &a.Match
	same := func(want, have string) bool { return want == "" || want == have }
	return same(m.Operation, t.op) && same(m.Reference, t.reference) && same(m.OrderID, t.orderID) &&
		same(m.Method, t.method) && same(m.Currency, t.currency) && same(m.CardLast4, t.last4) &&
		strings.HasPrefix(t.reference, m.ReferencePrefix) &&
		(m.Amount == "" || a.amount == t.amount)
}

// effectFor decides what happens to a money request: a scenario first, else the
// magic of its card or amount, which strikes only the first request of a
// reference.
func (s *Simulator) effectFor(c *command) Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	parent := s.byID[c.parent]
	if len(s.scenarios) > 0 {
		if effect, ok := s.strike(targetOf(c, parent)); ok {
			return effect
		}
	}
	var whole decimal
	if parent != nil {
		whole = parent.Amount
	}
	effect := magicEffect(c, whole)
	if effect == (Effect{}) {
		return effect
	}
	_, known := s.byReference[c.reference]
	if known || s.struck[c.reference] {
		return Effect{}
	}
	s.struck[c.reference] = true
	return effect
}

func targetOf(c *command, parent *tx) target {
	t := target{op: c.op, reference: c.reference, orderID: c.orderID, method: c.method,
		currency: c.currency, amount: c.amount}
	if c.card != nil {
		t.last4 = c.card.Number[len(c.card.Number)-4:]
	}
	if parent == nil {
		return t
	}
	t.orderID, t.method, t.currency = parent.OrderID, parent.Method, parent.Currency
	if parent.Card != nil {
		t.last4 = parent.Card.Last4
	}
	if c.whole {
		t.amount = parent.Amount
		if c.op == opRefund {
			t.amount = parent.refundable()
		}
	}
	return t
}
