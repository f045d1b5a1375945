package engine

import (
	"context"
	"crypto/hmac"
	"errors"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// Idempotency names a command so that repeating it does not repeat its effect. An
// empty Key switches that off.
type Idempotency struct {
	Route       string // method and path pattern: one key may name one command per route
	Key         string
	Fingerprint []byte        // keyed hash of the normalised request, see Engine.Fingerprint
	MaxAge      time.Duration // how long the key counts; zero for ever
}

// Fingerprint is the keyed hash by which two requests are compared.
func (e *Engine) Fingerprint(normalised []byte) []byte { return e.c.Keys.Fingerprint(normalised) }

// repeated looks for an earlier command under the same key, which it replays, and then under the same name, which is
// *NameTaken.
func (e *Engine) repeated(ctx context.Context, shop payment.ShopID, key Idempotency, i *Instruction) (Outcome, bool, error) {
	if o, found, err := e.replay(ctx, shop, key); found || err != nil {
		return o, found, err
	}
	used := e.unnamed(ctx, shop, i)
	if used == nil {
		return Outcome{}, false, nil
	}
	// The command that uses the name may be this one, stored between the two looks.
	if o, found, err := e.replay(ctx, shop, key); found || err != nil {
		return o, found, err
	}
	return Outcome{}, false, used
}

const (
	replayWait = 2 * time.Second // how long a repeated command waits for the running one
	replayPoll = 25 * time.Millisecond
)

// replay looks for an earlier command under the same key. found is false when there
// is none; ErrMismatch is returned when the key named another request.
func (e *Engine) replay(ctx context.Context, shop payment.ShopID, key Idempotency) (o Outcome, found bool, err error) {
	if key.Key == "" {
		return Outcome{}, false, nil
	}
	var row store.Idempotency
	err = e.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.IdempotencyKeys().Get(shop, key.Route, key.Key)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return Outcome{}, false, nil
	}
	if err != nil {
		return Outcome{}, false, storeError(err)
	}
	if key.MaxAge > 0 && e.Now().Sub(row.Created) >= key.MaxAge {
		return Outcome{}, false, nil
	}
	if !hmac.Equal(row.Fingerprint, key.Fingerprint) {
		return Outcome{}, true, ErrMismatch
	}
	p, err := e.settle(ctx, shop, row.Payment)
	return Outcome{Payment: p, Replayed: true}, true, err
}

// settle returns the payment once no call for it is running, or as it is when that
// takes too long.
func (e *Engine) settle(ctx context.Context, shop payment.ShopID, id payment.ID) (payment.Payment, error) {
	deadline := time.NewTimer(replayWait)
	defer deadline.Stop()
	tick := time.NewTicker(replayPoll)
	defer tick.Stop()
	for {
		p, err := e.Get(ctx, shop, id)
		if err != nil {
			return payment.Payment{}, err
		}
		// An open attempt that is settled was read after the payment, in the instant of the answer: look once more.
		a := p.LiveAttempt()
		if a == nil || a.Live() && !a.Leased(e.Now(), e.c.Owner, e.c.Exclusive) {
			return p, nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return p, nil
		case <-ctx.Done():
			return p, nil
		}
	}
}

// remember queues the row that makes a repetition find this command.
func remember(tx *store.Tx, shop payment.ShopID, key Idempotency, id payment.ID) {
	if key.Key == "" {
		return
	}
	row := store.Idempotency{
		Shop: shop, Route: key.Route, Key: key.Key, Fingerprint: key.Fingerprint, Payment: id, Created: tx.Now(),
	}
	if key.MaxAge > 0 {
		tx.IdempotencyKeys().Delete(row, tx.Now().Add(-key.MaxAge))
	}
	tx.IdempotencyKeys().Insert(row)
}

// overtaken reports that a command may have failed because the same command, sent at
// the same time, came first: its row is there, or the payment has moved on by it.
func overtaken(err error) bool {
	var refusal *payment.Refusal
	var missing *payment.Missing
	var token *TokenRefused
	return clashed(err, store.WriteIdempotency) || clashed(err, store.WriteInstruction) || clashed(err, store.WriteSpent) || errors.Is(err, ErrChanged) ||
		errors.As(err, &refusal) || errors.As(err, &missing) || errors.As(err, &token)
}

// clashed reports whether a transaction failed because the named row exists already.
func clashed(err error, write string) bool {
	var u *store.UniqueError
	return errors.As(err, &u) && u.Write == write
}
