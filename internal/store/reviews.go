package store

import (
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

const sqlKeepScreening = `UPDATE payment SET review = $1, screened = $2 WHERE shop_id = $3 AND id = $4`

// KeepScreening writes what screening has said of a payment, or what became of its review, beside the Insert or Update of the
// same body: a payment that passes costs no statement, and no longer one.
func (t Payments) KeepScreening(p *payment.Payment) {
	var screened any
	if !unscreened(&p.Screened) {
		screened = writtenDocument(t.tx, "screened", &p.Screened)
	}
	t.tx.Write("payment.screened", sqlKeepScreening, tx.Micros(p.Review), screened, string(p.Shop), string(p.ID))
}

// unscreened reports that the payment has always passed.
func unscreened(s *payment.Screening) bool { return *s == payment.Screening{} }

// ReviewFilter chooses payments in review.
type ReviewFilter struct {
	Shop   payment.ShopID // empty for all
	Before time.Time      // only those whose review ends before it; zero for all
	Limit  int
}

var sqlReviews = `SELECT ` + paymentColumns + ` FROM payment p WHERE p.review IS NOT NULL`

// Reviews returns payments in review, those first whose time is over first. They come without their attempts.
func (t Payments) Reviews(f ReviewFilter) ([]payment.Payment, error) {
	text, args := sqlReviews, []any{}
	if f.Shop != "" {
		args = append(args, string(f.Shop))
		text += " AND p.shop_id = $1"
	}
	if !f.Before.IsZero() {
		args = append(args, tx.Micros(f.Before))
		text += " AND p.review < " + placeholder(len(args))
	}
	text, args = tx.Limited(text+" ORDER BY p.review, p.id", args, f.Limit)
	return tx.List(t.tx, scanPayment, text, args...)
}
