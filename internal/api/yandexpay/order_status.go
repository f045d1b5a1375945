package yandexpay

import (
	"github.com/sluicepay/sluice/internal/payment"
)

// paymentStatus is the state of an order.
type paymentStatus string

const (
	statusPending           paymentStatus = "PENDING"
	statusAuthorized        paymentStatus = "AUTHORIZED"
	statusCaptured          paymentStatus = "CAPTURED"
	statusVoided            paymentStatus = "VOIDED"
	statusRefunded          paymentStatus = "REFUNDED"
	statusPartiallyRefunded paymentStatus = "PARTIALLY_REFUNDED"
	statusFailed            paymentStatus = "FAILED"
)

// statusOf tells how a deposit stands in this API's words. While a capture or void is open the order stays
// AUTHORIZED; one that the merchant rolled back after it was paid is FAILED once all its money is back.
func statusOf(p *payment.Payment) paymentStatus {
	switch p.State() {
	case payment.Authorized:
		return statusAuthorized
	case payment.Declined:
		return statusFailed
	case payment.Cancelled:
		if p.Authorised.IsZero() {
			return statusFailed
		}
		return statusVoided
	case payment.Completed:
		return statusPaid(p)
	case payment.None, payment.Checkout, payment.Pending:
		if a := p.LiveAttempt(); a != nil && (a.Kind == payment.AttemptCapture || a.Kind == payment.AttemptVoid) {
			return statusAuthorized
		}
	}
	return statusPending
}

func statusPaid(p *payment.Payment) paymentStatus {
	switch {
	case p.Refunded.IsZero():
		return statusCaptured
	case p.Refunded != p.Captured:
		return statusPartiallyRefunded
	case !p.Abandoned.IsZero() && !p.WentBack:
		return statusFailed
	}
	return statusRefunded
}
