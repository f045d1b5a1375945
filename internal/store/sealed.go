package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/tx"
	"github.com/sluicepay/sluice/internal/vault"
)

// secrets seals and opens what stands in tables.
type secrets struct{ tx *tx.Tx }

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
		db.learn(ctx)
	}
	sealed, err := db.safe.Seal(p, plain)
	if err != nil {
		db.log.ErrorContext(ctx, "a secret is left out, because it cannot be sealed", "error", sealedError(p, err))
	}
	return sealed
}

// learn has the newest data key known before something is sealed.
func (db *DB) learn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, learnPatience)
	defer cancel()
	if err := db.View(ctx, func(t *Tx) error { return secrets{t.kernel()}.learn() }); err != nil {
		db.log.WarnContext(ctx, "data keys cannot be read; what is sealed is sealed by the key at hand", "error", err)
	}
}

// seal is DB.Seal in a transaction, which fails where nothing can be sealed.
func (t secrets) seal(p vault.Place, plain string) string {
	if owner(t.tx).safe == nil || plain == "" {
		return plain
	}
	if !owner(t.tx).safe.Fresh() {
		if err := t.learn(); err != nil {
			t.tx.Log(slog.LevelWarn, "data keys cannot be read; what is sealed is sealed by the key at hand", "error", err)
		}
	}
	sealed, err := owner(t.tx).safe.Seal(p, plain)
	if err != nil {
		t.tx.Fail(sealedError(p, err))
	}
	return sealed
}

// open returns what was sealed for the place. A text in clear is returned as it is. A key that this process does not know is
// looked for in the database: another node may have made it a moment ago.
func (t secrets) open(p vault.Place, text string) (string, error) {
	if _, sealed := vault.SealedKey(text); !sealed {
		return text, nil
	}
	if owner(t.tx).safe == nil {
		return "", sealedError(p, errNoSafe)
	}
	plain, err := owner(t.tx).safe.Open(p, text)
	if errors.Is(err, vault.ErrUnknownKey) {
		failed := t.learn()
		if plain, err = owner(t.tx).safe.Open(p, text); err != nil {
			err = errors.Join(err, failed)
		}
	}
	if err != nil {
		return "", sealedError(p, err)
	}
	return plain, nil
}

// learn reads the data keys.
func (t secrets) learn() error {
	rows, err := DataKeys(t).List()
	if err != nil {
		return err
	}
	return owner(t.tx).safe.Learn(rows)
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
func (t secrets) openShop(s *shop.Shop) (err error) {
	if s.SigningKey, err = t.open(shopPlace(s, vault.KindSigning), s.SigningKey); err != nil {
		return err
	}
	if r := s.Settings.RetiredKey; r != nil {
		if r.Key, err = t.open(shopPlace(s, vault.KindRetiredKey), r.Key); err != nil {
			return err
		}
	}
	if w := &s.Settings.Wallets; w.Keys != "" {
		w.Keys, err = t.open(shopPlace(s, vault.KindWallets), w.Keys)
	}
	return err
}

// hide takes the secrets of a shop away where nobody needs them.
func hide(s *shop.Shop) { s.SigningKey, s.Settings.RetiredKey, s.Settings.Wallets.Keys = "", nil, "" }

// sealedShop returns signing key and settings of a shop as they are stored.
func (t secrets) sealedShop(s *shop.Shop) (key string, settings any) {
	stored := s.Settings
	if r := stored.RetiredKey; r != nil {
		stored.RetiredKey = &shop.RetiredKey{Key: t.seal(shopPlace(s, vault.KindRetiredKey), r.Key), Until: r.Until}
	}
	stored.Wallets.Keys = t.seal(shopPlace(s, vault.KindWallets), stored.Wallets.Keys)
	return t.seal(shopPlace(s, vault.KindSigning), s.SigningKey), jsonOf(t.tx, stored)
}

// openTerminals opens the settings of a shop's terminals. One whose settings cannot be opened has none and cannot be used; the
// others can.
func (t secrets) openTerminals(sid shop.ID, terminals []shop.Terminal) {
	for i := range terminals {
		row := &terminals[i]
		if err := t.openTerminal(sid, row); err != nil {
			row.Config, row.Retired = json.RawMessage("{}"), nil
			if _, told := owner(t.tx).unopened.LoadOrStore(row.ID, true); !told {
				t.tx.Log(slog.LevelError, "the settings of a terminal cannot be opened", "shop_id", string(sid), "terminal_id", row.ID, "error", err)
			}
		}
	}
}

// openTerminal opens what scanTerminal has read.
func (t secrets) openTerminal(sid shop.ID, row *shop.Terminal) error {
	config, err := t.open(terminalPlace(sid, row.ID, vault.KindTerminal), row.Stored.Config)
	if err != nil {
		return err
	}
	retired, err := t.open(terminalPlace(sid, row.ID, vault.KindRetired), row.Stored.Retired)
	if err != nil {
		return err
	}
	if retired != "" {
		if err := json.Unmarshal([]byte(retired), &row.Retired); err != nil {
			return fmt.Errorf("terminal %s: %w", row.ID, err)
		}
	}
	row.Config, row.Stored = json.RawMessage(config), nil
	return nil
}

// sealedTerminal returns the settings of a terminal, and those that it had before, as they are stored. What could not be opened
// is stored as it was.
func (t secrets) sealedTerminal(sid shop.ID, row *shop.Terminal) (config string, retired any) {
	if row.Stored != nil {
		return row.Stored.Config, tx.Nullable(row.Stored.Retired)
	}
	config = t.seal(terminalPlace(sid, row.ID, vault.KindTerminal), string(row.Config))
	if len(row.Retired) == 0 {
		return config, nil
	}
	if text, ok := jsonOf(t.tx, row.Retired).(string); ok {
		retired = t.seal(terminalPlace(sid, row.ID, vault.KindRetired), text)
	}
	return config, retired
}

// copied scans into a copy of one of the columns too, counted from 0.
type copied struct {
	tx.Scanner

	column int
	into   *string
}

// Scan implements [tx.Scanner].
func (c copied) Scan(dest ...any) error {
	err := c.Scanner.Scan(dest...)
	if text, ok := dest[c.column].(*string); ok && err == nil {
		*c.into = *text
	}
	return err
}

// withSetting returns a shop's settings with another value of one, all else as it stands.
func withSetting(settings, name string, value any) (string, error) {
	var all map[string]json.RawMessage
	err := json.Unmarshal([]byte(settings), &all)
	if err == nil {
		all[name], err = json.Marshal(value)
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
