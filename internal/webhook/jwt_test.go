package webhook_test

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/webhook"
)

// verifyToken does what a merchant does, with a library that had no part in making the token.
func verifyToken(token string, keys map[string]*ecdsa.PublicKey) (*jwt.Token, error) {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithStrictDecoding())
	return parser.Parse(token, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		key, ok := keys[kid]
		if !ok {
			return nil, fmt.Errorf("no key %q", kid)
		}
		return key, nil
	})
}

// mailbox is a receiver that keeps requests and answers with what it is told.
type mailbox struct {
	*httptest.Server
	mu     sync.Mutex
	got    []request
	status int
	body   string
}

func newMailbox(t testing.TB, status int) *mailbox {
	m := &mailbox{status: status}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func (m *mailbox) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, request{q.Method, q.Header.Clone(), body})
	w.WriteHeader(m.status)
	_, _ = io.WriteString(w, m.body)
}

func (m *mailbox) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.got)
}

func yandexPay(t testing.TB, d *storetest.Database) *fixture {
	f := newFixture(t, d, func(c *webhook.Config) { c.Turn = time.Hour }) // a burst is over within it on any machine
	f.dialect = "yandexpay"
	return f
}

// TestTokenAsDelivered compares everything that arrives with the sample of the contract.
func TestTokenAsDelivered(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := yandexPay(t, d)
		m := newMailbox(t, 200)
		f.tell(m.URL+"/v1/webhook", 1, 1)
		if next := f.run(m.URL + "/v1/webhook"); !next.IsZero() || m.count() != 1 {
			t.Fatalf("next %s, %d requests", next, m.count())
		}
		q := m.got[0]
		parts := strings.Split(string(q.body), ".")
		if len(parts) != 3 || q.method != "POST" {
			t.Fatalf("%s %q", q.method, q.body)
		}
		want := []string{`{"alg":"ES256","exp":1924423500,"iat":1924423200,"kid":"1-merchant-api","typ":"JWT"}`, `{"Payment":"1","Seq":1}`}
		for i, w := range want {
			if got, err := base64.RawURLEncoding.DecodeString(parts[i]); err != nil || string(got) != w {
				t.Errorf("part %d is %s, want %s; %v", i, got, w, err)
			}
		}
		if _, err := verifyToken(string(q.body), published(t, f.keys)); err != nil {
			t.Error(err)
		}
		ids := q.header["X-Request-Id"]
		if len(ids) != 1 || !regexp.MustCompile(`^`+eventID(1, 1)+`_[0-9a-f]{32}$`).MatchString(ids[0]) {
			t.Errorf("X-Request-Id %q", ids)
		}
		for _, transports := range []string{"X-Request-Id", "Content-Length", "Accept-Encoding"} {
			q.header.Del(transports)
		}
		headers := http.Header{
			"User-Agent": {"YandexPay/1.0"}, "Accept": {"*/*"}, "Content-Type": {"application/octet-stream"},
			"X-Request-Timeout": {"15000"},
		}
		if diff := cmp.Diff(headers, q.header); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
	})
}

// TestAlteredTokensAreRefused flips every bit of a token once. A library that is as strict as it may be refuses each.
func TestAlteredTokensAreRefused(t *testing.T) {
	t.Parallel()
	f := yandexPay(t, storetest.New(t, store.SQLite))
	m := newMailbox(t, 200)
	f.tell(m.URL, 1, 1)
	f.run(m.URL)
	keys := published(t, f.keys)
	forged := bytes.Clone(m.got[0].body)
	for bit := range len(forged) * 8 {
		forged[bit/8] ^= 1 << (bit % 8)
		if _, err := verifyToken(string(forged), keys); err == nil {
			t.Errorf("accepted with bit %d flipped: %s", bit, forged)
		}
		forged[bit/8] ^= 1 << (bit % 8)
	}
	if _, err := verifyToken(string(forged), keys); err != nil {
		t.Errorf("the test flips wrongly: %v", err)
	}
	foreign := map[string]*ecdsa.PublicKey{}
	for kid := range keys {
		key, err := testRing.SigningKey("another")
		if err != nil {
			t.Fatal(err)
		}
		foreign[kid] = &key.PublicKey
	}
	if _, err := verifyToken(string(forged), foreign); err == nil {
		t.Error("accepted with another key of that name")
	}
}

// TestEveryTryHasItsOwnToken, through a rotation: the time moves, the try's id changes, the event's and its words stay.
func TestEveryTryHasItsOwnToken(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := yandexPay(t, d)
		m := newMailbox(t, 500)
		began := f.clock.Now()
		f.tell(m.URL, 1, 1)
		if _, err := f.keys.Rotate(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		f.until(began.Add(8500 * time.Millisecond)) // at 0, 1, 3 and 8 s
		m.status = 200
		f.until(began.Add(time.Minute)) // and at 18 s by the new key
		var issued []float64
		kids, ids := map[any]int{}, map[string]bool{}
		for _, q := range m.got {
			token, err := verifyToken(string(q.body), published(t, f.keys))
			if err != nil {
				t.Fatal(err)
			}
			iat, _ := token.Header["iat"].(float64)
			if exp := token.Header["exp"]; exp != iat+300 {
				t.Errorf("iat %f, exp %v", iat, exp)
			}
			if diff := cmp.Diff(jwt.MapClaims{"Payment": "1", "Seq": 1.0}, token.Claims); diff != "" {
				t.Errorf("payload (-want +got):\n%s", diff)
			}
			issued = append(issued, iat-float64(began.Unix()))
			kids[token.Header["kid"]]++
			event, try, _ := strings.Cut(q.header.Get("X-Request-Id"), "_")
			if event != eventID(1, 1) || ids[try] {
				t.Errorf("X-Request-Id %s_%s", event, try)
			}
			ids[try] = true
		}
		want := []float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 8, 18}
		if diff := cmp.Diff(want, issued); diff != "" {
			t.Errorf("seconds (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[any]int{"1-merchant-api": 13, "2-merchant-api": 1}, kids); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}
