package sheet

import (
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/shop"
)

// AppleRequest is an ApplePayPaymentRequest of the browser's.
type AppleRequest struct {
	Country      string     `json:"countryCode"`
	Currency     string     `json:"currencyCode"`
	Networks     []string   `json:"supportedNetworks"`
	Capabilities []string   `json:"merchantCapabilities"`
	Total        appleTotal `json:"total"`
}

// appleTotal is what the customer agrees to.
type appleTotal struct {
	Label  string `json:"label"`
	Type   string `json:"type"`
	Amount string `json:"amount"`
}

// Apple is what the sheet is asked for on a page of the host, for a merchant whom customers know by the name. It reports false where
// the account does not say in which country payments are processed, has no way to begin a session, or not for that host, and where
// there is nothing to agree to.
func Apple(a *shop.ApplePay, name, host string, to money.Sum) (AppleRequest, bool) {
	if a.Country == "" || !a.Sessions && a.Gateway == "" || !onDomain(a, host) || to.Amount.IsZero() {
		return AppleRequest{}, false
	}
	return AppleRequest{
		Country: a.Country, Currency: string(to.Currency), Networks: a.Taken(), Capabilities: []string{"supports3DS"},
		Total: appleTotal{name, "final", to.Amount.String()},
	}, true
}

// onDomain reports that Apple has verified the host, as far as the account says.
func onDomain(a *shop.ApplePay, host string) bool {
	return len(a.Domains) == 0 || slices.ContainsFunc(a.Domains, func(d string) bool { return strings.EqualFold(d, host) })
}
