package app

import (
	"context"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/wallet/googlepay"
	"github.com/sluicepay/sluice/internal/walletcalls"
)

// googleRoots keeps the keys by which Google signs tokens, from when on somebody needs them: an installation whose shops have no account
// at Google never calls it.
type googleRoots struct {
	keys   *walletcalls.RootKeys
	wanted chan struct{}
}

func newGoogleRoots(client *outbound.Client, now func() time.Time) *googleRoots {
	return &googleRoots{walletcalls.NewRootKeys(walletcalls.GoogleRootKeys, client, now), make(chan struct{}, 1)}
}

// roots are the keys as they are known. A first token may come before there are any: it is to be sent again.
func (g *googleRoots) roots() googlepay.Roots {
	g.want()
	return g.keys.Roots()
}

func (g *googleRoots) want() {
	select {
	case g.wanted <- struct{}{}:
	default: // somebody has said so
	}
}

// FetchGoogleRoots keeps the keys by which Google signs tokens until ctx ends, where a shop needs them.
func (a *App) FetchGoogleRoots(ctx context.Context) error {
	var shops []shop.Shop
	err := a.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		shops, err = tx.Shops().List()
		return err
	})
	if err != nil {
		a.c.Log.WarnContext(ctx, "whether shops have accounts at Google is not known yet", "error", err)
	}
	for i := range shops {
		if g := shops[i].Settings.Wallets.Google; g != nil && !g.Test && g.Roots == "" {
			a.google.want()
		}
	}
	select {
	case <-a.google.wanted:
	case <-ctx.Done():
		return nil
	}
	for {
		next, err := a.google.keys.Refresh(ctx)
		if err != nil && ctx.Err() == nil {
			a.c.Log.WarnContext(ctx, "the keys by which Google signs tokens cannot be fetched; those that are known stay in use", "error", err)
		}
		wait := time.NewTimer(next.Sub(a.c.Now()))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil
		}
	}
}
