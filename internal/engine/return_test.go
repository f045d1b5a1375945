package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"sync"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// resuming is the sandbox connector of a provider that wants to be told what a customer brings back. It remembers what it was
// told, and settles the attempt where the right thing was brought.
type resuming struct {
	*sandbox.Sandbox
	c *resumingConfig
}

type resumingConfig struct {
	connector.Config
	h     *house
	blind bool // it knows its own names of transactions only

	mu       sync.Mutex
	told     []payment.Brought
	given    []instrument.Means
	statuses int
}

func (c *resumingConfig) Open(d connector.Deps) (connector.Connector, error) {
	inner, err := c.Config.Open(d)
	if err != nil {
		return nil, err
	}
	return resuming{inner.(*sandbox.Sandbox), c}, nil
}

func (r resuming) Traits() connector.Traits {
	traits := r.Sandbox.Traits()
	traits.NoAskByKey = r.c.blind
	return traits
}

// Start of a blind provider is booked there, and its answer gets lost.
func (r resuming) Start(ctx context.Context, q connector.Request) (payment.Fact, error) {
	r.c.mu.Lock()
	r.c.given = append(r.c.given, instrument.Clone(q.Means))
	r.c.mu.Unlock()
	fact, err := r.Sandbox.Start(ctx, q)
	if err == nil && r.c.blind {
		return payment.Fact{}, errors.New("the answer was lost")
	}
	return fact, err
}

func (r resuming) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	r.c.mu.Lock()
	r.c.statuses++
	r.c.mu.Unlock()
	return r.Sandbox.Status(ctx, ref)
}

func (r resuming) Resume(ctx context.Context, ref connector.Ref, back payment.Brought) (payment.Fact, error) {
	r.c.mu.Lock()
	r.c.told = append(r.c.told, back)
	r.c.mu.Unlock()
	if back.Query.Get("result") == "good" || back.Form.Get("result") == "good" {
		if err := r.c.h.Simulator.Decide(ref.Key, "00"); err != nil {
			return payment.Fact{}, err
		}
	}
	return r.Sandbox.Status(ctx, ref)
}

func (h *house) resumer(blind bool) (*engine.Engine, *resumingConfig) {
	c := &resumingConfig{h: h, blind: blind}
	kind := sandbox.Type()
	parse := kind.Parse
	kind.Parse = func(raw json.RawMessage) (connector.Config, error) {
		inner, err := parse(raw)
		c.Config = inner
		return c, err
	}
	return h.other(func(conf *engine.Config) { conf.Connectors = []connector.Type{kind} }), c
}

// TestWhatTheCustomerBringsBackIsTold: each time that a customer comes with something, also after one who came with nothing or
// with the wrong thing; and nothing is read where nobody wants it.
func TestWhatTheCustomerBringsBackIsTold(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e, c := h.resumer(false)
		p := h.create(h.newDeposit("10.00", cardChallenge))
		o, err := e.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Means: cardOf(t, cardChallenge)})
		if err != nil || o.Payment.State() != payment.Pending {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		if _, err := e.SendAway(t.Context(), h.target(p.ID)); err != nil {
			t.Fatal(err)
		}
		with := func(result string) func() payment.Brought {
			return func() payment.Brought {
				if result == "" {
					return payment.Brought{}
				}
				return payment.Brought{Query: url.Values{"result": {result}}}
			}
		}
		for i, brings := range []string{"", "bad", "worse"} {
			back, err := e.Return(t.Context(), h.target(p.ID), with(brings))
			if err != nil || back.State() != payment.Pending || len(c.told) != i {
				t.Fatalf("%q: %s %v, told %d times, want PENDING and %d", brings, back.State(), err, len(c.told), i)
			}
		}
		back, err := e.Return(t.Context(), h.target(p.ID), with("good"))
		if err != nil || back.State() != payment.Completed || len(c.told) != 3 || c.told[2].Query.Get("result") != "good" {
			t.Fatalf("%s %v, told %v, want COMPLETED", back.State(), err, c.told)
		}
		read := false
		back, err = e.Return(t.Context(), h.target(p.ID), func() payment.Brought { read = true; return payment.Brought{} })
		if err != nil || back.State() != payment.Completed || read {
			t.Errorf("%s %v, read %t after the end", back.State(), err, read)
		}
		continues := 0
		for _, op := range h.log(p.ID) {
			if op.Kind == payment.OpContinue {
				continues++
			}
		}
		if continues != 1 {
			t.Errorf("%d entries CONTINUE in the log, want one", continues)
		}
	})
}

// TestWhatHasNoNameAtTheProviderIsNotAskedAbout: a provider that knows its own names only is asked about nothing that gave no
// answer, and the outcome stays open.
func TestWhatHasNoNameAtTheProviderIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e, c := h.resumer(true)
		p := h.create(h.newDeposit("10.00", cardApproved))
		o, err := e.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Means: cardOf(t, cardApproved)})
		if err != nil || o.Payment.State() != payment.Pending {
			t.Fatalf("%s %v", o.Payment.State(), err)
		}
		if q, err := e.ManualCheck(t.Context(), h.shop.ID, p.ID); err != nil || q.State() != payment.Pending || c.statuses != 0 {
			t.Errorf("%s %v, asked %d times", q.State(), err, c.statuses)
		}
	})
}

// TestMeansReachTheConnectorWhateverTheyAre, where they are those of the method; a card that came with the payment is not given to
// another method.
func TestMeansReachTheConnectorWhateverTheyAre(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		e, c := h.resumer(false)
		pay := func(m payment.Method, born, given instrument.Means) {
			t.Helper()
			d := h.newDeposit("10.00", cardApproved)
			d.Method, d.Means = m, born
			_, err := e.Execute(t.Context(), engine.Execute{Target: h.target(h.create(d).ID), Method: m, Means: given})
			if err != nil {
				t.Fatal(err)
			}
		}
		pay(payment.GooglePay, nil, &instrument.Wallet{Method: string(payment.GooglePay), Token: []byte("token")})
		pay(payment.GooglePay, nil, cardOf(t, cardApproved))
		pay(payment.BasicCard, nil, cardOf(t, cardApproved))
		if len(c.given) != 3 {
			t.Fatalf("%d calls", len(c.given))
		}
		if w, ok := c.given[0].(*instrument.Wallet); !ok || string(w.Token) != "token" {
			t.Errorf("a wallet's token: %v", c.given[0])
		}
		if c.given[1] != nil || instrument.CardOf(c.given[2]) == nil {
			t.Errorf("%v, %v: want nothing and a card", c.given[1], c.given[2])
		}
	})
}
