package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// Endpoint is a merchant's address for events, and how it fares.
type Endpoint struct {
	ID        string              `json:"endpointId"`
	State     store.EndpointState `json:"state"`
	Open      int64               `json:"open"`  // deliveries that are not finished
	Fails     int                 `json:"fails"` // in a row
	DownSince time.Time           `json:"downSince,omitzero"`
	Hold      time.Time           `json:"notBefore,omitzero"`
	URL       string              `json:"url"`
	LastError string              `json:"lastError,omitempty"`
}

// listEndpoints lists a shop's endpoints. It needs the right ReadWebhooks.
func (d *Desk) listEndpoints(ctx context.Context, c OfShop) (List[Endpoint], error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return List[Endpoint]{}, err
	}
	found, err := view(ctx, d, func(tx *store.Tx) ([]store.EndpointInfo, error) { return tx.Endpoints().List(s.ID, "", mostListed+1) })
	return bounded(found, mostListed, func(e *store.EndpointInfo) Endpoint {
		return Endpoint{e.ID, e.State, e.Open, e.Fails, e.DownSince, e.Hold, e.URL, e.LastError}
	}), err
}

// What an endpoint can be switched to.
const (
	EndpointOn  = store.EndpointUp
	EndpointOff = store.EndpointDisabled
)

// SwitchEndpoint says which endpoint to switch on or off.
type SwitchEndpoint struct {
	Shop     string              `json:"shop"`
	Endpoint string              `json:"endpoint"`
	To       store.EndpointState `json:"to"` // UP or DISABLED
}

// EndpointSwitched is an endpoint in its new state.
type EndpointSwitched struct {
	Endpoint string              `json:"endpointId"`
	State    store.EndpointState `json:"state"`
}

// switchEndpoint switches an endpoint on or off; what is open for one that is off is given up. It needs the right
// ManageWebhooks.
func (d *Desk) switchEndpoint(ctx context.Context, c SwitchEndpoint) (EndpointSwitched, error) {
	if c.To != EndpointOn && c.To != EndpointOff {
		return EndpointSwitched{}, fmt.Errorf("an endpoint cannot be made %q", c.To)
	}
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return EndpointSwitched{}, err
	}
	k := store.EndpointKey{Shop: s.ID, ID: c.Endpoint}
	err = d.c.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Endpoints().Get(k)
		tx.Endpoints().Switch(k, c.To)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("shop %s has no endpoint %s; \"sluice webhook endpoints\" lists them", c.Shop, named(c.Endpoint))
	}
	return EndpointSwitched{c.Endpoint, c.To}, err
}

// Untold is an event that could not be put into words yet.
type Untold struct {
	Shop    shop.ID    `json:"shopId"`
	Payment payment.ID `json:"paymentId"`
	API     string     `json:"api"`
	Since   time.Time  `json:"since"`
	Fails   int        `json:"failed"`
	Due     time.Time  `json:"due"`
	Error   string     `json:"error"`
}

// ListUntold lists events that could not be put into words, oldest first. It needs the right ReadWebhooks.
func (d *Desk) listUntold(ctx context.Context, _ Nothing) (List[Untold], error) {
	found, err := view(ctx, d, func(tx *store.Tx) ([]store.Untold, error) { return tx.UntoldFacts().List(mostListed + 1) })
	return bounded(found, mostListed, func(u *store.Untold) Untold {
		return Untold{u.Shop, u.Payment, u.Dialect, u.Created, u.Fails, u.Due, u.Error}
	}), err
}

// retryUntold has all of them tried again at once, and lists them. It needs the right ResendWebhooks.
func (d *Desk) retryUntold(ctx context.Context, _ Nothing) (List[Untold], error) {
	l, err := d.listUntold(ctx, Nothing{})
	if err != nil {
		return l, err
	}
	now := d.c.Now()
	for i := range l.Items {
		l.Items[i].Due = now
	}
	return l, d.c.DB.Update(ctx, func(tx *store.Tx) error {
		tx.UntoldFacts().Hurry()
		return nil
	})
}
