package yandexpay

import (
	"context"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/sluicepay/sluice/internal/web"
)

// KeysPath is where receivers of events find the keys that verify them.
const KeysPath = "/api/jwks"

// PublishedKeys calls each with every key by which events can be verified, now or soon.
type PublishedKeys func(ctx context.Context, each func(kid string, key *ecdsa.PublicKey)) error

// jsonWebKey is a public key as RFC 7517 and 7518 spell it. Receivers insist on kid and alg.
type jsonWebKey struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
	Kid string `json:"kid"`
	Alg string `json:"alg"`
	Use string `json:"use"`
}

// MountKeys serves the keys to anybody. An answer may be kept for a minute.
func MountKeys(mux *http.ServeMux, keys PublishedKeys, log *slog.Logger) {
	mux.HandleFunc("GET "+KeysPath, func(w http.ResponseWriter, r *http.Request) {
		web.SetAPIHeaders(w.Header())
		w.Header().Set("Content-Type", "application/json")
		body, err := keySet(r.Context(), keys)
		if err != nil {
			log.ErrorContext(r.Context(), "public keys", "error", err)
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			body = []byte(`{"status":"fail","code":503,"reasonCode":"UNAVAILABLE","reason":"The keys cannot be read now. Please try again."}`)
		} else {
			w.Header().Set("Cache-Control", "public, max-age=60")
		}
		_, _ = w.Write(body) // the caller is gone if this fails
	})
}

func keySet(ctx context.Context, keys PublishedKeys) ([]byte, error) {
	set := struct {
		Keys []jsonWebKey `json:"keys"`
	}{Keys: []jsonWebKey{}}
	var fault error
	err := keys(ctx, func(kid string, key *ecdsa.PublicKey) {
		point, err := key.Bytes() // 4, then X and Y
		if err != nil || len(point) != 65 {
			fault = fmt.Errorf("key %s is not of the curve P-256: %w", kid, err)
			return
		}
		coding := base64.RawURLEncoding
		set.Keys = append(set.Keys, jsonWebKey{
			Kty: "EC", Crv: "P-256", X: coding.EncodeToString(point[1:33]), Y: coding.EncodeToString(point[33:]),
			Kid: kid, Alg: "ES256", Use: "sig",
		})
	})
	if err == nil {
		err = fault
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(set)
}
