package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
)

// TestACodeThatIsWrongIsShownToNobody: it proves nothing, whatever else the answer says; once it is right the customer sees it.
func TestACodeThatIsWrongIsShownToNobody(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(string) string{
		"checksum":       func(code string) string { return code[:len(code)-4] + "0000" },
		"another amount": func(string) string { return wrongAmount },
		"no code":        func(string) string { return "" },
		"markup":         func(string) string { return "<script>alert(1)</script>" },
		"of another":     func(code string) string { return strings.Replace(code, "br.gov.bcb.pix", "br.gov.bcb.pyx", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, h *house) {
				wrong := true
				e := h.other(func(c *engine.Config) {
					c.Connectors = interpose(interposition{bound: context.WithCancel, at: func(string) error { return nil }, change: func(_ string, f payment.Fact) payment.Fact {
						if wrong && f.Next.Kind == payment.NextCode {
							f.Next.Code = spoil(f.Next.Code)
						}
						return f
					}})
				})
				p := h.create(h.waitingFor(payment.Pix))
				o, err := e.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Hosted: true})
				if err != nil {
					t.Fatal(err)
				}
				if a := o.Payment.LiveAttempt(); a == nil || a.Class != payment.ClassUnknown || !a.Next.IsZero() {
					t.Fatalf("%+v", a)
				}
				wrong = false
				h.Clock.Advance(time.Minute)
				if p, err = e.Get(t.Context(), h.shop.ID, p.ID); err != nil {
					t.Fatal(err)
				}
				if a := p.LiveAttempt(); a == nil || a.Class != payment.ClassWaiting || a.Next.Kind != payment.NextCode {
					t.Errorf("%+v", a)
				}
				h.abandon(p.ID)
				h.agree()
			})
		})
	}
}

// wrongAmount is a right code over other money.
const wrongAmount = "00020101021226630014br.gov.bcb.pix2541pix.sandbox.example/v2/0123456789abcdef0152040000530398654041.005802BR5907SANDBOX6009SAO PAULO62070503***63046710"

// choosing is the sandbox whose list of banks a test writes.
type choosing struct {
	*sandbox.Sandbox

	c *choosingConfig
}

type choosingConfig struct {
	connector.Config

	banks []connector.Bank
	err   error
	asked int
}

func (c *choosingConfig) Open(d connector.Deps) (connector.Connector, error) {
	inner, err := c.Config.Open(d)
	return choosing{inner.(*sandbox.Sandbox), c}, err //nolint:forcetypeassert // it is that one
}

func (c choosing) Banks(context.Context, connector.Choice) ([]connector.Bank, error) {
	c.c.asked++
	return c.c.banks, c.c.err
}

// TestBanksAreAskedForNowAndThen: what cannot be shown is left out, and a provider that does not answer is not asked for each page.
func TestBanksAreAskedForNowAndThen(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		c := &choosingConfig{banks: []connector.Bank{
			{ID: "a", Name: "A"}, {ID: "", Name: "none"}, {ID: "b"}, {ID: "a", Name: "again"}, {ID: strings.Repeat("x", 65), Name: "X"}, {ID: "c", Name: "\xff"}, {ID: "d", Name: "D"},
		}}
		kind := sandbox.Type()
		parse := kind.Parse
		kind.Parse = func(raw json.RawMessage) (connector.Config, error) {
			inner, err := parse(raw)
			c.Config = inner
			return c, err
		}
		e := h.other(func(conf *engine.Config) { conf.Connectors = []connector.Type{kind} })
		p := h.create(h.waitingFor(payment.OpenBanking))
		for _, step := range []struct {
			after       time.Duration
			err         error
			banks, asks int
		}{
			{0, nil, 2, 1}, {30 * time.Second, nil, 2, 1}, {31 * time.Second, nil, 2, 2},
			{2 * time.Minute, errors.New("down"), 2, 3}, {time.Second, nil, 2, 3}, {10 * time.Second, errors.New("down"), 2, 4},
			{time.Hour, errors.New("down"), 0, 5}, {time.Minute, nil, 2, 6},
		} {
			h.Clock.Advance(step.after)
			c.err = step.err
			if banks := e.Page().Banks(t.Context(), h.shop, &p, payment.OpenBanking); len(banks) != step.banks || c.asked != step.asks {
				t.Fatalf("%+v: %d banks after %d questions", step, len(banks), c.asked)
			}
		}
		if banks := e.Page().Banks(t.Context(), h.shop, &p, payment.OpenBanking); banks[0].Name != "A" || banks[1].ID != "d" {
			t.Errorf("%+v", banks)
		}
	})
}
