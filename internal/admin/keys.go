package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// NewKey is a key that was just made: its text is nowhere but here.
type NewKey struct {
	Text string
	Row  *shop.Key
}

func (d *Desk) newKey(sid shop.ID, live bool, label string) (NewKey, error) {
	text := d.IDs.APIKey(live)
	parsed, err := id.ParseAPIKey(text)
	if err != nil {
		return NewKey{}, fmt.Errorf("key just made: %w", err)
	}
	kid, at := d.IDs.New()
	return NewKey{text, &shop.Key{
		ID: kid, Shop: sid, Prefix: parsed.Prefix(), Hash: d.Keys.HashAPIKey(text), Label: label, Created: at,
	}}, nil
}

// CreateKey says what API key to make.
type CreateKey struct {
	OfShop
	Label string `name:"label" help:"What the key is for, in your own words." json:"label,omitempty"`
}

// KeyCreated is an API key, which is shown this once.
type KeyCreated struct {
	Key    string `json:"keyId"`
	APIKey string `json:"apiKey"`
}

// Made implements what the log names.
func (k KeyCreated) Made() string { return k.Key }

// CreateKey makes an API key. It needs the right ManageKeys.
func (d *Desk) CreateKey(ctx context.Context, c CreateKey) (KeyCreated, error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return KeyCreated{}, err
	}
	if c.Label != "" {
		if err := shop.CheckName("label", c.Label); err != nil {
			return KeyCreated{}, err
		}
	}
	key, err := d.newKey(s.ID, s.Live, c.Label)
	if err != nil {
		return KeyCreated{}, err
	}
	err = d.DB.Update(ctx, func(tx *store.Tx) error {
		if tx.MaybeCommitted() { // an id is of one run of this command only
			keys, err := tx.Keys(s.ID)
			if err != nil || slices.ContainsFunc(keys, func(k shop.Key) bool { return k.ID == key.Row.ID }) {
				return err
			}
		}
		tx.InsertKey(key.Row)
		return nil
	})
	if err != nil {
		return KeyCreated{}, err
	}
	return KeyCreated{key.Row.ID, key.Text}, nil
}

// Key is an API key as lists show it: never the key.
type Key struct {
	ID      string    `json:"keyId"`
	Prefix  string    `json:"startsWith"`
	Label   string    `json:"label,omitempty"`
	Created time.Time `json:"created"`
	Revoked time.Time `json:"revoked,omitzero"`
}

// ListKeys lists the keys of a shop, revoked ones too, oldest first. It needs the right ReadShops.
func (d *Desk) ListKeys(ctx context.Context, c OfShop) (List[Key], error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return List[Key]{}, err
	}
	found, err := view(ctx, d, func(tx *store.Tx) ([]shop.Key, error) { return tx.Keys(s.ID) })
	return listOf(found, func(k *shop.Key) Key { return Key{k.ID, k.Prefix, k.Label, k.Created, k.Revoked} }), err
}

// RevokeKey names the key to revoke.
type RevokeKey struct {
	OfShop
	Key string `arg:"" name:"key" help:"The key's id, as listed." json:"key" log:"keyId"`
}

// KeyRevoked is a key that is good no longer.
type KeyRevoked struct {
	Key string `json:"keyId"`
	Effect
}

// RevokeKey ends the life of a key; revoking it again changes nothing. It needs the right ManageKeys.
func (d *Desk) RevokeKey(ctx context.Context, c RevokeKey) (KeyRevoked, error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return KeyRevoked{}, err
	}
	found := false
	err = d.DB.Update(ctx, func(tx *store.Tx) error {
		keys, err := tx.Keys(s.ID)
		for _, k := range keys {
			found = found || k.ID == c.Key
		}
		tx.RevokeKey(s.ID, c.Key, tx.Now())
		return err
	})
	if err != nil {
		return KeyRevoked{}, err
	}
	if !found {
		return KeyRevoked{}, fmt.Errorf("shop %s has no key %q", s.ID, c.Key)
	}
	return KeyRevoked{c.Key, d.effect()}, nil
}
