package engine_test

import (
	"context"
	"encoding/json"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// wrapped is the sandbox connector with a test in its way: at is called with the name of each call before it is made,
// and with "after " and the name when its answer is there. An error takes the place of the call or the answer.
func wrapped(at func(call string) error) []connector.Type {
	inner := sandbox.Type()
	return []connector.Type{{Name: inner.Name, Loggable: inner.Loggable, Parse: func(raw json.RawMessage) (connector.Config, error) {
		c, err := inner.Parse(raw)
		return interposedConfig{c, at}, err
	}}}
}

type interposedConfig struct {
	connector.Config
	at func(string) error
}

func (c interposedConfig) Open(d connector.Deps) (connector.Connector, error) {
	inner, err := c.Config.Open(d)
	if err != nil {
		return nil, err
	}
	return &interposed{inner.(*sandbox.Sandbox), c.at}, nil
}

type interposed struct {
	*sandbox.Sandbox
	at func(string) error
}

func (i *interposed) around(call string, f func() (payment.Fact, error)) (payment.Fact, error) {
	if err := i.at(call); err != nil {
		return payment.Fact{}, err
	}
	fact, err := f()
	if blocked := i.at("after " + call); blocked != nil {
		return payment.Fact{}, blocked
	}
	return fact, err
}

func (i *interposed) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return i.around("start", func() (payment.Fact, error) { return i.Sandbox.Start(ctx, r) })
}

func (i *interposed) Capture(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return i.around("capture", func() (payment.Fact, error) { return i.Sandbox.Capture(ctx, r) })
}

func (i *interposed) Void(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return i.around("void", func() (payment.Fact, error) { return i.Sandbox.Void(ctx, r) })
}

func (i *interposed) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return i.around("refund", func() (payment.Fact, error) { return i.Sandbox.Refund(ctx, r) })
}

func (i *interposed) Payout(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return i.around("payout", func() (payment.Fact, error) { return i.Sandbox.Payout(ctx, r) })
}

func (i *interposed) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	return i.around("status", func() (payment.Fact, error) { return i.Sandbox.Status(ctx, ref) })
}

// repoint stores the settings of the shop's first terminal.
func (h *house) repoint(s *shop.Shop) {
	h.t.Helper()
	err := h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
		tx.UpdateTerminal(s.ID, &s.Terminals[0])
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}
