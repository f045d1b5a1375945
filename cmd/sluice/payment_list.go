package main

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/sluicepay/sluice/internal/admin"
)

type paymentListCommand struct {
	operator
	admin.ListPayments
}

// Run lists payments.
func (c *paymentListCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpListPayments, c.ListPayments,
		listed("PAYMENT|CREATED|TYPE|STATE|AMOUNT|REFERENCE", func(raw *json.RawMessage) []string {
			p := readPayment(*raw)
			return []string{p.ID, plainTime(p.Created), p.Type, p.outcome(), p.money(), cmp.Or(oneLine(p.Reference), "–")}
		}))
}

// paymentRead is what people are shown of a payment, as the gateway API writes it.
type paymentRead struct {
	ID         string `json:"id"`
	Reference  string `json:"referenceId"`
	Created    string `json:"created"`
	Type       string `json:"paymentType"`
	State      string `json:"state"`
	Parent     string `json:"parentPaymentId"`
	Method     string `json:"paymentMethod"`
	Instrument struct {
		Number  string `json:"customerAccountNumber"`
		Brand   string `json:"cardBrand"`
		Holder  string `json:"cardholderName"`
		Month   string `json:"cardExpiryMonth"`
		Year    string `json:"cardExpiryYear"`
		Country string `json:"cardIssuingCountryCode"`
	} `json:"paymentMethodDetails"`
	Description string      `json:"description"`
	Amount      json.Number `json:"amount"`
	Currency    string      `json:"currency"`
	RedirectURL string      `json:"redirectUrl"`
	Code        string      `json:"errorCode"`
	Message     string      `json:"errorMessage"`
	Terminal    string      `json:"terminalName"`
}

func readPayment(raw json.RawMessage) paymentRead {
	var p paymentRead
	if err := json.Unmarshal(raw, &p); err != nil {
		return paymentRead{ID: "(" + err.Error() + ")"} // of another version; the others are still shown
	}
	return p
}

func (p *paymentRead) outcome() string {
	if p.Code == "" {
		return p.State
	}
	return p.State + " " + p.Code
}

// card is what the customer paid with, masked as the API has it.
func (p *paymentRead) card() string {
	i := &p.Instrument
	expiry := ""
	if i.Month != "" {
		expiry = i.Month + "/" + i.Year
	}
	return strings.Join(strings.Fields(strings.Join([]string{i.Number, i.Brand, expiry, oneLine(i.Holder), i.Country}, " ")), " ")
}

// plainTime is an instant of the API as tables have it.
func plainTime(text string) string {
	return strings.TrimSuffix(strings.Replace(text, "T", " ", 1), "+00:00")
}

func (p *paymentRead) money() string {
	if p.Amount == "" {
		return p.Currency
	}
	return p.Amount.String() + " " + p.Currency
}
