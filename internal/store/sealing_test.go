package store_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/vault"
)

// What the tests look for wherever it must not be.
const (
	cleanKey        = "canary-signing-key-0001"
	cleanRetiredKey = "canary-retired-key-0002"
	cleanConfig     = "canary-api-key-0003"
	cleanRetired    = "canary-old-api-key-0004"
	cleanCredential = "canary-credential-0005"
)

var canaries = []string{cleanKey, cleanRetiredKey, cleanConfig, cleanRetired, cleanCredential}

var sealingStart = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)

// house is a database with a clock of its own.
type sealingHouse struct {
	t   *testing.T
	d   *storetest.Database
	now atomic.Int64
	db  *store.DB
}

func (h *sealingHouse) clock() time.Time { return sealingStart.Add(time.Duration(h.now.Load())) }

func (h *sealingHouse) advance(d time.Duration) { h.now.Add(int64(d)) }

func (h *sealingHouse) open() *store.DB {
	h.t.Helper()
	return h.d.Open(func(o *store.Options) { o.Now = h.clock })
}

// use gives a database the safe of a node.
func (h *sealingHouse) use(db *store.DB) error {
	safe, err := vault.NewSafe(func() (vault.Masters, error) { return vault.ParseMasters(strings.Repeat("c0de", 16)) }, h.clock)
	if err != nil {
		return err
	}
	return db.UseSafe(h.t.Context(), safe, rand.Reader, true)
}

func (h *sealingHouse) update(body func(*store.Tx) error) {
	h.t.Helper()
	if err := h.db.Update(h.t.Context(), body); err != nil {
		h.t.Fatal(err)
	}
}

// sealAll does what is due until nothing is, and says how many turns it took.
func (h *sealingHouse) sealAll(db *store.DB, limit int) (turns int) {
	h.t.Helper()
	for _, part := range []string{"shops", "terminals", "chains", "attempts", "payments", "cards"} {
		for {
			var now store.Sealing
			err := db.Update(h.t.Context(), func(tx *store.Tx) (err error) {
				_, now, err = tx.Sealings().SealSome(part, limit)
				return err
			})
			if err != nil {
				h.t.Fatal(err)
			}
			if now.Due.IsZero() || now.Due.After(h.clock()) {
				break
			}
			turns++
		}
	}
	return turns
}

// old makes what a program before the vault has left: shops with all their secrets in clear.
func oldHouse(t *testing.T, d *storetest.Database, shops int) *sealingHouse {
	t.Helper()
	h := &sealingHouse{t: t, d: d}
	h.db = d.Open(func(o *store.Options) { o.Migrations = before(t, "vault"); o.Now = h.clock })
	h.update(func(tx *store.Tx) error {
		for i := range shops {
			sid, n := fmt.Sprintf("shop%02d", i), fmt.Sprintf("-%02d", i)
			tx.Write("shop", `INSERT INTO shop (id, merchant, name, live, active, signing_key, settings, created) VALUES ($1, 'm', $1, FALSE, TRUE, $2, $3, 0)`,
				sid, cleanKey+n, `{"retiredSigningKey":{"key":"`+cleanRetiredKey+n+`","until":"2030-01-01T00:00:00Z"},"returnUrl":"https://shop.example/"}`)
			tx.Write("terminal", `INSERT INTO terminal (shop_id, id, name, connector, config, types, methods, currencies, pre_auth, recurring, enabled, priority, retired)
				VALUES ($1, $2, 'T', 'sandbox', $3, '[]', '[]', '[]', TRUE, TRUE, TRUE, 0, $4)`, sid, "terminal"+n, `{"apiKey":"`+cleanConfig+n+`"}`,
				`[{"config":{"apiKey":"`+cleanRetired+n+`"},"until":"2030-01-01T00:00:00Z"}]`)
			tx.Write("chain", `INSERT INTO chain (shop_id, token, payment_id, terminal_id, terminal, credential, method, currency)
				VALUES ($1, $2, 'first', 't', 'T', $3, 'BASIC_CARD', 'EUR')`, sid, "token"+n, cleanCredential+n)
			for seq, credential := range []any{cleanCredential + n, nil} {
				tx.Write("attempt", `INSERT INTO attempt (shop_id, payment_id, seq, kind, terminal_id, terminal, key, class, currency, op, checks, redirected,
					returned, credential, reverses, reversed, started) VALUES ($1, 'first', $2, 'DEPOSIT', 't', 'T', $3, 'APPROVED', 'EUR', 0, 0, FALSE, FALSE, $4, 0, FALSE, 0)`,
					sid, int64(seq+1), fmt.Sprint("key", seq), credential)
			}
		}
		return nil
	})
	if err := h.db.Close(); err != nil {
		t.Fatal(err)
	}
	return h
}

// readable makes sure that every secret is read as it was written.
func (h *sealingHouse) readable(db *store.DB, i int) {
	h.t.Helper()
	sid, n := fmt.Sprintf("shop%02d", i), fmt.Sprintf("-%02d", i)
	err := db.View(h.t.Context(), func(tx *store.Tx) error {
		s, err := tx.Shops().Get(shop.ID(sid))
		if err != nil {
			return err
		}
		if s.SigningKey != cleanKey+n || s.Settings.RetiredKey.Key != cleanRetiredKey+n || s.Settings.ReturnURL != "https://shop.example/" {
			h.t.Errorf("%s: keys %q, %q", sid, s.SigningKey, s.Settings.RetiredKey.Key)
		}
		if len(s.Terminals) != 1 || string(s.Terminals[0].Config) != `{"apiKey":"`+cleanConfig+n+`"}` ||
			len(s.Terminals[0].Retired) != 1 || string(s.Terminals[0].Retired[0].Config) != `{"apiKey":"`+cleanRetired+n+`"}` {
			h.t.Errorf("%s: terminals %+v", sid, s.Terminals)
		}
		c, err := tx.Chains().Get(shop.ID(sid), "token"+n)
		if err != nil {
			return err
		}
		attempt, err := store.One(tx, scanText, `SELECT credential FROM attempt WHERE shop_id = $1 AND seq = 1`, sid)
		for _, text := range []string{c.Credential, attempt} {
			if plain, failed := tx.Open(store.CredentialPlace(shop.ID(sid), "first"), text); failed != nil || plain != cleanCredential+n {
				h.t.Errorf("%s: credential %q, %v", sid, plain, failed)
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func scanText(s store.Scanner) (text string, err error) {
	err = s.Scan(&text)
	return text, err
}

// clear counts the canaries in all rows that hold secrets.
func (h *sealingHouse) clear(db *store.DB) (found int) {
	h.t.Helper()
	err := db.View(h.t.Context(), func(tx *store.Tx) error {
		for _, q := range []string{
			`SELECT signing_key || ' ' || settings FROM shop`, `SELECT config || ' ' || COALESCE(retired, '') FROM terminal`,
			`SELECT credential FROM chain`, `SELECT credential FROM attempt WHERE credential IS NOT NULL`,
		} {
			texts, err := store.List(tx, scanText, q)
			if err != nil {
				return err
			}
			for _, text := range texts {
				for _, c := range canaries {
					found += strings.Count(text, c)
				}
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}

// searchFiles looks for canaries in every file of a folder.
func searchFiles(t *testing.T, dir string) (found []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range canaries {
			if bytes.Contains(raw, []byte(c)) {
				found = append(found, e.Name()+": "+c)
			}
		}
	}
	return found
}

// TestSecretsOfOlderProgramsAreSealed: they are read all the while, a batch at a time, and when it is over none is left in
// clear in a row, the file, its log or a copy of it.
func TestSecretsOfOlderProgramsAreSealed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		const shops = 7
		h := oldHouse(t, d, shops)
		h.db = h.open()
		if err := h.use(h.db); err != nil {
			t.Fatal(err)
		}
		if found := h.clear(h.db); found != 6*shops {
			t.Fatalf("%d canaries before it begins, want %d", found, 6*shops)
		}
		h.readable(h.db, 3)
		err := h.db.Update(t.Context(), func(tx *store.Tx) error { // half of them, then the process dies
			_, _, err := tx.Sealings().SealSome("terminals", 3)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		h.db = h.d.Reopen(h.db, func(o *store.Options) { o.Now = h.clock })
		if err := h.use(h.db); err != nil {
			t.Fatal(err)
		}
		for i := range shops {
			h.readable(h.db, i)
		}
		if turns := h.sealAll(h.db, 3); turns < 7 { // two more for each part, and one fewer for what was done already
			t.Errorf("all was sealed in %d turns of 3 rows", turns)
		}
		if found := h.clear(h.db); found != 0 {
			t.Errorf("%d canaries are left in rows", found)
		}
		for i := range shops {
			h.readable(h.db, i)
		}
		if err := h.db.Scrub(t.Context(), store.SmallFile); err != nil {
			t.Fatal(err)
		}
		if d.Kind == store.SQLite {
			dir := d.Options().Dir
			if found := searchFiles(t, dir); len(found) > 0 {
				t.Errorf("in the files of the database: %v", found)
			}
			copied := t.TempDir()
			if _, err := h.db.CopyTo(t.Context(), filepath.Join(copied, "copy")); err != nil {
				t.Fatal(err)
			}
			if found := searchFiles(t, copied); len(found) > 0 {
				t.Errorf("in a copy: %v", found)
			}
		}
	})
}

// TestSealingWaitsForOlderNodes: a node that cannot open anything goes on reading and writing in clear, and so do the others
// until it has ended.
func TestSealingWaitsForOlderNodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := oldHouse(t, d, 1)
		h.db = h.open()
		h.update(func(tx *store.Tx) error {
			tx.Write("node", `INSERT INTO node (id, expires, leaving) VALUES ('old', $1, FALSE)`, h.clock().Add(8*time.Second).UnixMicro())
			return nil
		})
		if err := h.use(h.db); err != nil {
			t.Fatal(err)
		}
		h.sealAll(h.db, 10)
		h.update(func(tx *store.Tx) error {
			_, err := tx.Shops().Change("shop00", func(s *shop.Shop) error { s.Merchant = "changed"; return nil })
			return err
		})
		if found := h.clear(h.db); found != 6 {
			t.Errorf("%d canaries while an older node lives, want 6", found)
		}
		h.advance(20 * time.Second)
		h.sealAll(h.db, 10)
		if found := h.clear(h.db); found != 0 {
			t.Errorf("%d canaries after it has ended", found)
		}
		h.readable(h.db, 0)
	})
}

// TestARotationLeavesNothingBehind: everything is sealed anew, and the key before is removed when nothing can need it.
func TestARotationLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := oldHouse(t, d, 3)
		h.db = h.open()
		if err := h.use(h.db); err != nil {
			t.Fatal(err)
		}
		h.sealAll(h.db, 100)
		other := h.db
		if d.Kind == store.Postgres { // another node, which learns of it by what it cannot open
			other = h.open()
			if err := h.use(other); err != nil {
				t.Fatal(err)
			}
		}
		h.update(func(tx *store.Tx) error {
			next, err := h.db.Safe().NewKey(rand.Reader, 2)
			tx.DataKeys().Insert(&next)
			tx.Sealings().Begin()
			return err
		})
		keys := func() (n int, current string) {
			err := h.db.View(t.Context(), func(tx *store.Tx) error {
				all, err := tx.DataKeys().List()
				n, current = len(all), all[len(all)-1].ID
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n, current
		}
		h.readable(other, 0)
		h.sealAll(h.db, 100)
		h.readable(other, 1)
		counted := func() map[string]int64 {
			by := map[string]int64{}
			err := h.db.View(t.Context(), func(tx *store.Tx) error {
				counts, err := tx.Sealings().Count()
				for _, c := range counts {
					by[c.Key] += c.Count
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return by
		}
		n, current := keys()
		if by := counted(); n != 2 || by[current] != 15 || len(by) != 1 {
			t.Errorf("%d keys, sealed by %v; want all 15 by %s", n, by, current)
		}
		// A node that had not heard of it yet seals by the key before: the next pass finds that.
		h.advance(3 * time.Minute)
		h.sealAll(h.db, 100)
		if n, _ = keys(); n != 2 {
			t.Errorf("%d keys a few minutes later", n)
		}
		h.advance(24 * time.Hour)
		h.sealAll(h.db, 100)
		h.advance(3 * time.Minute)
		h.sealAll(h.db, 100)
		if n, now := keys(); n != 1 || now != current {
			t.Errorf("%d keys a day later, the last %s", n, now)
		}
		for i := range 3 {
			h.readable(other, i)
			h.readable(h.db, i)
		}
	})
}

// TestSwappedCiphertextsAreRefused: who can write to the database cannot give a shop another one's terminal or key.
func TestSwappedCiphertextsAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := oldHouse(t, d, 3)
		h.db = h.open()
		if err := h.use(h.db); err != nil {
			t.Fatal(err)
		}
		h.sealAll(h.db, 100)
		h.update(func(tx *store.Tx) error {
			tx.Write("swap", `UPDATE terminal SET config = (SELECT config FROM terminal AS o WHERE o.shop_id = 'shop01') WHERE shop_id = 'shop00'`)
			tx.Write("swap", `UPDATE shop SET signing_key = (SELECT signing_key FROM shop AS o WHERE o.id = 'shop00') WHERE id = 'shop02'`)
			tx.Write("swap", `UPDATE chain SET credential = (SELECT credential FROM chain AS o WHERE o.shop_id = 'shop00') WHERE shop_id = 'shop01'`)
			return nil
		})
		err := h.db.View(t.Context(), func(tx *store.Tx) error {
			s, err := tx.Shops().Get("shop00")
			if err != nil || string(s.Terminals[0].Config) != "{}" {
				t.Errorf("a terminal got the settings of another: %s, %v", s.Terminals[0].Config, err)
			}
			if s, err := tx.Shops().Get("shop02"); !errors.Is(err, vault.ErrSealed) {
				t.Errorf("a shop signs by another's key: %q, %v", s.SigningKey, err)
			}
			c, err := tx.Chains().Get("shop01", "token-01")
			if err != nil {
				return err
			}
			if plain, err := tx.Open(store.CredentialPlace("shop01", "first"), c.Credential); !errors.Is(err, vault.ErrSealed) {
				t.Errorf("a chain charges by another's credential: %q, %v", plain, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// Disabling a terminal keeps what it cannot read; new settings replace it.
		h.update(func(tx *store.Tx) error {
			return tx.Terminals().Change("shop00", "terminal-00", func(t *shop.Terminal) error { t.Enabled = false; return nil })
		})
		h.update(func(tx *store.Tx) error {
			tx.Write("swap", `UPDATE terminal SET shop_id = 'shop09' WHERE shop_id = 'shop01'`)
			tx.Write("swap", `UPDATE terminal SET shop_id = 'shop01', id = 'terminal-01' WHERE shop_id = 'shop00'`)
			return nil
		})
		h.update(func(tx *store.Tx) error {
			s, err := tx.Shops().Get("shop01")
			if err == nil && (s.Terminals[0].Enabled || s.Terminals[0].Stored != nil && string(s.Terminals[0].Config) != "{}") {
				t.Errorf("terminal %+v", s.Terminals[0])
			}
			return err
		})
		h.update(func(tx *store.Tx) error {
			return tx.Terminals().Change("shop01", "terminal-01", func(t *shop.Terminal) error {
				t.Reconfigure(json.RawMessage(`{"apiKey":"new"}`), h.clock(), h.clock().Add(time.Hour))
				return nil
			})
		})
		err = h.db.View(t.Context(), func(tx *store.Tx) error {
			s, err := tx.Shops().Get("shop01")
			if err == nil && (string(s.Terminals[0].Config) != `{"apiKey":"new"}` || len(s.Terminals[0].Retired) != 0) {
				t.Errorf("repaired as %s, %v", s.Terminals[0].Config, s.Terminals[0].Retired)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestNoNewKeyWhereSecretsAreSealed: a database whose keys were taken out is not given others.
func TestNoNewKeyWhereSecretsAreSealed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		h := oldHouse(t, d, 1)
		h.db = h.open()
		if err := h.use(h.db); err != nil {
			t.Fatal(err)
		}
		h.sealAll(h.db, 100)
		h.update(func(tx *store.Tx) error { tx.Write("lost", `DELETE FROM data_key`); return nil })
		if err := h.use(h.db); !errors.Is(err, store.ErrNoDataKey) {
			t.Errorf("opened with a new key: %v", err)
		}
	})
}
