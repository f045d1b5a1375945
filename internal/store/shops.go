package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// WriteShop is the name of the write that fails when a shop's name is taken.
const WriteShop = "shop.create"

const shopColumns = `id, merchant, name, live, active, signing_key, settings, created, version`

const (
	sqlShop  = `SELECT ` + shopColumns + ` FROM shop WHERE id = $1`
	sqlShops = `SELECT ` + shopColumns + ` FROM shop ORDER BY id`
)

// Get returns a shop with its terminals, best first, or ErrNotFound.
func (t Shops) Get(sid shop.ID) (shop.Shop, error) {
	b := t.tx.Batch()
	row := tx.OneIn(b, scanShop, sqlShop, string(sid))
	terminals := tx.ListIn(b, scanTerminal, sqlTerminals, string(sid))
	if err := b.Run(); err != nil {
		return shop.Shop{}, err
	}
	s, err := row.Get()
	if err != nil {
		return shop.Shop{}, err
	}
	s.Terminals = *terminals
	secrets(t).openTerminals(s.ID, s.Terminals)
	return s, secrets(t).openShop(&s)
}

// List returns all shops, oldest first, without their terminals and without their signing keys.
func (t Shops) List() ([]shop.Shop, error) {
	return tx.List(t.tx, func(s tx.Scanner) (shop.Shop, error) {
		sh, err := scanShop(s)
		hide(&sh)
		return sh, err
	}, sqlShops)
}

func scanShop(s tx.Scanner) (shop.Shop, error) {
	var sh shop.Shop
	var sid, settings string
	var created int64
	err := s.Scan(&sid, &sh.Merchant, &sh.Name, &sh.Live, &sh.Active, &sh.SigningKey, &settings, &created, &sh.Version)
	if err != nil {
		return sh, err
	}
	sh.ID, sh.Created = shop.ID(sid), tx.FromMicros(&created)
	sh.Settings = shop.Defaults(sh.Live)
	if err := json.Unmarshal([]byte(settings), &sh.Settings); err != nil {
		return sh, fmt.Errorf("settings of shop %s: %w", sid, err)
	}
	return sh, nil
}

const sqlInsertShop = `INSERT INTO shop (` + shopColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)`

// Insert writes a shop without its terminals, as version 1. A name that is taken fails with a
// UniqueError of WriteShop.
func (t Shops) Insert(s *shop.Shop) {
	key, settings := secrets(t).sealedShop(s)
	t.tx.Write(WriteShop, sqlInsertShop, string(s.ID), s.Merchant, s.Name, s.Live, s.Active, key, settings, tx.Micros(s.Created))
}

const sqlUpdateShop = `UPDATE shop SET active = $1, signing_key = $2, settings = $3, name = $4, merchant = $5,
	version = version + 1 WHERE id = $6 AND version = $7`

// Update writes what can change of a shop, if its version is still the one that was read: otherwise the body runs
// again, and has to make its change to what the shop is by then.
func (t Shops) Update(s *shop.Shop) {
	key, settings := secrets(t).sealedShop(s)
	t.tx.Guard("shop.update", sqlUpdateShop, s.Active, key, settings, s.Name, s.Merchant, string(s.ID), s.Version)
}

const sqlShopStays = `UPDATE shop SET version = version WHERE id = $1 AND version = $2`

// Stays makes the transaction depend on the shop's being as it was read: otherwise the body runs again. It is for what
// a setting forbids, and too much for what is done often.
func (t Shops) Stays(s *shop.Shop) {
	t.tx.Guard("shop.stays", sqlShopStays, string(s.ID), s.Version)
}

// Change changes what can change of a shop and returns it as it becomes, with its terminals. change gets the shop as
// it is, again whenever somebody else was faster, so that no change undoes another. Errors: ErrNotFound; those of change.
func (t Shops) Change(sid shop.ID, change func(*shop.Shop) error) (shop.Shop, error) {
	s, err := t.Get(sid)
	if err != nil {
		return s, err
	}
	if err := change(&s); err != nil {
		return s, err
	}
	t.Update(&s)
	return s, nil
}

const keyColumns = `shop_id, id, prefix, hash, label, created, revoked`

const (
	sqlKeysByPrefix = `SELECT ` + keyColumns + ` FROM api_key WHERE prefix = $1`
	sqlKeys         = `SELECT ` + keyColumns + ` FROM api_key WHERE shop_id = $1 ORDER BY id`
)

// ByPrefix returns the keys, revoked ones included, whose public start is prefix:
// normally one or none.
func (t APIKeys) ByPrefix(prefix string) ([]shop.Key, error) {
	return tx.List(t.tx, scanKey, sqlKeysByPrefix, prefix)
}

// List returns all keys of a shop, oldest first, revoked ones included.
func (t APIKeys) List(sid shop.ID) ([]shop.Key, error) {
	return tx.List(t.tx, scanKey, sqlKeys, string(sid))
}

func scanKey(s tx.Scanner) (shop.Key, error) {
	var k shop.Key
	var sid string
	var created int64
	var revoked *int64
	err := s.Scan(&sid, &k.ID, &k.Prefix, &k.Hash, &k.Label, &created, &revoked)
	k.Shop, k.Created, k.Revoked = shop.ID(sid), tx.FromMicros(&created), tx.FromMicros(revoked)
	return k, err
}

const sqlInsertKey = `INSERT INTO api_key (` + keyColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7)`

// Insert writes an API key: its keyed hash, never the key.
func (t APIKeys) Insert(k *shop.Key) {
	t.tx.Write("key.create", sqlInsertKey, string(k.Shop), k.ID, k.Prefix, k.Hash, k.Label, tx.Micros(k.Created),
		tx.Micros(k.Revoked))
}

const sqlRevokeKey = `UPDATE api_key SET revoked = $1 WHERE shop_id = $2 AND id = $3 AND revoked IS NULL`

// Revoke ends the life of a key at once; revoking it again changes nothing.
func (t APIKeys) Revoke(sid shop.ID, kid string, at time.Time) {
	t.tx.Write("key.revoke", sqlRevokeKey, tx.Micros(at), string(sid), kid)
}

func jsonOf(t *tx.Tx, v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fail(fmt.Errorf("render %T: %w", v, err))
		return ""
	}
	return string(raw)
}
