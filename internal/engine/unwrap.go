package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/wallet"
	"github.com/sluicepay/sluice/internal/wallet/accounts"
)

// TokenRefused is returned for the token of a wallet that is not taken. Nothing was stored or sent.
type TokenRefused = accounts.Refused

// OpensTokens reports that the shop has an account by which tokens of the method are opened here.
func OpensTokens(s *shop.Shop, m payment.Method) bool { return accounts.Has(s, m) }

// methodOf is the one method by which the customer pays with such means; empty where several are.
func methodOf(m instrument.Means) payment.Method {
	if w, ok := m.(*instrument.Wallet); ok {
		return payment.Method(w.Method)
	}
	return payment.MethodOf(m.Kind())
}

// spentMargin is how much longer a token is remembered than anybody takes it, by clocks that do not agree.
const spentMargin = time.Hour

// unwrap opens the token of a wallet in its place. Where the shop has no account for it, it stays for a provider that opens it.
func (e *Engine) unwrap(s *shop.Shop, w *instrument.Wallet, to money.Sum) error {
	err := e.tokens.Open(s, w, to)
	if errors.Is(err, accounts.ErrUnready) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// unwrapped opens the token that the payment is to be paid with, if it is not open yet, and has it spent with what the transaction writes.
func (o *order) unwrapped(tx *store.Tx, p *payment.Payment, w *instrument.Wallet) error {
	if payment.Method(w.Method) != p.Method {
		return &payment.Refusal{Code: payment.CodeWrongState, Field: "paymentMethod", Detail: "the token is of another method"}
	}
	to := p.Asked
	if to.Amount.IsZero() {
		to.Amount = o.x.Amount
	}
	if err := o.e.unwrap(o.x.Shop, w, to); err != nil || w.Card == nil {
		return err
	}
	number := w.Card.Number.Finder()
	o.numbers = append(o.numbers, number)
	if tx.WithoutCard(number); o.repeated(number) {
		return &CardText{}
	}
	return spend(tx, p, w)
}

// spend has the token be spent on the payment. That can use it again as long as nothing of it has left.
func spend(tx *store.Tx, p *payment.Payment, w *instrument.Wallet) error {
	hash := tokenHash(w)
	on, err := tx.SpentTokens().On(p.Shop, hash)
	left := slices.ContainsFunc(p.Attempts, func(a payment.Attempt) bool { return a.Class != payment.ClassNotSent })
	switch {
	case errors.Is(err, store.ErrNotFound):
		s := store.SpentToken{Shop: p.Shop, Hash: hash, Payment: p.ID}
		if !w.Until.IsZero() {
			s.Due = w.Until.Add(spentMargin)
		}
		tx.SpentTokens().Spend(s)
		return nil
	case err == nil && (on != p.ID || left):
		return spentBefore(w)
	}
	return err
}

func spentBefore(w *instrument.Wallet) error {
	return &TokenRefused{Method: payment.Method(w.Method), Fault: wallet.FaultReplay}
}

// tokenHash is the name of a token among those that are spent.
func tokenHash(w *instrument.Wallet) string {
	sum := sha256.Sum256([]byte(w.Method + "\n" + w.ID))
	return hex.EncodeToString(sum[:])
}

// spentFirst is what is told where another try took the token in the same instant.
func spentFirst(err error, means instrument.Means) error {
	if w, ok := means.(*instrument.Wallet); ok && clashed(err, store.WriteSpent) {
		return spentBefore(w)
	}
	return err
}

// unwrapNew opens the token that a deposit came with. It is spent when the deposit is executed; that it is already, is told now.
func (e *Engine) unwrapNew(ctx context.Context, c *Create, w *instrument.Wallet) error {
	if err := e.unwrap(c.Shop, w, money.Sum{Amount: c.Amount, Currency: c.Currency}); err != nil || w.Card == nil {
		return err
	}
	err := e.c.DB.View(ctx, func(tx *store.Tx) error {
		_, err := tx.SpentTokens().On(c.Shop.ID, tokenHash(w))
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err == nil:
		return spentBefore(w)
	}
	return storeError(err)
}
