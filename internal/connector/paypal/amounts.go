package paypal

import (
	"fmt"
	"strconv"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/provider"
)

// units is PayPal's own list of currencies (https://developer.paypal.com/api/rest/reference/currency-codes/): two decimals, and none in
// three of them, whatever ISO 4217 says. Amounts have at most fifteen digits before the point.
var units = provider.Units{
	Most: 99_999_999_999_999_999,
	Of: map[money.Currency]provider.Unit{
		"AUD": two, "BRL": two, "CAD": two, "CNY": two, "CZK": two, "DKK": two, "EUR": two, "HKD": two, "ILS": two, "MYR": two, "MXN": two,
		"NZD": two, "NOK": two, "PHP": two, "PLN": two, "GBP": two, "SGD": two, "SEK": two, "CHF": two, "THB": two, "USD": two,
		"HUF": {}, "JPY": {}, "TWD": {},
	},
}

var two = provider.Unit{Digits: 2}

// written is an amount as PayPal wants it: a decimal text with as many decimals as its currency has there.
func written(a money.Amount, c money.Currency) (provider.Object, error) {
	n, err := units.Number(a, c)
	if err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	text := strconv.FormatUint(n, 10)
	if units.Of[c].Digits == 2 {
		text = fmt.Sprintf("%03d", n)
		text = text[:len(text)-2] + "." + text[len(text)-2:]
	}
	return provider.NewObject(60).Text("currency_code", string(c)).Text("value", text), nil
}

// sum is money as PayPal writes it.
type sum struct {
	Currency string `json:"currency_code"`
	Value    string `json:"value"`
}

// read is the amount, which has to be one that could be written.
func (s sum) read() (money.Sum, error) {
	currency, err := provider.Currency(s.Currency)
	if err != nil {
		return money.Sum{}, err //nolint:wrapcheck // by each caller
	}
	amount, err := money.Parse(s.Value)
	if err == nil && !amount.IsZero() {
		_, err = units.Number(amount, currency)
	}
	if err != nil || amount.IsZero() {
		return money.Sum{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	return money.Sum{Amount: amount, Currency: currency}, nil
}
