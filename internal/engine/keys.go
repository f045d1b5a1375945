package engine

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// KeyHash is the keyed hash of an API key: memory holds it in the place of a key.
type KeyHash [32]byte

// HashKey returns the hash by which an API key is known.
func (e *Engine) HashKey(key id.APIKey) KeyHash { return KeyHash(e.c.Keys.HashAPIKey(key.Reveal())) }

// KeyOwner returns the shop of the API key with this public start and this hash; hashes are compared in constant time. Errors:
// payment.ErrNotFound for one that is not known or is revoked; ErrUnavailable.
func (e *Engine) KeyOwner(ctx context.Context, prefix string, hash KeyHash) (shop.ID, error) {
	var keys []shop.Key
	err := e.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.APIKeys().ByPrefix(prefix)
		return err
	})
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConflict) {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err != nil {
		return "", fmt.Errorf("look up API key %s: %w", prefix, err)
	}
	for i := range keys {
		if hmac.Equal(keys[i].Hash, hash[:]) && keys[i].Revoked.IsZero() {
			return keys[i].Shop, nil
		}
	}
	return "", payment.ErrNotFound
}
