package shop

import (
	"slices"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// YandexPay is what a shop configures for the Yandex Pay merchant API. The zero value works.
type YandexPay struct {
	// CallbackURL is where events are posted, with /v1/webhook appended; empty for nowhere.
	CallbackURL string `json:"callbackUrl,omitempty"`
	// TwoStage: cards and wallets are held first and captured by a call of their own.
	TwoStage bool `json:"twoStage,omitempty"`
	// MerchantIDAsKey: the merchant id serves as API key. Test shops only.
	MerchantIDAsKey bool             `json:"merchantIdAsKey,omitempty"`
	Currencies      []money.Currency `json:"currencies,omitempty"` // only RUB where empty
	Methods         []payment.Method `json:"methods,omitempty"`    // cards and wallets where empty
}

// Takes reports whether orders may be in the currency.
func (y *YandexPay) Takes(c money.Currency) bool {
	if len(y.Currencies) == 0 {
		return c == "RUB"
	}
	return slices.Contains(y.Currencies, c)
}

// Offered returns the methods by which the shop's orders may be paid.
func (y *YandexPay) Offered() []payment.Method {
	if len(y.Methods) == 0 {
		return []payment.Method{payment.BasicCard, payment.ApplePay, payment.GooglePay}
	}
	return y.Methods
}

// MerchantID is the shop's id as the Yandex Pay merchant API spells it: a UUID of version 4 with dashes.
func (s *Shop) MerchantID() string { return id.Dashed(id.AsVersion4(string(s.ID))) }
