package engine

import (
	"context"

	"github.com/sluicepay/sluice/internal/shop"
)

// FailShops has every read of a shop's settings end with what fault returns, unless that is nil. It has to be called
// before the engine is used.
func (e *Engine) FailShops(fault func() error) {
	read := e.shops.Read
	e.shops.Read = func(ctx context.Context, id shop.ID) (shop.Shop, error) {
		if err := fault(); err != nil {
			return shop.Shop{}, err
		}
		return read(ctx, id)
	}
}

// Config is what the engine works with.
func (e *Engine) Config() Config { return e.c }

// Change changes what the engine works with while nobody uses it.
func (e *Engine) Change(edit func(*Config)) {
	edit(&e.c)
	e.connectors, e.cards, e.means.Never = opened(e.c), keptCards(e.c), e.c.NeverKeep
}

// With is an engine of the same process with a changed configuration: it counts tries of cards with the one before.
func (e *Engine) With(edit func(*Config)) *Engine {
	c := e.c
	edit(&c)
	changed := New(c)
	changed.guard = e.guard
	return changed
}
