package engine_test

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// wrapped is the sandbox connector with a test in its way: at is called with the name of each call before it is made,
// and with "after " and the name when its answer is there. An error takes the place of the call or the answer.
func wrapped(at func(call string) error) []connector.Type {
	return interpose(interposition{at: at, bound: context.WithCancel})
}

// leaving is the sandbox connector whose calls are given up as soon as the simulator delays them by Held: they have arrived
// then. It makes one call at a time.
func (h *house) leaving() []connector.Type {
	return interpose(interposition{at: func(string) error { return nil }, bound: h.untilHeld})
}

// untilHeld ends the context of a call as soon as the simulator delays one more by Held.
func (h *house) untilHeld(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	before := h.Holding()
	go func() {
		for ctx.Err() == nil && h.Holding() <= before {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	return ctx, cancel
}

// interposition is what a test puts in the way of the calls that may move money.
type interposition struct {
	at    func(call string) error
	bound func(context.Context) (context.Context, context.CancelFunc) // of each call

	change func(call string, f payment.Fact) payment.Fact // of each answer, if given
}

func interpose(by interposition) []connector.Type {
	inner := sandbox.Type()
	return []connector.Type{{Name: inner.Name, Loggable: inner.Loggable, Parse: func(raw json.RawMessage) (connector.Config, error) {
		c, err := inner.Parse(raw)
		return interposedConfig{c, by}, err
	}}}
}

type interposedConfig struct {
	connector.Config
	by interposition
}

func (c interposedConfig) Open(d connector.Deps) (connector.Connector, error) {
	inner, err := c.Config.Open(d)
	if err != nil {
		return nil, err
	}
	return &interposed{inner.(*sandbox.Sandbox), c.by}, nil
}

type interposed struct {
	*sandbox.Sandbox
	by interposition
}

func (i *interposed) around(ctx context.Context, call string, f func(context.Context) (payment.Fact, error)) (payment.Fact, error) {
	if err := i.by.at(call); err != nil {
		return payment.Fact{}, err
	}
	ctx, cancel := i.by.bound(ctx)
	defer cancel()
	fact, err := f(ctx)
	if blocked := i.by.at("after " + call); blocked != nil {
		return payment.Fact{}, blocked
	}
	if i.by.change != nil && err == nil {
		fact = i.by.change(call, fact)
	}
	return fact, err
}

func (i *interposed) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return i.around(ctx, "start", func(ctx context.Context) (payment.Fact, error) { return i.Sandbox.Start(ctx, r) })
}

func (i *interposed) Capture(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return i.around(ctx, "capture", func(ctx context.Context) (payment.Fact, error) { return i.Sandbox.Capture(ctx, r) })
}

func (i *interposed) Void(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return i.around(ctx, "void", func(ctx context.Context) (payment.Fact, error) { return i.Sandbox.Void(ctx, r) })
}

func (i *interposed) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return i.around(ctx, "refund", func(ctx context.Context) (payment.Fact, error) { return i.Sandbox.Refund(ctx, r) })
}

func (i *interposed) Payout(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return i.around(ctx, "payout", func(ctx context.Context) (payment.Fact, error) { return i.Sandbox.Payout(ctx, r) })
}

func (i *interposed) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	return i.around(ctx, "status", func(ctx context.Context) (payment.Fact, error) { return i.Sandbox.Status(ctx, ref) })
}

// repoint stores the settings of the shop's first terminal.
func (h *house) repoint(s *shop.Shop) {
	h.t.Helper()
	err := h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
		t := &s.Terminals[0]
		return tx.Terminals().Change(s.ID, t.ID, func(stored *shop.Terminal) error {
			stored.Config, stored.Enabled, stored.Priority = t.Config, t.Enabled, t.Priority
			return nil
		})
	})
	if err != nil {
		h.t.Fatal(err)
	}
}
