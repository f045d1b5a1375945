package stripe

import (
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/provider"
)

// units is Stripe's own table, from https://docs.stripe.com/currencies: two decimals, but for currencies that have none, those with three
// of which the last has to be nought, and ISK and UGX, which have none and are written as if they had two. Currencies of which ISO
// 4217 says something else are none that Stripe takes; which of the others an account takes is for Stripe to say. No currency has
// amounts of more than twelve digits.
var units = provider.Units{
	ISO: true, Not: []money.Currency{"CLF", "IQD", "LYD", "UYI", "UYW"}, Most: 999_999_999_999,
	Of: map[money.Currency]provider.Unit{
		"BIF": none, "CLP": none, "DJF": none, "GNF": none, "JPY": none, "KMF": none, "KRW": none, "MGA": none, "PYG": none, "RWF": none,
		"VND": none, "VUV": none, "XAF": none, "XOF": none, "XPF": none,
		"ISK": asIfTwo, "UGX": asIfTwo,
		"BHD": three, "JOD": three, "KWD": three, "OMR": three, "TND": three,
	},
}

var (
	none    = provider.Unit{Digits: 0}
	asIfTwo = provider.Unit{Digits: 2, Step: 100}
	three   = provider.Unit{Digits: 3, Step: 10}
)
