package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/webhook"
)

// RotateKey says whose signing key to replace.
type RotateKey struct {
	Shop    string        `name:"shop" required:"" placeholder:"ID" help:"The shop whose key to replace." json:"shop"`
	Overlap time.Duration `name:"overlap" default:"24h" help:"How long the old key goes on signing beside the new one." json:"overlap"`
}

// KeyRotated is a new signing key, which is shown this once.
type KeyRotated struct {
	Shop       shop.ID `json:"shopId"`
	SigningKey string  `json:"signingKey"`
	Effect
}

// rotateKey replaces a shop's signing key. It needs the right RotateSecrets.
func (d *Desk) rotateKey(ctx context.Context, c RotateKey) (KeyRotated, error) {
	if c.Overlap < 0 {
		return KeyRotated{}, fmt.Errorf("--overlap: %s is less than nothing", c.Overlap)
	}
	fresh := d.c.IDs.Letters(32)
	err := d.c.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Shops().Change(shop.ID(c.Shop), func(s *shop.Shop) error {
			retired := s.Settings.RetiredKey
			done := s.SigningKey == fresh || tx.MaybeCommitted() && retired != nil && retired.Key == fresh // and replaced since
			if !done {
				s.RotateKey(fresh, tx.Now().Add(c.Overlap))
			}
			return nil
		})
		return err
	})
	if err != nil {
		return KeyRotated{}, shopError(err, c.Shop)
	}
	return KeyRotated{shop.ID(c.Shop), fresh, d.effect()}, nil
}

// TokenKey is a key that tokens are or were signed by, which has nothing to hide here.
type TokenKey struct {
	KID            string    `json:"kid"`
	State          string    `json:"state"` // SIGNS, WAITS, VERIFIES or OVER
	Created        time.Time `json:"created"`
	SignsFrom      time.Time `json:"signsFrom"`
	SignsUntil     time.Time `json:"signsUntil,omitzero"`
	PublishedUntil time.Time `json:"publishedUntil,omitzero"`
}

// ListTokenKeys lists the installation's keys for signed tokens, oldest first. It needs the right ReadWebhooks.
func (d *Desk) listTokenKeys(ctx context.Context, _ Nothing) (List[TokenKey], error) {
	keys, err := view(ctx, d, func(tx *store.Tx) ([]store.SigningKey, error) { return tx.SigningKeys().List() })
	now := d.c.Now()
	return listOf(keys, func(k *store.SigningKey) TokenKey {
		until := k.Replaced
		if !until.IsZero() {
			until = until.Add(webhook.KeyKept)
		}
		return TokenKey{k.KID, tokenKeyState(keys, k, now), k.Created, k.Active, k.Replaced, until}
	}), err
}

func tokenKeyState(keys []store.SigningKey, k *store.SigningKey, now time.Time) string {
	switch {
	case k.Number == webhook.Signs(keys, now):
		return "SIGNS"
	case now.Before(k.Active):
		return "WAITS"
	case webhook.Published(k, now):
		return "VERIFIES"
	}
	return "OVER"
}

// RotateTokenKey says how soon a new key takes over.
type RotateTokenKey struct {
	Now bool `name:"now" help:"Sign with the new key within seconds instead of a day: for emergencies." json:"now,omitempty"`
}

// TokenKeyRotated is a new key for signed tokens.
type TokenKeyRotated struct {
	KID       string    `json:"kid"`
	SignsFrom time.Time `json:"signsFrom"`
}

// rotateTokenKey publishes a new key for signed tokens. It needs the right RotateSecrets.
func (d *Desk) rotateTokenKey(ctx context.Context, c RotateTokenKey) (TokenKeyRotated, error) {
	made, err := d.c.TokenKeys.Rotate(ctx, c.Now)
	if err != nil {
		return TokenKeyRotated{}, err
	}
	return TokenKeyRotated{made.KID, made.Active.UTC().Truncate(time.Second)}, nil
}
