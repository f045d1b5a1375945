package webhook_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
	"github.com/sluicepay/sluice/internal/webhook"
)

// testRing is the key file of these tests, the same for all nodes.
var testRing = func() vault.Keyring {
	k, err := vault.NewKeyring(strings.NewReader(strings.Repeat("not a secret at all ", 5)))
	if err != nil {
		panic(err)
	}
	return k
}()

// published are the keys that a ring shows, by name.
func published(t testing.TB, k *webhook.KeyRing) map[string]*ecdsa.PublicKey {
	t.Helper()
	keys := map[string]*ecdsa.PublicKey{}
	err := k.Publish(context.Background(), func(kid string, key *ecdsa.PublicKey) { keys[kid] = key })
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func kids(t testing.TB, k *webhook.KeyRing) string {
	t.Helper()
	var all []string
	for kid := range published(t, k) {
		all = append(all, strings.TrimSuffix(kid, "-merchant-api"))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// signsBy is the name of the key that the ring signs by now, and checks that the token is good by what it is said to be.
func signsBy(t testing.TB, f *fixture, k *webhook.KeyRing) string {
	t.Helper()
	token, err := webhook.YandexPay(k).Sign(context.Background(), map[string][]string{}, webhook.Message{
		ID: "evt_" + eventID(1, 1), At: f.clock.Now(), Body: []byte(`{"a":1}`), Try: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := verifyToken(string(token), published(t, f.keys))
	if err != nil {
		t.Fatalf("%s: %v", token, err)
	}
	kid, _ := parsed.Header["kid"].(string)
	return strings.TrimSuffix(kid, "-merchant-api")
}

func TestRotationOfKeys(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		look := func(when, signs, shown string) {
			t.Helper()
			if got := signsBy(t, f, f.keys); got != signs {
				t.Errorf("%s: signed by %s, want %s", when, got, signs)
			}
			if got := kids(t, f.keys); got != shown {
				t.Errorf("%s: published %s, want %s", when, got, shown)
			}
			other := webhook.NewKeyRing(f.db, testRing.SigningKey, rand.Reader, f.clock.Now) // a process that has just begun
			if a, b := signsBy(t, f, other), kids(t, other); a != signs || b != shown {
				t.Errorf("%s: the other process signs by %s and publishes %s", when, a, b)
			}
		}
		look("at first", "1", "1")
		made, err := f.keys.Rotate(t.Context(), false)
		if err != nil || made.KID != "2-merchant-api" || !made.Active.Equal(f.clock.Now().Add(24*time.Hour)) {
			t.Fatalf("%+v, %v", made, err)
		}
		look("rotated", "1", "1 2")
		if _, err := f.keys.Rotate(t.Context(), false); !errors.Is(err, webhook.ErrKeyWaits) {
			t.Errorf("rotated twice: %v", err)
		}
		f.clock.forward(24*time.Hour - 10*time.Second)
		look("before the new one's time", "1", "1 2")
		f.clock.forward(10 * time.Second)
		look("at the new one's time", "2", "1 2")
		f.clock.forward(48*time.Hour - 10*time.Second)
		look("while the old one is kept", "2", "1 2")
		f.clock.forward(10 * time.Second)
		look("after that", "2", "2")

		other := webhook.NewKeyRing(f.db, testRing.SigningKey, rand.Reader, f.clock.Now)
		if _, err := other.Rotate(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		made, err = other.Rotate(t.Context(), true) // there is no time to lose any more
		if err != nil || made.KID != "3-merchant-api" || made.Active.Sub(f.clock.Now()) > 10*time.Second {
			t.Fatalf("%+v, %v", made, err)
		}
		f.clock.forward(10 * time.Second)
		look("hastened", "3", "2 3")
		made, err = f.keys.Rotate(t.Context(), true)
		if err != nil || made.KID != "4-merchant-api" {
			t.Fatalf("%+v, %v", made, err)
		}
		f.clock.forward(10 * time.Second)
		look("replaced at once", "4", "2 3 4")
		f.clock.forward(48*time.Hour + 10*time.Second)
		look("in the end", "4", "4")
	})
}

// TestTokensCanAlwaysBeVerified: three processes look at the database at different times, a key is replaced at once, and
// whatever one of them signs by is published by all.
func TestTokensCanAlwaysBeVerified(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		nodes := []*webhook.KeyRing{f.keys}
		for range 2 {
			nodes = append(nodes, webhook.NewKeyRing(f.db, testRing.SigningKey, rand.Reader, f.clock.Now))
		}
		seen := map[string]bool{}
		for second := range 40 {
			if second == 7 {
				if _, err := nodes[1].Rotate(t.Context(), true); err != nil {
					t.Fatal(err)
				}
			}
			for i, n := range nodes {
				if second < i*2 { // begins later
					continue
				}
				kid := signsBy(t, f, n)
				seen[kid] = true
				for j, m := range nodes[:min(3, second/2+1)] {
					if shown := kids(t, m); !strings.Contains(shown, kid) {
						t.Errorf("second %d: node %d signs by %s, node %d publishes %s", second, i, kid, j, shown)
					}
				}
			}
			f.clock.forward(time.Second)
		}
		if diff := cmp.Diff(map[string]bool{"1": true, "2": true}, seen); diff != "" {
			t.Errorf("signed by (-want +got):\n%s", diff)
		}
	})
}

// TestFirstKeyIsMadeOnce: many processes need one at the same time, and then replace it at the same time.
func TestFirstKeyIsMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d, nil)
		dbs := []*store.DB{f.db}
		if d.Kind == store.Postgres {
			dbs = append(dbs, d.Open(func(o *store.Options) { o.Now = f.clock.Now }))
		}
		all := make([]map[string]*ecdsa.PublicKey, 16)
		rotated := make([]error, len(all))
		var wg sync.WaitGroup
		for i := range all {
			k := webhook.NewKeyRing(dbs[i%len(dbs)], testRing.SigningKey, rand.Reader, f.clock.Now)
			wg.Go(func() {
				all[i] = published(t, k)
				_, rotated[i] = k.Rotate(context.Background(), false)
			})
		}
		wg.Wait()
		first := all[0]["1-merchant-api"]
		won := 0
		for i, keys := range all {
			if key := keys["1-merchant-api"]; key == nil || !key.Equal(first) {
				t.Errorf("process %d has %v", i, keys)
			}
			if rotated[i] == nil {
				won++
			} else if !errors.Is(rotated[i], webhook.ErrKeyWaits) {
				t.Error(rotated[i])
			}
		}
		if rows := view(f, func(tx *store.Tx) ([]store.SigningKey, error) { return tx.SigningKeys().List() }); len(rows) != 2 || won != 1 {
			t.Errorf("%d of %d replaced it; keys %+v", won, len(all), rows)
		}
	})
}

// TestKeysWhileTheDatabaseIsAway: what was read a moment ago is used for a minute.
func TestKeysWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	f := newFixture(t, storetest.New(t, store.SQLite), nil)
	if got := signsBy(t, f, f.keys); got != "1" {
		t.Fatal(got)
	}
	if err := f.db.Close(); err != nil {
		t.Fatal(err)
	}
	f.clock.forward(59 * time.Second)
	if got := signsBy(t, f, f.keys); got != "1" {
		t.Error(got)
	}
	f.clock.forward(time.Second)
	if err := f.keys.Publish(t.Context(), nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}
