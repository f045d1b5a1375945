package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
)

// gates hold back the answers to calls whose attempts have one.
type gates struct{ sync.Map }

type gate struct{ answered, open chan struct{} }

// hold puts a gate before the answer of the payment's call of that kind.
func (g *gates) hold(id payment.ID, call string) *gate {
	b := &gate{make(chan struct{}), make(chan struct{})}
	g.Store(string(id)+call, b)
	return b
}

// gatedType is the sandbox connector whose answers wait at their gates.
func gatedType(g *gates) connector.Type {
	inner := sandbox.Type()
	parse := inner.Parse
	inner.Parse = func(raw json.RawMessage) (connector.Config, error) {
		c, err := parse(raw)
		return gatedConfig{c, g}, err
	}
	return inner
}

type gatedConfig struct {
	connector.Config
	gates *gates
}

func (c gatedConfig) Open(d connector.Deps) (connector.Connector, error) {
	inner, err := c.Config.Open(d)
	if err != nil {
		return nil, err
	}
	return &gated{inner.(*sandbox.Sandbox), c.gates}, nil
}

type gated struct {
	*sandbox.Sandbox
	gates *gates
}

func (g *gated) wait(key, call string) {
	if b, ok := g.gates.LoadAndDelete(string(paymentOf(key)) + call); ok {
		b := b.(*gate)
		close(b.answered)
		<-b.open
	}
}

func (g *gated) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	defer g.wait(r.Key, "start")
	return g.Sandbox.Start(ctx, r)
}

func (g *gated) Capture(ctx context.Context, r connector.Request) (payment.Fact, error) {
	defer g.wait(r.Key, "capture")
	return g.Sandbox.Capture(ctx, r)
}

// saga is a payment of which the provider tells more than once.
type saga struct {
	name      string
	end       payment.State
	code      payment.ErrorCode
	call      string // whose answer is one of the events too
	operation string // what the simulator calls it
	begin     func(h *house, value string) payment.Payment
	run       func(e *engine.Engine, h *house, id payment.ID) error
	finish    func(h *house, key string) error // at the provider
	notices   []status                         // equal ones that follow each other are copies of one
}

func decide(code string) func(*house, string) error {
	return func(h *house, key string) error { return h.Simulator.Decide(key, code) }
}

func execution(e *engine.Engine, h *house, id payment.ID) error {
	_, err := e.Execute(h.t.Context(), engine.Execute{Target: h.target(id)})
	return err
}

func challenged(preAuth bool) func(h *house, value string) payment.Payment {
	return func(h *house, value string) payment.Payment {
		c := h.newDeposit(value, cardChallenge)
		c.PreAuth = preAuth
		return h.create(c)
	}
}

var sagas = []saga{
	{name: "sale", end: payment.Completed, call: "start", operation: "payment", begin: challenged(false), run: execution,
		finish: decide("00"), notices: []status{actionRequired, pending, approved, approved, approved}},
	{name: "sale declined", end: payment.Declined, code: "4.00", call: "start", operation: "payment",
		begin: challenged(false), run: execution, finish: decide("05"),
		notices: []status{actionRequired, pending, declined, declined, pending}},
	{name: "hold", end: payment.Authorized, call: "start", operation: "payment", begin: challenged(true), run: execution,
		finish: decide("00"), notices: []status{actionRequired, pending, authorized, authorized, pending}},
	{name: "hold that the provider ends", end: payment.Cancelled, code: payment.CodeTimeout, call: "start", operation: "payment",
		begin: challenged(true), run: execution, finish: voidThere,
		notices: []status{actionRequired, authorized, authorized, voided, voided}},
	{name: "capture", end: payment.Completed, call: "capture", operation: "capture", begin: (*house).hold, finish: decide("00"),
		run: func(e *engine.Engine, h *house, id payment.ID) error {
			_, err := e.Capture(h.t.Context(), h.target(id), money.Amount{})
			return err
		}, notices: []status{pending, approved, approved, approved, pending}},
	{name: "withdrawal", end: payment.Completed, operation: "payout", finish: decide("00"),
		begin:   func(h *house, value string) payment.Payment { return h.create(h.newWithdrawal(value)) },
		notices: []status{pending, pending, approved, approved, approved, pending}},
	{name: "refund declined", end: payment.Declined, code: "4.00", operation: "refund", finish: decide("05"),
		begin: func(h *house, value string) payment.Payment {
			return h.create(h.newRefund(h.deposit("100.00").ID, value))
		},
		notices: []status{pending, declined, declined, declined, pending, pending}},
	{name: "sale that is undone", end: payment.Declined, code: "4.09", call: "start", operation: "payment", begin: challenged(false),
		run: execution, finish: corrected(simulator.CorrectDeclined), notices: []status{approved, approved, undone}},
	{name: "hold that the provider takes", end: payment.Completed, call: "start", operation: "payment", begin: challenged(true),
		run: execution, finish: corrected(simulator.CorrectCaptured), notices: []status{authorized, captured, captured}},
	{name: "withdrawal that comes back", end: payment.Declined, code: "4.09", operation: "payout", finish: corrected(simulator.CorrectDeclined),
		begin:   func(h *house, value string) payment.Payment { return h.create(h.newWithdrawal(value)) },
		notices: []status{pending, approved, approved, undone}},
	{name: "refund that comes back", end: payment.Declined, code: "4.09", operation: "refund", finish: corrected(simulator.CorrectDeclined),
		begin: func(h *house, value string) payment.Payment {
			return h.create(h.newRefund(h.deposit("100.00").ID, value))
		},
		notices: []status{approved, undone, undone}},
}

// corrected lets the provider do what was asked, and change its mind.
func corrected(to string) func(*house, string) error {
	return func(h *house, key string) error {
		if err := h.Simulator.Decide(key, "00"); err != nil {
			return err
		}
		return h.Simulator.Correct(key, to, "")
	}
}

// voidThere lets the customer pay and the provider give the hold up by itself.
func voidThere(h *house, key string) error {
	if err := h.Simulator.Decide(key, "00"); err != nil {
		return err
	}
	return giveUp(h, key)
}

// giveUp releases a hold at the provider, which we did not ask for.
func giveUp(h *house, key string) error {
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost,
		h.SimulatorURL+"/v1/transactions/by-reference/"+key+"/void", strings.NewReader(`{"reference":"`+key+`9"}`))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+h.Simulator.APIKey())
	req.Header.Set("Content-Type", "application/json")
	res, err := h.Client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusCreated {
		return fmt.Errorf("void at the provider: %s", res.Status)
	}
	return nil
}

// permutations calls fn with every order of n things that are told apart by name.
func permutations(names []string, fn func(order []int)) {
	seen := map[string]bool{}
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	var walk func(k int)
	walk = func(k int) {
		if k == len(order) {
			var b strings.Builder
			for _, i := range order {
				b.WriteString(names[i] + " ")
			}
			if !seen[b.String()] {
				seen[b.String()] = true
				fn(append([]int(nil), order...))
			}
			return
		}
		for i := k; i < len(order); i++ {
			order[k], order[i] = order[i], order[k]
			walk(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	walk(0)
}

// events names what happens in a saga: the notices, copies under one name, and the answer to our call.
func (s *saga) events() []string {
	names := make([]string, 0, len(s.notices)+1)
	for i, n := range s.notices {
		if i > 0 && s.notices[i-1] == n && (i < 2 || s.notices[i-2] != n) {
			names = append(names, names[i-1]) // the second in a row is a copy, the third another event
			continue
		}
		names = append(names, fmt.Sprintf("%s%d", n.status, i))
	}
	if s.call == "" {
		return names
	}
	return append(names, "answer")
}

func TestEveryOrderOfNoticesEndsTheSame(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		h.unreliable(100)
		g := &gates{}
		e := h.other(func(c *engine.Config) {
			c.Connectors = []connector.Type{gatedType(g)}
			c.Vault = h.Engine.Config().Vault
		})
		total := 0
		for i := range sagas {
			s := &sagas[i]
			value := fmt.Sprintf("%d.00", 31+i)
			total += h.tell(e, g, s, value)
		}
		h.agree()
		t.Logf("%d orders", total)
	})
}

// workDue does on a payment what is due now.
func (h *house) workDue(e *engine.Engine, id payment.ID) {
	h.t.Helper()
	for range 20 {
		if p := h.stored(id); p.Due.IsZero() || p.Due.After(h.Clock.Now()) {
			return
		}
		if err := e.Work(h.t.Context(), h.shop.ID, id); err != nil {
			h.t.Fatal(err)
		}
	}
	h.t.Errorf("payment %s is due again and again", id)
}

// tell runs a saga in every order.
func (h *house) tell(e *engine.Engine, g *gates, s *saga, value string) (orders int) {
	h.t.Helper()
	names := s.events()
	room := make(chan struct{}, 16) // no more than may ask one terminal at once: work is put off otherwise
	var running sync.WaitGroup
	permutations(names, func(order []int) {
		orders++
		if testing.Short() && orders%7 != 0 {
			return
		}
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			if why := h.play(e, g, s, names, order, value); why != "" {
				var told []string
				for _, i := range order {
					told = append(told, names[i])
				}
				h.t.Errorf("%s: %s: %s", s.name, strings.Join(told, ", "), why)
			}
		})
	})
	running.Wait()
	return orders
}

// play runs a saga in one order and says what is wrong with its end.
func (h *house) play(e *engine.Engine, g *gates, s *saga, names []string, order []int, value string) string {
	if s.call == "" {
		h.scenario(s.operation, value, silent)
	}
	p := s.begin(h, value)
	done := make(chan error, 1)
	b := &gate{open: make(chan struct{})}
	if s.call != "" {
		h.effect(s.operation, p.ID, silent)
		b = g.hold(p.ID, s.call)
		go func() { done <- s.run(e, h, p.ID) }()
		select {
		case <-b.answered:
		case err := <-done:
			return fmt.Sprintf("ended without a call: %v", err)
		}
	}
	p = h.stored(p.ID)
	key := p.LiveAttempt().Key
	if err := s.finish(h, key); err != nil {
		return err.Error()
	}
	for _, i := range order {
		if names[i] == "answer" {
			close(b.open)
			if err := <-done; err != nil {
				return err.Error()
			}
			continue
		}
		if err := e.Notice(h.t.Context(), h.post(names[i]+"_"+string(p.ID), key, value, s.notices[i])); err != nil {
			return fmt.Sprintf("notice %s: %v", names[i], err)
		}
	}
	h.workDue(e, p.ID)
	p = h.stored(p.ID)
	if p.State() != s.end || p.ErrorCode != s.code || p.Told == 0 || p.Told > 2 || p.LiveAttempt() != nil {
		return fmt.Sprintf("%s (code %q, told %d times), want %s", p.State(), p.ErrorCode, p.Told, s.end)
	}
	for _, a := range p.Attempts {
		if a.Reverses != 0 {
			return "something was given back"
		}
	}
	return ""
}
