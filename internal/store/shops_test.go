package store_test

import (
	"errors"
	"testing"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestNoChangeOfAShopUndoesAnother: settings that are changed by one process while another rotates the key, and a terminal
// that two change.
func TestNoChangeOfAShopUndoesAnother(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		another := db
		if d.Kind == store.Postgres {
			another = d.Open()
		}
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			tx.Shops().Insert(&shop.Shop{ID: "s", Name: "s", Merchant: "s", Active: true, SigningKey: "old", Settings: shop.Defaults(false), Created: feedStart})
			tx.Terminals().Insert("s", &shop.Terminal{ID: "t", Name: "t", Connector: "c", Config: []byte(`{}`), Enabled: true})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		runs := 0
		meanwhile := func(body func(tx *store.Tx) error) error {
			if runs++; runs > 1 {
				return nil
			}
			return another.Update(t.Context(), body)
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Shops().Change("s", func(s *shop.Shop) error {
				s.Settings.WebhookURL = "https://shop.example"
				return meanwhile(func(tx *store.Tx) error {
					_, err := tx.Shops().Change("s", func(s *shop.Shop) error { s.RotateKey("new", feedStart); return nil })
					return err
				})
			})
			return err
		})
		if err != nil || runs != 2 {
			t.Errorf("shop: %v after %d runs", err, runs)
		}
		runs = 0
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.Terminals().Change("s", "t", func(c *shop.Terminal) error {
				c.Priority = 7
				return meanwhile(func(tx *store.Tx) error {
					return tx.Terminals().Change("s", "t", func(c *shop.Terminal) error { c.Enabled = false; return nil })
				})
			})
		})
		if err != nil || runs != 2 {
			t.Errorf("terminal: %v after %d runs", err, runs)
		}
		var s shop.Shop
		err = another.View(t.Context(), func(tx *store.Tx) (err error) { s, err = tx.Shops().Get("s"); return err })
		if err != nil {
			t.Fatal(err)
		}
		if s.SigningKey != "new" || s.Settings.RetiredKey == nil || s.Settings.WebhookURL == "" || s.Version != 3 {
			t.Errorf("the shop has the key %q and %+v, version %d", s.SigningKey, s.Settings, s.Version)
		}
		if c := s.Terminals[0]; c.Priority != 7 || c.Enabled || c.Version != 3 {
			t.Errorf("the terminal: %+v", c)
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			s.Version = 1 // whoever goes on with what was read long ago changes nothing
			tx.Shops().Update(&s)
			return nil
		})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("a stale change: %v", err)
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			return tx.Terminals().Change("s", "x", func(*shop.Terminal) error { return nil })
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an unknown terminal: %v", err)
		}
	})
}

func TestLiveShops(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			for _, s := range []shop.Shop{
				{ID: "a", Name: "a", Live: true, Active: true}, {ID: "b", Name: "b", Active: true}, {ID: "c", Name: "c", Live: true},
				{ID: "d", Name: "d", Live: true, Active: true},
			} {
				s.Settings, s.Created = shop.Defaults(s.Live), feedStart
				tx.Shops().Insert(&s)
				for i, name := range []string{"second", "first", "off"} {
					tx.Terminals().Insert(s.ID, &shop.Terminal{
						ID: string(s.ID) + name, Name: name, Connector: "c", Config: []byte(`{"of":"` + string(s.ID) + `"}`), Priority: -i, Enabled: name != "off",
					})
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var found []shop.Shop
		if err := db.View(t.Context(), func(tx *store.Tx) (err error) { found, err = tx.Shops().Live(); return err }); err != nil {
			t.Fatal(err)
		}
		if len(found) != 2 || found[0].ID != "a" || found[1].ID != "d" {
			t.Fatalf("found %+v", found)
		}
		for _, s := range found {
			if len(s.Terminals) != 2 || s.Terminals[0].Name != "first" || s.Terminals[1].ID != string(s.ID)+"second" || string(s.Terminals[0].Config) != `{"of":"`+string(s.ID)+`"}` {
				t.Errorf("%s: %+v", s.ID, s.Terminals)
			}
		}
	})
}
