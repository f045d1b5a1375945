package applepay

import (
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/wallet"
)

// longestHolder is how many characters a name has at most, as what is masked of a card has it.
const longestHolder = 128

// payload is the content of a token.
type payload struct {
	Number   string `json:"applicationPrimaryAccountNumber"`
	Expires  string `json:"applicationExpirationDate"` // YYMMDD
	Currency string `json:"currencyCode"`              // three digits of ISO 4217
	Minor    uint64 `json:"transactionAmount"`         // in minor units
	Holder   string `json:"cardholderName"`
	Kind     string `json:"paymentDataType"`
	Data     struct {
		Cryptogram string `json:"onlinePaymentCryptogram"`
		ECI        string `json:"eciIndicator"`
	} `json:"paymentData"`
}

// readPayload reads what was opened. The number is always one of the device.
func readPayload(plain []byte, id string) (wallet.Opened, error) {
	refused := func(detail string) (wallet.Opened, error) {
		return wallet.Opened{}, wallet.Refuse(wallet.FaultPayload, detail)
	}
	var p payload
	if wallet.Decode(plain, &p) != nil {
		return refused("not the JSON of a payment")
	}
	if p.Kind != "3DSecure" { // EMV: data of a chip and an encrypted PIN, for providers that take them
		return refused("not a payment with a cryptogram")
	}
	if !wallet.Cryptogram(p.Data.Cryptogram) {
		return refused("the cryptogram is none")
	}
	eci, ok := wallet.PadECI(p.Data.ECI)
	if !ok {
		return refused("the ECI is none")
	}
	currency, ok := currencyOf(p.Currency)
	if !ok {
		return refused("the currency is none that is known")
	}
	amount, err := money.FromMinor(p.Minor, currency.MinorUnits())
	if err != nil {
		return refused("the amount is larger than any that is paid")
	}
	expires, err := time.Parse("060102", p.Expires)
	if err != nil {
		return refused("applicationExpirationDate is no date")
	}
	if !utf8.ValidString(p.Holder) || utf8.RuneCountInString(p.Holder) > longestHolder || strings.ContainsFunc(p.Holder, unicode.IsControl) {
		return refused("cardholderName is no name")
	}
	pan, err := instrument.ParsePAN(p.Number)
	if err != nil {
		return refused("the number is not that of a card")
	}
	// Two digits of a year are of this century; time.Parse puts those from 69 on into the last one.
	year := "20" + p.Expires[:2]
	return wallet.Opened{
		Card:   &instrument.Card{Number: pan, Holder: p.Holder, ExpiryMonth: expires.Format("01"), ExpiryYear: year},
		Device: true, Cryptogram: p.Data.Cryptogram, ECI: eci, ID: id, Amount: amount, Currency: currency,
	}, nil
}

// currencyOf finds a currency by its three digits.
func currencyOf(numeric string) (money.Currency, bool) {
	c, ok := currencies()[numeric]
	return c, ok
}

var currencies = sync.OnceValue(func() map[string]money.Currency {
	table := map[string]money.Currency{}
	for _, c := range money.Currencies() {
		if numeric := c.Numeric(); numeric != "" {
			table[numeric] = c
		}
	}
	return table
})
