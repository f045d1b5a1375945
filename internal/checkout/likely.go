package checkout

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// How likely it is that a customer pays by a method, the likeliest first. Whatever comes before the card is shown above its form.
const (
	likelyHere   = iota // made for the currency: people pay so where it is money
	likelyDevice        // the wallet of the customer's own device
	likelyCard
	likelyWallet
	likelyOther
)

// likely tells how likely the method is for a payment in the currency on the customer's device.
func (v *visit) likely(m payment.Method, c money.Currency) int {
	spec := m.Spec()
	switch {
	case spec.Currency != "" && spec.Currency == c:
		return likelyHere
	case spec.Means == instrument.KindWallet && (spec.Apple && v.apple || !spec.Apple && v.android):
		return likelyDevice
	case spec.Means == instrument.KindCard:
		return likelyCard
	case spec.Means == instrument.KindWallet:
		return likelyWallet
	}
	return likelyOther
}

// byLikelihood puts methods into the order in which they are shown.
func (v *visit) byLikelihood(methods []payment.Method) []payment.Method {
	c := v.payment.Moves().Currency
	slices.SortStableFunc(methods, func(a, b payment.Method) int { return cmp.Compare(v.likely(a, c), v.likely(b, c)) })
	return methods
}

// isAndroid reports that a browser says that it is on a device with Android.
func isAndroid(agent string) bool { return strings.Contains(agent, "Android") }
