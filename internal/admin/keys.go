package admin

import (
	"context"
	"crypto/hmac"
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
	text := d.c.IDs.APIKey(live)
	parsed, err := id.ParseAPIKey(text)
	if err != nil {
		return NewKey{}, fmt.Errorf("key just made: %w", err)
	}
	kid, at := d.c.IDs.New()
	return NewKey{text, &shop.Key{
		ID: kid, Shop: sid, Prefix: parsed.Prefix(), Hash: d.c.Keys.HashAPIKey(text), Label: label, Created: at,
	}}, nil
}

// CreateKey says what API key to make.
type CreateKey struct {
	OfShop
	Label string `name:"label" placeholder:"TEXT" help:"What the key is for, in your own words." json:"label,omitempty"`
}

// KeyCreated is an API key, which is shown this once.
type KeyCreated struct {
	Key    string `json:"keyId"`
	APIKey string `json:"apiKey"`
}

// Made implements what the log names.
func (k KeyCreated) Made() string { return k.Key }

// createKey makes an API key. It needs the right ManageKeys.
func (d *Desk) createKey(ctx context.Context, c CreateKey) (KeyCreated, error) {
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
	err = d.c.DB.Update(ctx, func(tx *store.Tx) error {
		if tx.MaybeCommitted() { // an id is of one run of this command only
			keys, err := tx.APIKeys().List(s.ID)
			if err != nil || slices.ContainsFunc(keys, func(k shop.Key) bool { return k.ID == key.Row.ID }) {
				return err
			}
		}
		tx.APIKeys().Insert(key.Row)
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

// listKeys lists the keys of a shop, revoked ones too, oldest first. It needs the right ReadShops.
func (d *Desk) listKeys(ctx context.Context, c OfShop) (List[Key], error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return List[Key]{}, err
	}
	found, err := view(ctx, d, func(tx *store.Tx) ([]shop.Key, error) { return tx.APIKeys().List(s.ID) })
	return listOf(found, func(k *shop.Key) Key { return Key{k.ID, k.Prefix, k.Label, k.Created, k.Revoked} }), err
}

// KeyName is how an operator names an API key: its id or, where that is all they have, the whole key. It prints as no more of
// a key than lists show of it.
type KeyName string

// String implements fmt.Stringer.
func (n KeyName) String() string { return cut(string(n)) }

// Whole reports that the whole key was given, not its id.
func (n KeyName) Whole() bool {
	_, err := id.ParseAPIKey(string(n))
	return err == nil
}

// RevokeKey names the key to revoke.
type RevokeKey struct {
	OfShop
	Key KeyName `arg:"" name:"key" help:"The key's id, as listed. The whole key will do, and is not repeated." json:"key" log:"keyId"`
}

// KeyRevoked is a key that is good no longer.
type KeyRevoked struct {
	Key string `json:"keyId"`
	Effect
}

// revokeKey ends the life of a key; revoking it again changes nothing. The whole key names it as well as its id: whoever
// gives it wants it dead, and now it has been among the arguments of a command. It needs the right ManageKeys.
func (d *Desk) revokeKey(ctx context.Context, c RevokeKey) (KeyRevoked, error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return KeyRevoked{}, err
	}
	found := ""
	err = d.c.DB.Update(ctx, func(tx *store.Tx) error {
		keys, err := tx.APIKeys().List(s.ID)
		if at := slices.IndexFunc(keys, d.isKey(string(c.Key))); at >= 0 {
			found = keys[at].ID
			tx.APIKeys().Revoke(s.ID, found, tx.Now())
		}
		return err
	})
	if err != nil {
		return KeyRevoked{}, err
	}
	if found == "" {
		return KeyRevoked{}, fmt.Errorf("shop %s has no key %s; \"sluice key list\" shows them", s.ID, named(string(c.Key)))
	}
	return KeyRevoked{found, d.effect()}, nil
}

// isKey recognises the key that the text names.
func (d *Desk) isKey(text string) func(shop.Key) bool {
	if whole, err := id.ParseAPIKey(text); err == nil {
		hash := d.c.Keys.HashAPIKey(whole.Reveal())
		return func(k shop.Key) bool { return k.Prefix == whole.Prefix() && hmac.Equal(k.Hash, hash) }
	}
	return func(k shop.Key) bool { return k.ID == text }
}
