package store

import (
	"context"
	"errors"
	"log/slog"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
	"github.com/sluicepay/sluice/internal/vault"
)

// Whatever seals means has a key that is a minute old at most: they are kept for minutes, and often.

// meansPlace is where what a payment is to be paid with belongs.
func meansPlace(shop payment.ShopID, pid payment.ID) vault.Place {
	return vault.Place{Shop: string(shop), ID: string(pid), Kind: vault.KindMeans}
}

// SealMeans returns what the payment is to be paid with sealed for its Means, as SealOnly does.
func (t Payments) SealMeans(p *payment.Payment, plain []byte) string {
	return (*Tx)(t.tx).SealOnly(meansPlace(p.Shop, p.ID), plain)
}

// SealOnly returns what belongs to the place sealed, and nothing where that cannot be sealed: it never stands in the database as it is.
func (t *Tx) SealOnly(p vault.Place, plain []byte) string {
	sealer := secrets{t.kernel()}
	safe := owner(sealer.tx).safe
	if safe == nil || len(plain) == 0 {
		return ""
	}
	if !safe.Recent() {
		if err := sealer.learn(); err != nil {
			sealer.tx.Log(slog.LevelWarn, "data keys cannot be read; what is sealed is sealed by the key at hand", "error", err)
		}
	}
	return sealer.sealOnly(p, plain)
}

// OpenOnly returns what SealOnly has sealed for the place. A text in clear is refused, and what belongs to another place.
func (t *Tx) OpenOnly(p vault.Place, text string) ([]byte, error) {
	return secrets{t.kernel()}.openOnly(p, text)
}

// SealMeans is Payments.SealMeans outside of a transaction.
func (db *DB) SealMeans(ctx context.Context, p *payment.Payment, plain []byte) string {
	if db.safe == nil || len(plain) == 0 {
		return ""
	}
	if !db.safe.Recent() {
		db.learn(ctx)
	}
	at := meansPlace(p.Shop, p.ID)
	sealed, err := db.safe.SealOnly(at, plain)
	if err != nil {
		db.log.WarnContext(ctx, notKept, "error", sealedError(at, err))
	}
	return sealed
}

const notKept = "something is not kept in the database, because it cannot be sealed"

func (t secrets) sealOnly(p vault.Place, plain []byte) string {
	sealed, err := owner(t.tx).safe.SealOnly(p, plain)
	if err != nil {
		t.tx.Log(slog.LevelWarn, notKept, "error", sealedError(p, err))
	}
	return sealed
}

// OpenMeans returns what SealMeans has sealed as the payment's Means. A text in clear is refused, and what belongs to another
// payment.
func (t Payments) OpenMeans(p *payment.Payment) ([]byte, error) {
	return secrets(t).openOnly(meansPlace(p.Shop, p.ID), p.Means)
}

// OpenMeans is Payments.OpenMeans outside of a transaction.
func (db *DB) OpenMeans(ctx context.Context, p *payment.Payment) (plain []byte, err error) {
	if db.safe != nil {
		if plain, err = db.safe.OpenOnly(meansPlace(p.Shop, p.ID), p.Means); err == nil {
			return plain, nil
		}
	}
	failed := db.View(ctx, func(t *Tx) error { // the key may be another node's
		plain, err = t.Payments().OpenMeans(p)
		return nil
	})
	return plain, errors.Join(err, failed)
}

func (t secrets) openOnly(p vault.Place, text string) ([]byte, error) {
	safe := owner(t.tx).safe
	if safe == nil {
		return nil, sealedError(p, errNoSafe)
	}
	plain, err := safe.OpenOnly(p, text)
	if errors.Is(err, vault.ErrUnknownKey) {
		failed := t.learn()
		if plain, err = safe.OpenOnly(p, text); err != nil {
			err = errors.Join(err, failed)
		}
	}
	if err != nil {
		return nil, sealedError(p, err)
	}
	return plain, nil
}

const (
	sqlMeansFrom = `SELECT shop_id, id, 0, id, means FROM payment
	WHERE means IS NOT NULL AND (shop_id, id) > ($1, $2) ORDER BY shop_id, id LIMIT $3`
	sqlSealMeans = `UPDATE payment SET means = $1 WHERE shop_id = $2 AND id = $3 AND means = $4`

	sqlCardsFrom = `SELECT shop_id, token, 0, token, number FROM card_token WHERE (shop_id, token) > ($1, $2) ORDER BY shop_id, token LIMIT $3`
	sqlSealCard  = `UPDATE card_token SET number = $1 WHERE shop_id = $2 AND token = $3 AND number = $4`
)

// sealPayments seals what payments under way are to be paid with. Whoever has read a payment before writes what was read once
// more: a later pass finds that.
func (t Sealings) sealPayments(s *Sealing, limit int) (int, error) {
	return t.sealKept(s, vault.KindMeans, [2]string{sqlMeansFrom, sqlSealMeans}, limit)
}

// sealCards seals the numbers of cards that shops keep.
func (t Sealings) sealCards(s *Sealing, limit int) (int, error) {
	return t.sealKept(s, vault.KindCard, [2]string{sqlCardsFrom, sqlSealCard}, limit)
}

// sealKept seals what never stood in the database in clear: by one statement it is found, by the other written.
func (t Sealings) sealKept(s *Sealing, kind vault.Kind, by [2]string, limit int) (int, error) {
	found, err := tx.List(t.tx, scanCredential, by[0], s.at.shop, s.at.id, limit)
	for _, c := range found {
		s.at = c.key
		if owner(t.tx).safe.Current(c.text) {
			continue
		}
		at := vault.Place{Shop: c.key.shop, ID: c.key.id, Kind: kind}
		plain, err := secrets(t).openOnly(at, c.text)
		if err != nil {
			s.Unopened++
			t.tx.Log(slog.LevelError, "a secret cannot be sealed anew", "error", err)
			continue
		}
		if text := secrets(t).sealOnly(at, plain); text != "" {
			t.tx.Write(s.Part+".seal", by[1], text, c.key.shop, c.key.id, c.text)
		}
		clear(plain)
	}
	return len(found), err
}
