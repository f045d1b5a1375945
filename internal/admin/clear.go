package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// checkHTTPS refuses what errs say about http addresses of live shops, unless the installation allows them.
func (d *Desk) checkHTTPS(errs ...error) error {
	err := errors.Join(errs...)
	if err == nil || d.c.InsecureHTTP {
		return nil
	}
	return fmt.Errorf("%w (a server with --insecure-http takes http)", err)
}

// checkKept refuses to have cards kept where none ever is. A shop that had it so before may change something else.
func (d *Desk) checkKept(s, before *shop.Settings) error {
	if !d.c.NeverKeepCards || !s.CardTokens || before.CardTokens {
		return nil
	}
	return errors.New("settings: cardTokens: this server keeps no card numbers (--never-keep-cards), so that there can be no tokens for them")
}

// checkCalled refuses a terminal that would call its provider in clear for a live shop.
func (d *Desk) checkCalled(s *shop.Shop, t *shop.Terminal) error {
	parsed, err := d.parseConnector(t.Connector, t.Config)
	if err != nil {
		return err
	}
	for _, called := range parsed.Addresses() {
		if err := d.checkHTTPS(s.CheckCalled(called)); err != nil {
			return fmt.Errorf("settings: %w", err)
		}
	}
	return nil
}

// checkReached refuses a terminal whose provider would be at an address that nothing is ever sent to.
func (d *Desk) checkReached(t *shop.Terminal) error {
	parsed, err := d.parseConnector(t.Connector, t.Config)
	if err != nil {
		return err
	}
	for _, called := range parsed.Addresses() {
		if u, err := url.Parse(called); err == nil && outbound.GuardNone.ForbidsLiteral(u.Hostname()) {
			return fmt.Errorf("settings: its provider's address %w", shop.ErrNever)
		}
	}
	return nil
}

// parseConnector reads the settings of a terminal.
func (d *Desk) parseConnector(name string, settings json.RawMessage) (connector.Config, error) {
	at := slices.IndexFunc(d.c.Connectors, func(t connector.Type) bool { return t.Name == name })
	if at < 0 {
		return nil, fmt.Errorf("there is no connector %s", named(name))
	}
	parsed, err := d.c.Connectors[at].Parse(settings)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return parsed, nil
}

// ClearAddress is an address of a live shop to which messages go in clear. It is not shown: it may hold a secret.
type ClearAddress struct {
	Shop     shop.ID `json:"shopId"`
	Terminal string  `json:"terminalId,omitempty"` // whose settings have it, or empty
	Setting  string  `json:"setting"`
}

// ClearAddresses lists those that are http without the installation allowing it: they were taken before they would have
// been refused.
func (d *Desk) ClearAddresses(ctx context.Context) ([]ClearAddress, error) {
	if d.c.InsecureHTTP {
		return nil, nil
	}
	shops, err := view(ctx, d, func(tx *store.Tx) ([]shop.Shop, error) { return tx.Shops().Live() })
	var found []ClearAddress
	for i := range shops {
		s := &shops[i]
		if s.CheckServed(d.c.PublicURL) != nil {
			found = append(found, ClearAddress{s.ID, "", "--public-url"})
		}
		for _, name := range s.Clear() {
			found = append(found, ClearAddress{s.ID, "", name})
		}
		for j := range s.Terminals {
			t := &s.Terminals[j]
			parsed, err := d.parseConnector(t.Connector, t.Config)
			if err == nil && slices.ContainsFunc(parsed.Addresses(), func(a string) bool { return s.CheckCalled(a) != nil }) {
				found = append(found, ClearAddress{s.ID, t.ID, "settings of " + t.Connector})
			}
		}
	}
	return found, err
}

// KeptInVain lists the shops that have cards kept for their customers, on a server that keeps none: their tokens are unknown there.
func (d *Desk) KeptInVain(ctx context.Context) ([]shop.ID, error) {
	if !d.c.NeverKeepCards {
		return nil, nil
	}
	shops, err := view(ctx, d, func(tx *store.Tx) ([]shop.Shop, error) { return tx.Shops().List() })
	var in []shop.ID
	for i := range shops {
		if shops[i].Active && shops[i].Settings.CardTokens {
			in = append(in, shops[i].ID)
		}
	}
	return in, err
}

// LiveShops counts those that take real money.
func (d *Desk) LiveShops(ctx context.Context) (int, error) {
	shops, err := view(ctx, d, func(tx *store.Tx) ([]shop.Shop, error) { return tx.Shops().Live() })
	return len(shops), err
}
