package engine

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/risk"
	"github.com/sluicepay/sluice/internal/shop"
)

// errUnscreened says that the screening has come to no verdict. It is an ErrUnavailable: our own trouble decides nothing, and
// neither sends what nobody has judged nor fills the queue of those who review.
var errUnscreened = fmt.Errorf("%w: the payment could not be screened", ErrUnavailable)

// screen has a payment judged that is about to be sent. p is as it will be sent. Nothing is done where nobody screens.
func (e *Engine) screen(s *shop.Shop, p *payment.Payment, means instrument.Means, from netip.Addr) (payment.Verdict, error) {
	var v payment.Verdict
	if e.c.Screen == nil {
		return v, nil
	}
	f := risk.Facts{Now: e.Now(), Shop: s, Payment: *p, From: from}
	if card := instrument.NumberIn(means); card != nil && !card.Number.IsZero() {
		f.Card = &risk.Card{Mark: card.Number.Sum(e.c.Keys.Fingerprint), BIN: card.Number.BIN()}
	}
	err := rescue.Call(func() (err error) {
		v, err = e.c.Screen(&f)
		return err
	})
	if err == nil {
		err = v.Check()
	}
	if err != nil {
		return payment.Verdict{}, fmt.Errorf("%w: %w", errUnscreened, err)
	}
	return v, nil
}

// unscreened tells a human of a screening that has come to no verdict. It is called when the transaction is over.
func (e *Engine) unscreened(ctx context.Context, s *shop.Shop, err error) {
	if errors.Is(err, errUnscreened) {
		told := aboutShop(s.ID, whyUnscreened, "")
		e.bell.Raise(ctx, told.Of(err))
	}
}

// keepMeans holds what the row of a payment in review does not have of what it is to be made with, and forgets it of one for
// which it is needed no more. means may be nil, and stays the caller's.
func (e *Engine) keepMeans(p *payment.Payment, means instrument.Means) {
	switch {
	case !p.InReview() && !p.BetweenTries() && !p.GoesOn(), p.LastRefusal() != nil:
		e.means.Drop(p.ID)
	case p.InReview() && means != nil:
		e.means.Remain(p, instrument.Clone(means))
	}
}
