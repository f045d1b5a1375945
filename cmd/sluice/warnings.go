package main

import (
	"context"
	"errors"
	"fmt"
)

// What a server says at its start about shops that were set up for another way to run it.
const (
	warnClear  = "a live shop has an http address: who is on the way can read and change what is sent there"
	warnVain   = "a shop has cards kept for its customers, and this server keeps none: their tokens are unknown here"
	warnBeside = "a demo runs beside live shops: its simulator is served at the same public address, and its keys are printed"
)

// warnOfShops says what of the shops there are does not fit how this server runs. None of it stops it.
func (a *node) warnOfShops(ctx context.Context) error {
	return errors.Join(a.warnOfClear(ctx), a.warnOfVain(ctx), a.warnOfDemo(ctx))
}

// warnOfClear says which addresses of live shops go on that would be refused now.
func (a *node) warnOfClear(ctx context.Context) error {
	found, err := a.Desk.ClearAddresses(ctx)
	if err != nil {
		return fmt.Errorf("addresses of live shops: %w", err)
	}
	for _, f := range found {
		args := []any{"shop", f.Shop, "setting", f.Setting}
		if f.Terminal != "" {
			args = append(args, "terminal", f.Terminal)
		}
		a.log.WarnContext(ctx, warnClear, args...)
	}
	return nil
}

// warnOfVain names the shops whose setting cardTokens has no effect.
func (a *node) warnOfVain(ctx context.Context) error {
	in, err := a.Desk.KeptInVain(ctx)
	if err != nil {
		return fmt.Errorf("shops that keep cards: %w", err)
	}
	for _, shop := range in {
		a.log.WarnContext(ctx, warnVain, "shop", shop, "setting", "cardTokens", "flag", "--never-keep-cards")
	}
	return nil
}

// warnOfDemo says that there is real money beside the demo.
func (a *node) warnOfDemo(ctx context.Context) error {
	if !a.config.Demo {
		return nil
	}
	live, err := a.Desk.LiveShops(ctx)
	if err != nil {
		return fmt.Errorf("live shops: %w", err)
	}
	if live > 0 {
		a.log.WarnContext(ctx, warnBeside, "live_shops", live)
	}
	return nil
}
