package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/vault"
)

// errNoSafe is what reading something sealed gives where nobody has the keys.
var errNoSafe = errors.New("the keys were not given")

// learnPatience bounds how long sealing waits to hear of a newer key; the one at hand does as well.
const learnPatience = 2 * time.Second

// Seal returns the text sealed for the place, by a key that is the newest as far as that can be found out. Where nothing can be
// sealed it returns nothing: a text that is a secret is rather lost than stored in clear.
func (db *DB) Seal(ctx context.Context, p vault.Place, plain string) string {
	if db.safe == nil || plain == "" {
		return plain
	}
	if !db.safe.Fresh() {
		ctx, cancel := context.WithTimeout(ctx, learnPatience)
		defer cancel()
		if err := db.View(ctx, (*Tx).learn); err != nil {
			db.log.WarnContext(ctx, "data keys cannot be read; what is sealed is sealed by the key at hand", "error", err)
		}
	}
	sealed, err := db.safe.Seal(p, plain)
	if err != nil {
		db.log.ErrorContext(ctx, "a secret is left out, because it cannot be sealed", "error", sealedError(p, err))
	}
	return sealed
}

// Seal is DB.Seal in a transaction, which fails where nothing can be sealed.
func (tx *Tx) Seal(p vault.Place, plain string) string {
	if tx.db.safe == nil || plain == "" {
		return plain
	}
	if !tx.db.safe.Fresh() {
		if err := tx.learn(); err != nil {
			tx.db.log.WarnContext(tx.ctx, "data keys cannot be read; what is sealed is sealed by the key at hand", "error", err)
		}
	}
	sealed, err := tx.db.safe.Seal(p, plain)
	if err != nil {
		tx.misuse(sealedError(p, err))
	}
	return sealed
}

// Open returns what was sealed for the place. A text in clear is returned as it is. A key that this process does not know is
// looked for in the database: another node may have made it a moment ago.
func (tx *Tx) Open(p vault.Place, text string) (string, error) {
	if _, sealed := vault.SealedKey(text); !sealed {
		return text, nil
	}
	if tx.db.safe == nil {
		return "", sealedError(p, errNoSafe)
	}
	plain, err := tx.db.safe.Open(p, text)
	if errors.Is(err, vault.ErrUnknownKey) {
		failed := tx.learn()
		if plain, err = tx.db.safe.Open(p, text); err != nil {
			err = errors.Join(err, failed)
		}
	}
	if err != nil {
		return "", sealedError(p, err)
	}
	return plain, nil
}

// learn reads the data keys.
func (tx *Tx) learn() error {
	rows, err := tx.DataKeys()
	if err != nil {
		return err
	}
	return tx.db.safe.Learn(rows)
}

func sealedError(p vault.Place, err error) error {
	return fmt.Errorf("%s of %s in shop %s cannot be opened: %w", p.Kind, p.ID, p.Shop, err)
}

func shopPlace(s *shop.Shop, kind vault.Kind) vault.Place {
	return vault.Place{Shop: string(s.ID), ID: string(s.ID), Kind: kind}
}

func terminalPlace(sid shop.ID, terminal string, kind vault.Kind) vault.Place {
	return vault.Place{Shop: string(sid), ID: terminal, Kind: kind}
}

// CredentialPlace is where what charges a customer again belongs: to the first payment, in its attempts and in the chain.
func CredentialPlace(sid shop.ID, first string) vault.Place {
	return vault.Place{Shop: string(sid), ID: first, Kind: vault.KindCredential}
}

// openShop opens the secrets of a shop as it was read.
func (tx *Tx) openShop(s *shop.Shop) (err error) {
	if s.SigningKey, err = tx.Open(shopPlace(s, vault.KindSigning), s.SigningKey); err != nil {
		return err
	}
	if r := s.Settings.RetiredKey; r != nil {
		r.Key, err = tx.Open(shopPlace(s, vault.KindRetiredKey), r.Key)
	}
	return err
}

// sealedShop returns signing key and settings of a shop as they are stored.
func (tx *Tx) sealedShop(s *shop.Shop) (key string, settings any) {
	stored := s.Settings
	if r := stored.RetiredKey; r != nil {
		stored.RetiredKey = &shop.RetiredKey{Key: tx.Seal(shopPlace(s, vault.KindRetiredKey), r.Key), Until: r.Until}
	}
	return tx.Seal(shopPlace(s, vault.KindSigning), s.SigningKey), tx.json(stored)
}

// openTerminals opens the settings of a shop's terminals. One whose settings cannot be opened has none and cannot be used; the
// others can.
func (tx *Tx) openTerminals(sid shop.ID, terminals []shop.Terminal) {
	for i := range terminals {
		t := &terminals[i]
		if err := tx.openTerminal(sid, t); err != nil {
			t.Config, t.Retired = json.RawMessage("{}"), nil
			if _, told := tx.db.unopened.LoadOrStore(t.ID, true); !told {
				tx.db.log.ErrorContext(tx.ctx, "the settings of a terminal cannot be opened", "shop_id", string(sid), "terminal_id", t.ID, "error", err)
			}
		}
	}
}

// openTerminal opens what scanTerminal has read.
func (tx *Tx) openTerminal(sid shop.ID, t *shop.Terminal) error {
	config, err := tx.Open(terminalPlace(sid, t.ID, vault.KindTerminal), t.Stored.Config)
	if err != nil {
		return err
	}
	retired, err := tx.Open(terminalPlace(sid, t.ID, vault.KindRetired), t.Stored.Retired)
	if err != nil {
		return err
	}
	if retired != "" {
		if err := json.Unmarshal([]byte(retired), &t.Retired); err != nil {
			return fmt.Errorf("terminal %s: %w", t.ID, err)
		}
	}
	t.Config, t.Stored = json.RawMessage(config), nil
	return nil
}

// sealedTerminal returns the settings of a terminal, and those that it had before, as they are stored. What could not be opened
// is stored as it was.
func (tx *Tx) sealedTerminal(sid shop.ID, t *shop.Terminal) (config string, retired any) {
	if t.Stored != nil {
		return t.Stored.Config, nullable(t.Stored.Retired)
	}
	config = tx.Seal(terminalPlace(sid, t.ID, vault.KindTerminal), string(t.Config))
	if len(t.Retired) == 0 {
		return config, nil
	}
	if text, ok := tx.json(t.Retired).(string); ok {
		retired = tx.Seal(terminalPlace(sid, t.ID, vault.KindRetired), text)
	}
	return config, retired
}

// copied scans into a copy of one of the columns too, counted from 0.
type copied struct {
	scanner

	column int
	into   *string
}

// Scan implements scanner.
func (c copied) Scan(dest ...any) error {
	err := c.scanner.Scan(dest...)
	if text, ok := dest[c.column].(*string); ok && err == nil {
		*c.into = *text
	}
	return err
}

// withRetiredKey returns a shop's settings with another retired key, all else as it stands.
func withRetiredKey(settings string, key *shop.RetiredKey) (string, error) {
	var all map[string]json.RawMessage
	err := json.Unmarshal([]byte(settings), &all)
	if err == nil {
		all["retiredSigningKey"], err = json.Marshal(key)
	}
	var raw []byte
	if err == nil {
		raw, err = json.Marshal(all)
	}
	if err != nil {
		return "", fmt.Errorf("settings of a shop: %w", err)
	}
	return string(raw), nil
}
