package api

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// ErrUnauthorized is returned for a request without a valid API key. It does not say what was wrong with the key.
var ErrUnauthorized = errors.New("no valid API key")

// maxKeys is how many verified keys are remembered at a time; each is trusted for engine.SettingsAge without asking the
// database again.
const maxKeys = 4096

// Auth finds out which shop is calling by the API key of the request. It is safe for concurrent use.
type Auth struct {
	engine *engine.Engine

	mu    sync.Mutex
	known map[keyHash]verified
}

type keyHash [32]byte // keyed, so that memory holds no key longer than its request

type verified struct {
	shop shop.ID
	at   time.Time
}

// NewAuth returns an Auth on the engine's database, keys and clock.
func NewAuth(e *engine.Engine) *Auth {
	return &Auth{engine: e, known: make(map[keyHash]verified)}
}

// Shop returns the shop whose API key the request carries as `Authorization: Bearer <key>`. The shop is shared and
// must not be changed. A revoked key is refused a second after its revocation at the latest.
//
// Errors: ErrUnauthorized; engine.ErrForbidden for a shop that is inactive; engine.ErrUnavailable.
func (a *Auth) Shop(r *http.Request) (*shop.Shop, error) {
	text, ok := Credentials(r.Header, "Bearer")
	if !ok {
		return nil, ErrUnauthorized
	}
	return a.ByKey(r.Context(), text)
}

// ByKey returns the shop of an API key, with the errors of Shop.
func (a *Auth) ByKey(ctx context.Context, text string) (*shop.Shop, error) {
	key, err := id.ParseAPIKey(text)
	if err != nil {
		return nil, ErrUnauthorized
	}
	sid, err := a.owner(ctx, key)
	if err != nil {
		return nil, err
	}
	return a.open(ctx, sid)
}

// ByMerchantID returns the shop whose merchant id serves as its key, with the errors of Shop. Only test shops that
// are set so can be called by it: a merchant id is no secret.
func (a *Auth) ByMerchantID(ctx context.Context, text string) (*shop.Shop, error) {
	sid, ok := id.Read(text)
	if !ok {
		return nil, ErrUnauthorized
	}
	s, err := a.open(ctx, shop.ID(sid))
	if err == nil && (s.Live || !s.Settings.YandexPay.MerchantIDAsKey) {
		return nil, ErrUnauthorized
	}
	return s, err
}

// open returns a shop that may call.
func (a *Auth) open(ctx context.Context, sid shop.ID) (*shop.Shop, error) {
	s, err := a.engine.Shop(ctx, sid)
	if errors.Is(err, payment.ErrNotFound) {
		return nil, ErrUnauthorized
	}
	if err != nil {
		return nil, fmt.Errorf("shop %s: %w", sid, err)
	}
	if !s.Active {
		return nil, engine.ErrForbidden
	}
	return s, nil
}

// Credentials returns what the one Authorization header has after the scheme, whose word may be in any case.
func Credentials(h http.Header, scheme string) (string, bool) {
	given := h["Authorization"]
	if len(given) != 1 {
		return "", false
	}
	word, credentials, found := strings.Cut(given[0], " ")
	return strings.Trim(credentials, " "), found && strings.EqualFold(word, scheme)
}

// owner returns the shop that the key belongs to, from memory where the key was verified a moment ago.
func (a *Auth) owner(ctx context.Context, key id.APIKey) (shop.ID, error) {
	hash := keyHash(a.engine.Keys.HashAPIKey(key.Reveal()))
	now := a.engine.Now()
	a.mu.Lock()
	v, ok := a.known[hash]
	a.mu.Unlock()
	if ok && a.engine.Fresh(v.at) {
		return v.shop, nil
	}
	sid, err := a.verify(ctx, key.Prefix(), hash)
	if err != nil {
		return "", err
	}
	a.remember(hash, verified{sid, now})
	return sid, nil
}

// verify looks the key up by its public start and compares the keyed hashes in constant time.
func (a *Auth) verify(ctx context.Context, prefix string, hash keyHash) (shop.ID, error) {
	var keys []shop.Key
	err := a.engine.DB.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.APIKeys().ByPrefix(prefix)
		return err
	})
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConflict) {
		return "", fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	}
	if err != nil {
		return "", fmt.Errorf("look up API key %s: %w", prefix, err)
	}
	for i := range keys {
		if hmac.Equal(keys[i].Hash, hash[:]) && keys[i].Revoked.IsZero() {
			return keys[i].Shop, nil
		}
	}
	return "", ErrUnauthorized
}

// remember keeps a verified key, making room by forgetting those that are too old, or all if none is.
func (a *Auth) remember(hash keyHash, v verified) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= maxKeys {
		for h, k := range a.known {
			if v.at.Sub(k.at) >= engine.SettingsAge {
				delete(a.known, h)
			}
		}
		if len(a.known) >= maxKeys {
			clear(a.known)
		}
	}
	a.known[hash] = v
}
