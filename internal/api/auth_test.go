package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

func requestWith(authorization ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header["Authorization"] = authorization
	return r
}

func TestAuthShop(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		app := testkit.New(t, d.Open(), testkit.Options{})
		auth := api.NewAuth(app.Engine)
		mine, other := app.NewShop(t, nil), app.NewShop(t, func(s *shop.Shop) { s.Live = true })
		inactive := app.NewShop(t, func(s *shop.Shop) { s.Active = false })
		unknown := app.IDs.APIKey(false)
		for _, c := range []struct {
			name   string
			header []string
			want   shop.ID
			err    error
		}{
			{"a key", []string{"Bearer " + mine.APIKey}, mine.ID, nil},
			{"a key, remembered", []string{"Bearer " + mine.APIKey}, mine.ID, nil},
			{"scheme in lower case", []string{"bearer " + mine.APIKey}, mine.ID, nil},
			{"scheme in upper case, two spaces", []string{"BEARER  " + mine.APIKey}, mine.ID, nil},
			{"another shop's key", []string{"Bearer " + other.APIKey}, other.ID, nil},
			{"no header", nil, "", api.ErrUnauthorized},
			{"empty header", []string{""}, "", api.ErrUnauthorized},
			{"scheme alone", []string{"Bearer"}, "", api.ErrUnauthorized},
			{"key without a scheme", []string{mine.APIKey}, "", api.ErrUnauthorized},
			{"another scheme", []string{"Basic " + mine.APIKey}, "", api.ErrUnauthorized},
			{"two headers", []string{"Bearer " + mine.APIKey, "Bearer " + mine.APIKey}, "", api.ErrUnauthorized},
			{"a key that nobody has", []string{"Bearer " + unknown}, "", api.ErrUnauthorized},
			{"a letter missing", []string{"Bearer " + mine.APIKey[:len(mine.APIKey)-1]}, "", api.ErrUnauthorized},
			{"a letter more", []string{"Bearer " + mine.APIKey + "a"}, "", api.ErrUnauthorized},
			{"inactive shop", []string{"Bearer " + inactive.APIKey}, "", engine.ErrForbidden},
		} {
			s, err := auth.Shop(requestWith(c.header...))
			if !errors.Is(err, c.err) || c.err == nil && err != nil {
				t.Errorf("%s: error %v, want %v", c.name, err, c.err)
				continue
			}
			if err == nil && s.ID != c.want {
				t.Errorf("%s: shop %s, want %s", c.name, s.ID, c.want)
			}
		}
	})
}

func TestAuthComparesTheWholeKey(t *testing.T) {
	t.Parallel()
	app := testkit.New(t, storetest.New(t, store.SQLite).Open(), testkit.Options{})
	auth := api.NewAuth(app.Engine)
	mine := app.NewShop(t, nil)
	forged := app.IDs.APIKey(false)
	err := app.DB.Update(t.Context(), func(tx *store.Tx) error { // somebody else's key with the same public start
		id, at := app.IDs.New()
		tx.APIKeys().Insert(&shop.Key{ID: id, Shop: mine.ID, Prefix: forged[:16], Hash: app.Keys.HashAPIKey(mine.APIKey), Label: "same start", Created: at})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auth.Shop(requestWith("Bearer " + forged)); !errors.Is(err, api.ErrUnauthorized) {
		t.Errorf("error %v", err)
	}
}

func TestAuthForgetsARevokedKeyWithinASecond(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		app := testkit.New(t, d.Open(), testkit.Options{})
		auth := api.NewAuth(app.Engine)
		m := app.NewShop(t, nil)
		if _, err := auth.Shop(requestWith("Bearer " + m.APIKey)); err != nil {
			t.Fatal(err)
		}
		err := app.DB.Update(t.Context(), func(tx *store.Tx) error {
			keys, err := tx.APIKeys().List(m.ID)
			if err != nil {
				return err
			}
			tx.APIKeys().Revoke(m.ID, keys[0].ID, tx.Now())
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		app.Clock.Advance(time.Second)
		if _, err := auth.Shop(requestWith("Bearer " + m.APIKey)); !errors.Is(err, api.ErrUnauthorized) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAuthWithoutADatabase(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, store.SQLite).Open()
	app := testkit.New(t, db, testkit.Options{})
	auth := api.NewAuth(app.Engine)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r := requestWith("Bearer " + app.IDs.APIKey(false)).WithContext(gone)
	if _, err := auth.Shop(r); err == nil || errors.Is(err, api.ErrUnauthorized) {
		t.Errorf("a key that could not be looked up: error %v", err)
	}
}

func BenchmarkAuthShop(b *testing.B) {
	app := testkit.New(b, storetest.New(b, store.SQLite).Open(), testkit.Options{})
	auth := api.NewAuth(app.Engine)
	r := requestWith("Bearer " + app.NewShop(b, nil).APIKey)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := auth.Shop(r); err != nil {
			b.Fatal(err)
		}
	}
}
