package store_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// cleanWallet is what wallets' tokens are opened by.
const cleanWallet = "canary-wallet-keys-0006"

// walletText is what stands in the row of a shop, and the keys as a node reads them.
func (h *sealingHouse) walletText(db *store.DB, sid shop.ID) (row, keys string) {
	h.t.Helper()
	err := db.View(h.t.Context(), func(tx *store.Tx) error {
		s, err := tx.Shops().Get(sid)
		if err != nil {
			return err
		}
		keys = s.Settings.Wallets.Keys
		if s.Settings.Wallets.Google == nil || s.Settings.Wallets.Google.Recipient != "merchant:"+string(sid) {
			h.t.Errorf("%s: the account is %+v", sid, s.Settings.Wallets.Google)
		}
		row, err = store.One(tx, scanText, `SELECT settings FROM shop WHERE id = $1`, string(sid))
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return row, keys
}

// TestKeysOfWalletsAreSealedAnew: while the data key changes nodes that know either read them, and nothing is left of the old one.
func TestKeysOfWalletsAreSealedAnew(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := &sealingHouse{t: t, d: d}
		h.db = h.open()
		if err := h.use(h.db); err != nil {
			t.Fatal(err)
		}
		shops := []shop.ID{"shop00", "shop01"}
		h.update(func(tx *store.Tx) error {
			for _, sid := range shops {
				s := &shop.Shop{ID: sid, Merchant: "m", Name: string(sid), Active: true, Created: h.clock(), Settings: shop.Defaults(false)}
				s.Settings.Wallets = shop.Wallets{Google: &shop.GooglePay{Recipient: "merchant:" + string(sid)}, Keys: cleanWallet + string(sid)}
				tx.Shops().Insert(s)
			}
			return nil
		})
		other := h.db
		if d.Kind == store.Postgres { // another node, which has the key of before
			other = h.open()
			if err := h.use(other); err != nil {
				t.Fatal(err)
			}
		}
		first := map[shop.ID]string{}
		readable := func(when string) {
			t.Helper()
			for _, sid := range shops {
				for _, db := range []*store.DB{h.db, other} {
					row, keys := h.walletText(db, sid)
					if keys != cleanWallet+string(sid) || strings.Contains(row, "canary") {
						t.Errorf("%s: %s has the keys %q in %s", when, sid, keys, row)
					}
					if first[sid] == "" {
						first[sid] = row
					}
				}
			}
		}
		readable("before")
		h.update(func(tx *store.Tx) error {
			next, err := h.db.Safe().NewKey(rand.Reader, 2)
			tx.DataKeys().Insert(&next)
			tx.Sealings().Begin()
			return err
		})
		readable("between")
		h.sealAll(h.db, 1)
		readable("after")
		for _, sid := range shops {
			if row, _ := h.walletText(h.db, sid); row == first[sid] {
				t.Errorf("%s was not sealed anew", sid)
			}
		}
		for range 2 {
			h.advance(24 * time.Hour)
			h.sealAll(h.db, 100)
		}
		err := h.db.View(t.Context(), func(tx *store.Tx) error {
			all, err := tx.DataKeys().List()
			if len(all) != 1 {
				t.Errorf("%d data keys are left", len(all))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		readable("without the old key")
		h.update(func(tx *store.Tx) error {
			tx.Write("swap", `UPDATE shop SET settings = (SELECT settings FROM shop AS o WHERE o.id = 'shop00') WHERE id = 'shop01'`)
			return nil
		})
		err = h.db.View(t.Context(), func(tx *store.Tx) error {
			s, err := tx.Shops().Get("shop01")
			if !errors.Is(err, vault.ErrSealed) || strings.Contains(s.Settings.Wallets.Keys, "canary") {
				t.Errorf("a shop opens tokens by another's keys: %q, %v", s.Settings.Wallets.Keys, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
