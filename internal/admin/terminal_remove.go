package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// keptRemoved is how long the settings of a removed terminal are kept. A process can go by what it read of the shop for as
// long as a request lasts, which is minutes, and send a payment to a terminal that is gone by then. A day is far more.
const keptRemoved = 24 * time.Hour

// TerminalRemoved is a terminal that is gone.
type TerminalRemoved struct {
	ID     string    `json:"terminalId"`
	Name   string    `json:"terminalName"`
	Erased time.Time `json:"settingsErasedAfter"`
	Effect
}

// removeTerminal takes away a terminal that is disabled and that no payment ever used. Whatever request is under way
// meanwhile, at this node or another, finds its settings for a day, and for good if it has sent a payment there. It needs
// the right ManageTerminals.
func (d *Desk) removeTerminal(ctx context.Context, c OfTerminal) (TerminalRemoved, error) {
	var gone TerminalRemoved
	err := d.c.DB.Update(ctx, func(tx *store.Tx) error {
		s, err := tx.Shops().Get(shop.ID(c.Shop))
		if err != nil {
			return err
		}
		t, err := c.find(&s)
		done := err != nil || !t.Removed.IsZero()
		if done && tx.MaybeCommitted() && gone.ID != "" {
			return nil // by this command or another
		}
		if err != nil {
			return err
		}
		if err := removable(tx, s.ID, t); err != nil {
			return err
		}
		tx.Terminals().Remove(s.ID, t)
		if err := tx.Terminals().Forget(tx.Now().Add(-keptRemoved)); err != nil {
			return err
		}
		gone = TerminalRemoved{ID: t.ID, Name: t.Name, Erased: tx.Now().Add(keptRemoved)}
		return nil
	})
	if err != nil {
		return TerminalRemoved{}, shopError(err, c.Shop)
	}
	gone.Effect = d.effect()
	return gone, nil
}

// removable says why a terminal has to stay.
func removable(tx *store.Tx, sid shop.ID, t *shop.Terminal) error {
	if !t.Removed.IsZero() {
		return goneError(t)
	}
	if t.Enabled {
		return fmt.Errorf("terminal %s is enabled: disable it first, so that no payment begins there meanwhile", t.Name)
	}
	used, err := tx.Terminals().Used(sid, t.ID)
	if err == nil && used {
		err = fmt.Errorf("terminal %s has had payments or notices, which need it for refunds and for the record; it stays, disabled", t.Name)
	}
	return err
}

func goneError(t *shop.Terminal) error {
	return fmt.Errorf("terminal %s was removed at %s", t.ID, t.Removed.UTC().Format(time.DateTime))
}

// ForgetTerminals erases what is kept of terminals that were removed long enough ago. It belongs to the start of a server,
// and every removal does it, too.
func (d *Desk) ForgetTerminals(ctx context.Context) error {
	return d.c.DB.Update(ctx, func(tx *store.Tx) error {
		return tx.Terminals().Forget(tx.Now().Add(-keptRemoved))
	})
}
