package gateway

import "github.com/sluicepay/sluice/internal/payment"

// refs writes what the customer has to do before the payment goes on, for merchants who show that themselves instead of sending
// the customer to redirectUrl. It is known of payments that are shown alone: lists do not read it.
func (o *object) refs(p *payment.Payment) {
	a := p.LiveAttempt()
	if a == nil || p.State() != payment.Pending || a.Class != payment.ClassWaiting || a.Next.Leads() || a.Next.IsZero() {
		return
	}
	r := newObject(nil)
	r.text("qrCode", a.Next.Code)
	if a.Next.Kind == payment.NextCode || a.Next.Kind == payment.NextWait {
		r.text("appUrl", a.Next.URL)
	}
	if !a.Next.Until.IsZero() {
		r.Name("expires")
		r.Dst = append(appendInstant(append(r.Dst, '"'), a.Next.Until), '"')
	}
	if whole := r.whole(); len(whole) > 0 {
		o.Raw("externalRefs", string(whole))
	}
}
