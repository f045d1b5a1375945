package store

import (
	"log/slog"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/tx"
	"github.com/sluicepay/sluice/internal/vault"
)

// sealers seal the rows of each part after s.at, and say how many they have looked at.
var sealers = map[string]func(t Sealings, s *Sealing, limit int) (int, error){
	"shops": Sealings.sealShops, "terminals": Sealings.sealTerminals, "chains": Sealings.sealChains, "attempts": Sealings.sealAttempts,
	"payments": Sealings.sealPayments, "cards": Sealings.sealCards,
}

// reseal returns the text as it has to be stored now, and whether that is another one.
func (t Sealings) reseal(s *Sealing, p vault.Place, text string) (string, bool) {
	if owner(t.tx).safe.Current(text) {
		return text, false
	}
	plain, err := secrets(t).open(p, text)
	if err != nil {
		s.Unopened++
		t.tx.Log(slog.LevelError, "a secret cannot be sealed anew", "error", err)
		return text, false
	}
	sealed := secrets(t).seal(p, plain)
	return sealed, true
}

const (
	sqlShopsFrom = `SELECT ` + shopColumns + ` FROM shop WHERE id > $1 ORDER BY id LIMIT $2`
	sqlSealShop  = `UPDATE shop SET signing_key = $1, settings = $2, version = version + 1 WHERE id = $3 AND version = $4`
)

func (t Sealings) sealShops(s *Sealing, limit int) (int, error) {
	type stored struct {
		shop.Shop
		settings string
	}
	found, err := tx.List(t.tx, func(from tx.Scanner) (r stored, err error) {
		r.Shop, err = scanShop(copied{from, 6, &r.settings})
		return r, err
	}, sqlShopsFrom, s.at.shop, limit)
	for i := range found {
		r := &found[i]
		key, changed := t.reseal(s, shopPlace(&r.Shop, vault.KindSigning), r.SigningKey)
		if old := r.Settings.RetiredKey; old != nil {
			text, also := t.reseal(s, shopPlace(&r.Shop, vault.KindRetiredKey), old.Key)
			if changed = changed || also; also {
				old.Key = text
				r.settings, err = withSetting(r.settings, "retiredSigningKey", old)
			}
		}
		if w := &r.Settings.Wallets; w.Keys != "" && err == nil {
			text, also := t.reseal(s, shopPlace(&r.Shop, vault.KindWallets), w.Keys)
			if changed = changed || also; also {
				w.Keys = text
				r.settings, err = withSetting(r.settings, "wallets", w)
			}
		}
		if err != nil {
			return 0, err
		}
		if changed {
			t.tx.Write("shop.seal", sqlSealShop, key, r.settings, string(r.ID), r.Version)
		}
		s.at = secretKey{shop: string(r.ID)}
	}
	return len(found), err
}

const (
	sqlTerminalsFrom = `SELECT shop_id, id, config, COALESCE(retired, ''), version FROM terminal
	WHERE (shop_id, id) > ($1, $2) ORDER BY shop_id, id LIMIT $3`
	sqlSealTerminal = `UPDATE terminal SET config = $1, retired = $2, version = version + 1 WHERE shop_id = $3 AND id = $4 AND version = $5`
)

func (t Sealings) sealTerminals(s *Sealing, limit int) (int, error) {
	type stored struct {
		shop, id, config, retired string
		version                   int64
	}
	found, err := tx.List(t.tx, func(from tx.Scanner) (r stored, err error) {
		err = from.Scan(&r.shop, &r.id, &r.config, &r.retired, &r.version)
		return r, err
	}, sqlTerminalsFrom, s.at.shop, s.at.id, limit)
	for _, r := range found {
		config, changed := t.reseal(s, terminalPlace(shop.ID(r.shop), r.id, vault.KindTerminal), r.config)
		retired, also := t.reseal(s, terminalPlace(shop.ID(r.shop), r.id, vault.KindRetired), r.retired)
		if changed || also {
			t.tx.Write("terminal.seal", sqlSealTerminal, config, tx.Nullable(retired), r.shop, r.id, r.version)
		}
		s.at = secretKey{shop: r.shop, id: r.id}
	}
	return len(found), err
}

// credential is one of the rows that hold what charges a customer again.
type credential struct {
	key   secretKey
	first string // payment that it belongs to
	text  string
}

const (
	sqlChainsFrom = `SELECT shop_id, token, 0, payment_id, credential FROM chain
	WHERE (shop_id, token) > ($1, $2) ORDER BY shop_id, token LIMIT $3`
	sqlSealChain    = `UPDATE chain SET credential = $1 WHERE shop_id = $2 AND token = $3 AND credential = $4`
	sqlAttemptsFrom = `SELECT shop_id, payment_id, seq, payment_id, credential FROM attempt
	WHERE credential IS NOT NULL AND (shop_id, payment_id, seq) > ($1, $2, $3) ORDER BY shop_id, payment_id, seq LIMIT $4`
	sqlSealAttempt = `UPDATE attempt SET credential = $1 WHERE shop_id = $2 AND payment_id = $3 AND seq = $4 AND credential = $5`
)

func scanCredential(from tx.Scanner) (c credential, err error) {
	err = from.Scan(&c.key.shop, &c.key.id, &c.key.seq, &c.first, &c.text)
	return c, err
}

func (t Sealings) sealChains(s *Sealing, limit int) (int, error) {
	found, err := tx.List(t.tx, scanCredential, sqlChainsFrom, s.at.shop, s.at.id, limit)
	for _, c := range found {
		if text, changed := t.reseal(s, CredentialPlace(shop.ID(c.key.shop), c.first), c.text); changed {
			t.tx.Write("chain.seal", sqlSealChain, text, c.key.shop, c.key.id, c.text)
		}
		s.at = c.key
	}
	return len(found), err
}

func (t Sealings) sealAttempts(s *Sealing, limit int) (int, error) {
	found, err := tx.List(t.tx, scanCredential, sqlAttemptsFrom, s.at.shop, s.at.id, s.at.seq, limit)
	for _, c := range found {
		if text, changed := t.reseal(s, CredentialPlace(shop.ID(c.key.shop), c.first), c.text); changed {
			t.tx.Write("attempt.seal", sqlSealAttempt, text, c.key.shop, c.key.id, c.key.seq, c.text)
		}
		s.at = c.key
	}
	return len(found), err
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
