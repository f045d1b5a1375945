package engine

import (
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/shop"
)

// wants is what has to be known of who pays there. Where the terminal cannot be reached nobody has to be asked for anything; nor by
// a connector that panics: what is wrong with it comes out, and is told, when it is called.
func (at *reached) wants() (w payer.Wants) {
	if at == nil || at.to == nil {
		return w
	}
	_ = rescue.Run(func() { w = at.to.Traits().Wants }) // see above
	return w
}

// lacks names the first of it that the payment does not have; empty where it has all. Whether a document's number can be right is
// looked at where it comes from: on the page always, in the API where the shop asks for that.
func (at *reached) lacks(p *payment.Payment) string {
	wants := at.wants()
	if lacks := wants.AbsentOf(p); len(lacks) > 0 {
		return lacks[0].Path()
	}
	return ""
}

// Wants is what has to be known of who pays a payment by the method, at the terminal where it would be tried first.
func (g Page) Wants(s *shop.Shop, p *payment.Payment, m payment.Method) payer.Wants {
	wanted := *p
	wanted.Method = m
	_, at := g.e.start(s, &wanted)
	return at.wants()
}
