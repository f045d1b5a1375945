package yandexpay

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/provider"
)

const (
	keysLife  = time.Hour       // how long the provider's keys are believed to be its keys
	keysPause = 5 * time.Second // between two looks for a key that there is not
	keysWait  = 5 * time.Second // for the provider's answer, while it waits for ours
)

// signers are the keys by which the provider signs events, as it publishes them. They are fetched when an event comes that needs one.
type signers struct {
	api provider.API // of the key set
	now func() time.Time

	mu    sync.Mutex
	keys  map[string]*ecdsa.PublicKey
	since time.Time // when they were fetched, or tried to be
}

// verify reports whether the key of that name signed the text.
func (s *signers) verify(keyID, text string, signature []byte) error {
	if len(signature) != 64 {
		return fmt.Errorf("%w: a signature of another form", errNotice)
	}
	key, err := s.key(keyID)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(text))
	if !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return fmt.Errorf("%w: wrong signature", errNotice)
	}
	return nil
}

// key is the one with that name. One that is not known is looked for again, after a pause, since the provider may have a new one; keys that
// are known serve on as long as no new ones can be had.
func (s *signers) key(id string) (*ecdsa.PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	age := s.now().Sub(s.since)
	if key := s.keys[id]; s.since.IsZero() || age > keysLife || age < 0 || key == nil && age > keysPause {
		s.since = s.now()
		if err := s.fetch(); err != nil && key == nil {
			return nil, fmt.Errorf("%w: the provider's keys cannot be had: %w", errNotice, err)
		}
	}
	if key := s.keys[id]; key != nil {
		return key, nil
	}
	return nil, fmt.Errorf("%w: signed by no key of the provider's", errNotice)
}

func (s *signers) fetch() error {
	ctx, cancel := context.WithTimeout(context.Background(), keysWait)
	defer cancel()
	res, err := s.api.Get(ctx, "/api/jwks")
	if err != nil {
		return err //nolint:wrapcheck // by the caller
	}
	var set struct {
		Keys []jsonWebKey `json:"keys"`
	}
	if res.Status != http.StatusOK || provider.Read(res.Body, &set) != nil {
		return provider.Unclear(res.Status, "") //nolint:wrapcheck // by the caller
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, k := range set.Keys {
		if key := k.public(); key != nil {
			keys[k.ID] = key
		}
	}
	if len(keys) == 0 {
		return fmt.Errorf("%w: no keys", provider.ErrAnswer)
	}
	s.keys = keys
	return nil
}

// jsonWebKey is a public key of the kind that signs events; others are passed over.
type jsonWebKey struct {
	ID    string `json:"kid"`
	Type  string `json:"kty"`
	Curve string `json:"crv"`
	X     string `json:"x"`
	Y     string `json:"y"`
}

func (k *jsonWebKey) public() *ecdsa.PublicKey {
	x, errX := base64.RawURLEncoding.DecodeString(strings.TrimRight(k.X, "="))
	y, errY := base64.RawURLEncoding.DecodeString(strings.TrimRight(k.Y, "="))
	if k.ID == "" || k.Type != "EC" || k.Curve != "P-256" || errX != nil || errY != nil || len(x) > 32 || len(y) > 32 {
		return nil
	}
	point := make([]byte, 65)
	point[0] = 4
	copy(point[33-len(x):33], x)
	copy(point[65-len(y):], y)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil
	}
	return key
}
