package yandexpay_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/api/yandexpay"
)

func askKeys(method string, keys yandexpay.PublishedKeys) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	yandexpay.MountKeys(mux, keys, slog.New(slog.DiscardHandler))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(method, "/api/jwks", nil))
	return w
}

// number makes a key whose private scalar is small, so that its coordinates can be looked up.
func number(t *testing.T, n int64) *ecdsa.PublicKey {
	t.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), big.NewInt(n).FillBytes(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey
}

// TestKeysArePublished compares with the coordinates of G and of multiples of it, one of which begins with a zero byte
// that must not be dropped.
func TestKeysArePublished(t *testing.T) {
	t.Parallel()
	short := int64(0)
	for n := int64(2); short == 0; n++ {
		if raw, _ := number(t, n).Bytes(); raw[1] == 0 {
			short = n
		}
	}
	one, other := number(t, 1), number(t, short)
	w := askKeys("GET", func(_ context.Context, each func(string, *ecdsa.PublicKey)) error {
		each("1-merchant-api", one)
		each("2-merchant-api", other)
		return nil
	})
	body := w.Body.String()
	want := `{"keys":[{"kty":"EC","crv":"P-256","x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",` +
		`"y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU","kid":"1-merchant-api","alg":"ES256","use":"sig"},`
	if !strings.HasPrefix(body, want) {
		t.Errorf("got %s", body)
	}
	_, after, _ := strings.Cut(body[len(want):], `"x":"`)
	if x, _, _ := strings.Cut(after, `"`); len(x) != 43 || x[0] != 'A' {
		t.Errorf("x of the key of %d is %q", short, x)
	}
	got := map[string]string{}
	for _, name := range []string{"Content-Type", "Cache-Control", "X-Content-Type-Options"} {
		got[name] = w.Header().Get(name)
	}
	headers := map[string]string{
		"Content-Type": "application/json", "Cache-Control": "public, max-age=60", "X-Content-Type-Options": "nosniff",
	}
	if diff := cmp.Diff(headers, got); diff != "" || w.Code != 200 {
		t.Errorf("status %d, headers (-want +got):\n%s", w.Code, diff)
	}
	if w := askKeys("POST", nil); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST is answered %d", w.Code)
	}
}

func TestKeysThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := askKeys("GET", func(context.Context, func(string, *ecdsa.PublicKey)) error {
		return errors.New("secret of the database")
	})
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("Cache-Control") != "no-store" ||
		!strings.Contains(w.Body.String(), "UNAVAILABLE") || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := askKeys("GET", func(_ context.Context, each func(string, *ecdsa.PublicKey)) error {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), big.NewInt(1).FillBytes(make([]byte, 48)))
		if err == nil {
			each("x", &key.PublicKey)
		}
		return err
	}); w.Code != 503 {
		t.Errorf("a key of another curve is published: %s", w.Body)
	}
}
