package sheet

import (
	"strings"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/shop"
)

// GoogleScript is where Google publishes the script that its button and its sheet come from. It is not to be served by anybody else.
const GoogleScript = "https://pay.google.com/gp/p/js/pay.js"

// Environments of Google Pay. In that for tests no card is charged, and its cards are none.
const (
	GoogleProduction = "PRODUCTION"
	GoogleTest       = "TEST"
)

// googleTokens is the version of the tokens that are asked for: the one that is taken.
const googleTokens = "ECv2"

// GoogleRequest is a PaymentDataRequest of Google's script, version 2.0 of its interface.
type GoogleRequest struct {
	APIVersion      int             `json:"apiVersion"`
	APIVersionMinor int             `json:"apiVersionMinor"`
	Merchant        GoogleMerchant  `json:"merchantInfo"`
	Methods         []googleMethod  `json:"allowedPaymentMethods"`
	Total           googleAgreement `json:"transactionInfo"`
}

// GoogleMerchant is who asks. The identifier is not needed in the environment for tests.
type GoogleMerchant struct {
	ID   string `json:"merchantId,omitempty"`
	Name string `json:"merchantName,omitempty"`
}

type googleMethod struct {
	Type       string `json:"type"`
	Parameters struct {
		AuthMethods []string `json:"allowedAuthMethods"`
		Networks    []string `json:"allowedCardNetworks"`
	} `json:"parameters"`
	Tokens googleTokenization `json:"tokenizationSpecification"`
}

type googleTokenization struct {
	Type       string            `json:"type"`
	Parameters map[string]string `json:"parameters"`
}

// googleAgreement is what the customer agrees to.
type googleAgreement struct {
	Country  string `json:"countryCode,omitempty"`
	Currency string `json:"currencyCode"`
	Status   string `json:"totalPriceStatus"`
	Price    string `json:"totalPrice"`
	Option   string `json:"checkoutOption"`
}

// GoogleEnvironment is the one that an account is in.
func GoogleEnvironment(g *shop.GooglePay) string {
	if g.Test || g.Roots != "" {
		return GoogleTest
	}
	return GoogleProduction
}

// Google is what its script is asked for, for a merchant whom customers know by the name. It reports false where the account does not
// say who asks, where there is nothing to agree to, and for amounts that Google cannot write: of more than two decimals.
func Google(g *shop.GooglePay, name string, to money.Sum) (r GoogleRequest, ok bool) {
	price, ok := googlePrice(to.Amount)
	merchant := g.Merchant()
	if !ok || merchant == "" && GoogleEnvironment(g) == GoogleProduction {
		return r, false
	}
	method := googleMethod{Type: "CARD", Tokens: tokens(g)}
	method.Parameters.AuthMethods, method.Parameters.Networks = g.Authenticated(), g.Taken()
	return GoogleRequest{
		APIVersion: 2, Merchant: GoogleMerchant{merchant, name}, Methods: []googleMethod{method},
		Total: googleAgreement{
			Country: g.Country, Currency: string(to.Currency), Status: "FINAL", Price: price, Option: "COMPLETE_IMMEDIATE_PURCHASE",
		},
	}, true
}

// tokens says for whom they are made: for the merchant itself, or for the provider whose name Google knows.
func tokens(g *shop.GooglePay) googleTokenization {
	if gateway, ok := strings.CutPrefix(g.Recipient, "gateway:"); ok {
		return googleTokenization{"PAYMENT_GATEWAY", map[string]string{"gateway": gateway, "gatewayMerchantId": g.GatewayMerchant}}
	}
	return googleTokenization{"DIRECT", map[string]string{"protocolVersion": googleTokens, "publicKey": g.PublicKey}}
}

// googlePrice writes an amount as Google takes it: with two decimals or none.
func googlePrice(a money.Amount) (string, bool) {
	if a.IsZero() || a.Decimals() > 2 {
		return "", false
	}
	whole, part, _ := strings.Cut(a.String(), ".")
	if part = strings.TrimRight(part, "0"); part == "" {
		return whole, true
	}
	return whole + "." + (part + "0")[:2], true
}
