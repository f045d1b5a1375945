package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// ManualCheck asks the provider about an open outcome, whether a hold still stands, or whether what is settled is still
// so, or makes a call that never left, at an operator's wish.
func (e *Engine) ManualCheck(ctx context.Context, shop payment.ShopID, id payment.ID) (payment.Payment, error) {
	p, err := e.load(ctx, shop, id)
	if err != nil {
		return payment.Payment{}, err
	}
	if p.Unsent() != nil { // there is nothing to ask about
		if err := e.sendAgain(ctx, &p); err != nil {
			return payment.Payment{}, err
		}
		return e.load(ctx, shop, id)
	}
	if len(p.LostKinds()) > 0 {
		return e.search(ctx, p)
	}
	if p.BetweenTries() && p.Doubted() == nil { // nothing of it has left
		return p, nil
	}
	return e.checkNow(ctx, p, payment.OpManualCheckState, 0)
}

// ErrSecondPerson is returned when somebody approves what they asked for themselves.
var ErrSecondPerson = errors.New("a second person has to approve")

// ErrUpdateOutdated is returned for an update of a payment that has changed since it was asked for: what was known then
// may be wrong now, so it has to be asked for again.
var ErrUpdateOutdated = errors.New("the payment has changed since the update was asked for; look at it and ask again")

// ManualUpdate puts a payment into a state by hand. reason and who are kept. Where the
// shop demands a second person, nothing changes until ApproveManualUpdate; done tells.
func (e *Engine) ManualUpdate(ctx context.Context, u store.ManualUpdate) (id string, done bool, err error) {
	if strings.TrimSpace(u.Reason) == "" || visible(u.AskedBy) == "" {
		return "", false, errors.New("a manual update needs a reason and a name")
	}
	s, err := e.Shop(ctx, u.Shop)
	if err != nil {
		return "", false, err
	}
	u.ID, _ = e.IDs.New()
	if s.Settings.FourEyes {
		err := e.DB.Update(ctx, func(tx *store.Tx) error {
			if tx.MaybeCommitted() { // a wish has an id of its own
				if _, err := tx.ManualUpdate(u.Shop, u.ID); !errors.Is(err, store.ErrNotFound) {
					return err
				}
			}
			if err := e.rehearse(tx, &u); err != nil {
				return err
			}
			u.AskedAt = tx.Now()
			tx.InsertManualUpdate(&u)
			return nil
		})
		return u.ID, false, storeError(err)
	}
	err = e.carryOut(ctx, &u, func(tx *store.Tx, u *store.ManualUpdate) {
		u.AskedAt, u.DoneAt = tx.Now(), tx.Now()
		tx.InsertManualUpdate(u)
	})
	return u.ID, err == nil, err
}

// secondPerson reports whether somebody else approves: another spelling of the same name
// is not somebody else.
func secondPerson(by, asked string) bool {
	by = visible(by)
	return by != "" && !strings.EqualFold(by, visible(asked))
}

// visible is what a reader sees of a name: without characters that show nothing, single spaces between the words.
func visible(name string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(name, ""))), " ")
}

// ApproveManualUpdate carries out what somebody else asked for. Errors: ErrSecondPerson, ErrUpdateOutdated, those of
// ManualUpdate; payment.ErrNotFound for an unknown one.
func (e *Engine) ApproveManualUpdate(ctx context.Context, shop payment.ShopID, id, by string) error {
	var u store.ManualUpdate
	err := e.DB.View(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.ManualUpdate(shop, id)
		return err
	})
	switch {
	case err != nil:
		return storeError(err)
	case !secondPerson(by, u.AskedBy):
		return ErrSecondPerson
	case !u.DoneAt.IsZero():
		return fmt.Errorf("update %s was carried out on %s", id, u.DoneAt.Format("2006-01-02 15:04:05"))
	}
	u.ApprovedBy = by
	return e.carryOut(ctx, &u, func(tx *store.Tx, u *store.ManualUpdate) {
		u.DoneAt = tx.Now()
		tx.ApproveManualUpdate(u)
	})
}

// byHand keeps who gave a command by hand, in its transaction: it needs nobody's approval, so it is done with it.
func (e *Engine) byHand(tx *store.Tx, r *store.ManualUpdate, p *payment.Payment) {
	if r == nil {
		return
	}
	u := *r
	u.ID, _ = e.IDs.New()
	u.Shop, u.Payment, u.AskedAt, u.DoneAt = p.Shop, p.ID, tx.Now(), tx.Now()
	tx.InsertManualUpdate(&u)
}

func updateOf(u *store.ManualUpdate, now time.Time) payment.ManualUpdate {
	return payment.ManualUpdate{To: u.To, Code: u.Code, HoldCheck: now.Add(job.HoldWait)}
}

// rehearse refuses at once what could not be carried out.
func (e *Engine) rehearse(tx *store.Tx, u *store.ManualUpdate) error {
	p, err := tx.Payment(u.Shop, u.Payment)
	if err != nil {
		return err
	}
	_, err = payment.Decide(p, updateOf(u, tx.Now()), tx.Now())
	return err
}

func (e *Engine) carryOut(ctx context.Context, u *store.ManualUpdate, keep func(*store.Tx, *store.ManualUpdate)) error {
	var d payment.Decision
	var x exchange
	var unsure doubts
	err := e.DB.Update(ctx, func(tx *store.Tx) error {
		if mine, err := unsure.resolved(tx, &d, &x); mine || err != nil {
			return err
		}
		p, err := tx.Payment(u.Shop, u.Payment)
		if err != nil {
			return err
		}
		if u.ApprovedBy != "" && p.Updated.After(u.AskedAt) {
			return ErrUpdateOutdated
		}
		if d, err = payment.Decide(p, updateOf(u, tx.Now()), tx.Now()); err != nil {
			return err
		}
		keep(tx, u)
		return e.writeAll(ctx, tx, &d)
	})
	if err != nil {
		return storeError(err)
	}
	e.told(ctx, &d)
	return nil
}
