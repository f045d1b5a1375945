package admin

import (
	"context"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// Terminal is a terminal as lists show it, without its credentials.
type Terminal struct {
	ID         string           `json:"terminalId"`
	Name       string           `json:"terminalName"`
	Connector  string           `json:"connector"`
	Priority   int              `json:"priority"`
	Enabled    bool             `json:"enabled"`
	Types      []payment.Type   `json:"types"`
	Methods    []payment.Method `json:"methods"`
	Currencies []money.Currency `json:"currencies,omitempty"` // empty: any
	Removed    time.Time        `json:"removedAt,omitzero"`   // by id it can still be shown and updated
}

func terminalShown(t *shop.Terminal) Terminal {
	return Terminal{t.ID, t.Name, t.Connector, t.Priority, t.Enabled, t.Types, t.Methods, t.Currencies, t.Removed}
}

// listTerminals lists the terminals of a shop, best first. One that was removed is among them only where a request that
// was under way then has sent a payment there. It needs the right ReadTerminals.
func (d *Desk) listTerminals(ctx context.Context, c OfShop) (List[Terminal], error) {
	found, err := view(ctx, d, func(tx *store.Tx) ([]shop.Terminal, error) {
		s, err := tx.Shops().Get(shop.ID(c.Shop))
		var there []shop.Terminal
		for i := range s.Terminals {
			t := &s.Terminals[i]
			listed := t.Removed.IsZero()
			if !listed {
				if listed, err = tx.Terminals().Used(s.ID, t.ID); err != nil {
					return nil, err
				}
			}
			if listed {
				there = append(there, *t)
			}
		}
		return there, err
	})
	return listOf(found, terminalShown), shopError(err, c.Shop)
}
