package api

import (
	"context"
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
	known map[engine.KeyHash]verified // memory holds no key longer than its request
}

type verified struct {
	shop shop.ID
	at   time.Time
}

// NewAuth returns an Auth for the engine's shops.
func NewAuth(e *engine.Engine) *Auth {
	return &Auth{engine: e, known: make(map[engine.KeyHash]verified)}
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
	hash := a.engine.HashKey(key)
	now := a.engine.Now()
	a.mu.Lock()
	v, ok := a.known[hash]
	a.mu.Unlock()
	if ok && a.engine.Fresh(v.at) {
		return v.shop, nil
	}
	sid, err := a.engine.KeyOwner(ctx, key.Prefix(), hash)
	if errors.Is(err, payment.ErrNotFound) {
		return "", ErrUnauthorized
	}
	if err != nil {
		return "", err
	}
	a.remember(hash, verified{sid, now})
	return sid, nil
}

// remember keeps a verified key, making room by forgetting those that are too old, or all if none is.
func (a *Auth) remember(hash engine.KeyHash, v verified) {
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
