package adyen

import (
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/provider"
)

// units is Adyen's own table, from https://docs.adyen.com/development-resources/currency-codes: that of ISO 4217, but for four currencies
// that it marks as different. Of two of them nobody has hundredths, so that none are sent. Currencies that the page does not have are
// none that Adyen takes.
var units = provider.Units{
	ISO: true, Not: []money.Currency{"BIF", "CLF", "IQD", "UYI", "UYW"},
	Of: map[money.Currency]provider.Unit{
		"CLP": {Digits: 2, Step: 100}, "ISK": {Digits: 2, Step: 100}, "CVE": {Digits: 0}, "IDR": {Digits: 0},
	},
}
