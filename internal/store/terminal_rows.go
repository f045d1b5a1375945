package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// WriteTerminal is the name of the write that fails when a terminal's name is taken.
const WriteTerminal = "terminal.create"

const terminalColumns = `id, name, connector, config, types, methods, currencies, pre_auth, recurring, enabled, priority,
	retired, removed, version`

const sqlTerminals = `SELECT ` + terminalColumns + ` FROM terminal WHERE shop_id = $1 ORDER BY priority, id`

// scanTerminal reads a terminal with its settings as they are stored: openTerminals opens them.
func scanTerminal(s tx.Scanner) (shop.Terminal, error) {
	t := shop.Terminal{Stored: new(shop.StoredConfig)}
	var types, methods, currencies string
	var retired *string
	var removed *int64
	err := s.Scan(&t.ID, &t.Name, &t.Connector, &t.Stored.Config, &types, &methods, &currencies, &t.PreAuth, &t.Recurring,
		&t.Enabled, &t.Priority, &retired, &removed, &t.Version)
	if err != nil {
		return t, err
	}
	t.Removed = tx.FromMicros(removed)
	if retired != nil {
		t.Stored.Retired = *retired
	}
	for _, part := range []struct {
		text string
		into any
	}{{types, &t.Types}, {methods, &t.Methods}, {currencies, &t.Currencies}} {
		if err := json.Unmarshal([]byte(part.text), part.into); err != nil {
			return t, fmt.Errorf("terminal %s: %w", t.ID, err)
		}
	}
	return t, nil
}

// What shops have tried is asked for by itself, with the shop as its parameter: a table that is on every node is not joined with
// one that is divided among them.
const (
	sqlTerminalShop  = `SELECT shop_id, id, removed IS NOT NULL FROM terminal WHERE id = $1`
	sqlTerminalTried = `SELECT CASE WHEN EXISTS (SELECT 1 FROM attempt WHERE shop_id = $1 AND terminal_id = $2) THEN 1 ELSE 0 END`
)

// terminalKey names a terminal, and says whether it was removed.
type terminalKey struct {
	shop, id string
	removed  bool
}

func scanTerminalKey(s tx.Scanner) (k terminalKey, err error) {
	err = s.Scan(&k.shop, &k.id, &k.removed)
	return k, err
}

// Shop returns the shop that the terminal belongs to, or ErrNotFound, also for one that was removed unless a payment
// was sent there all the same.
func (t Terminals) Shop(terminal string) (shop.ID, error) {
	found, err := tx.One(t.tx, scanTerminalKey, sqlTerminalShop, terminal)
	if err != nil || !found.removed {
		return shop.ID(found.shop), err
	}
	tried, err := t.tried(found)
	if err == nil && !tried {
		err = ErrNotFound
	}
	return shop.ID(found.shop), err
}

// tried reports whether a payment was ever sent to the terminal.
func (t Terminals) tried(k terminalKey) (bool, error) {
	n, err := tx.One(t.tx, tx.ScanInt64, sqlTerminalTried, k.shop, k.id)
	return n != 0, err
}

const sqlInsertTerminal = `INSERT INTO terminal (shop_id, ` + terminalColumns + `)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, NULL, 1)`

// Insert writes a terminal of a shop, as version 1. A name that the shop has already fails
// with a UniqueError of WriteTerminal.
func (t Terminals) Insert(sid shop.ID, row *shop.Terminal) {
	config, _ := secrets(t).sealedTerminal(sid, row)
	t.tx.Write(WriteTerminal, sqlInsertTerminal, string(sid), row.ID, row.Name, row.Connector, config,
		jsonOf(t.tx, row.Types), jsonOf(t.tx, row.Methods), jsonOf(t.tx, row.Currencies), row.PreAuth, row.Recurring, row.Enabled, row.Priority)
}

const sqlUpdateTerminal = `UPDATE terminal SET config = $1, enabled = $2, priority = $3, name = $4, methods = $5, currencies = $6,
	retired = $7, version = version + 1 WHERE shop_id = $8 AND id = $9 AND version = $10`

// Update writes what can change of a terminal, if its version is still the one that was read: see Shops.Update.
func (t Terminals) Update(sid shop.ID, row *shop.Terminal) {
	config, retired := secrets(t).sealedTerminal(sid, row)
	t.tx.Guard("terminal.update", sqlUpdateTerminal, config, row.Enabled, row.Priority, row.Name, jsonOf(t.tx, row.Methods),
		jsonOf(t.tx, row.Currencies), retired, string(sid), row.ID, row.Version)
}

// sqlTerminalUsed asks by the unique keys of attempts and notices, which begin with shop and terminal.
const sqlTerminalUsed = `SELECT CASE WHEN EXISTS (SELECT 1 FROM attempt WHERE shop_id = $1 AND terminal_id = $2)
	OR EXISTS (SELECT 1 FROM notice WHERE shop_id = $1 AND terminal_id = $2) THEN 1 ELSE 0 END`

// Used reports whether a payment was ever tried at the terminal, or a notice kept for it.
func (t Terminals) Used(sid shop.ID, tid string) (bool, error) {
	used, err := tx.One(t.tx, func(s tx.Scanner) (n int64, err error) {
		err = s.Scan(&n)
		return n, err
	}, sqlTerminalUsed, string(sid), tid)
	return used != 0, err
}

const sqlRemoveTerminal = `UPDATE terminal SET removed = $1, name = id, enabled = FALSE, version = version + 1
	WHERE shop_id = $2 AND id = $3 AND version = $4 AND removed IS NULL`

// Remove takes a terminal away, if its version is still the one that was read. The caller has seen that it is not Used. Its name
// is free again. Its settings stay until Forget: a request that has read the shop before may be about to send a
// payment there, and then the provider has to be asked about it.
func (t Terminals) Remove(sid shop.ID, row *shop.Terminal) {
	t.tx.Guard("terminal.remove", sqlRemoveTerminal, tx.Micros(t.tx.Now()), string(sid), row.ID, row.Version)
}

const (
	sqlRemovedTerminals = `SELECT shop_id, id, TRUE FROM terminal WHERE removed < $1 ORDER BY shop_id, id`
	sqlForgetTerminal   = `DELETE FROM terminal WHERE shop_id = $1 AND id = $2 AND removed < $3`
)

// Forget erases those that were removed before, but for what payments have used all the same.
func (t Terminals) Forget(before time.Time) error {
	removed, err := tx.List(t.tx, scanTerminalKey, sqlRemovedTerminals, tx.Micros(before))
	for i := 0; i < len(removed) && err == nil; i++ {
		var tried bool
		if tried, err = t.tried(removed[i]); err == nil && !tried {
			t.tx.Write("terminal.forget", sqlForgetTerminal, removed[i].shop, removed[i].id, tx.Micros(before))
		}
	}
	return err
}

// Change does to a terminal what Shops.Change does to a shop.
func (t Terminals) Change(sid shop.ID, tid string, change func(*shop.Terminal) error) error {
	s, err := Shops(t).Get(sid)
	if err != nil {
		return err
	}
	row := s.Terminal(tid)
	if row == nil {
		return ErrNotFound
	}
	if err := change(row); err != nil {
		return err
	}
	t.Update(sid, row)
	return nil
}
