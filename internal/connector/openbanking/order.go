package openbanking

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/provider"
)

// units are pounds and pence, of up to thirteen digits before the point.
var units = provider.Units{Of: map[money.Currency]provider.Unit{"GBP": {Digits: 2}}, Most: 999_999_999_999_999}

// order is what a payment is: everything that its requests are made of, besides the settings. Its key is the short one.
type order struct{ key, amount string }

func orderOf(key string, a money.Amount, c money.Currency) (order, error) {
	short, err := provider.ShortKey(key)
	if err != nil {
		return order{}, err //nolint:wrapcheck // by each caller
	}
	n, err := units.Number(a, c)
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: an amount is needed", connector.ErrIncomplete)
	}
	return order{key: short, amount: fmt.Sprintf("%d.%02d", n/100, n%100)}, err //nolint:wrapcheck // by each caller
}

// initiation is the payment as the customer consents to it and as it is sent. Both have to be the same.
func (o *OpenBanking) initiation(p order) provider.Object {
	return provider.NewObject(512).
		Text("InstructionIdentification", p.key).Text("EndToEndIdentification", p.key).
		Nest("InstructedAmount", provider.NewObject(64).Text("Amount", p.amount).Text("Currency", "GBP")).
		Nest("CreditorAccount", provider.NewObject(256).
			Text("SchemeName", "UK.OBIE.SortCodeAccountNumber").Text("Identification", o.c.Account.Number).Text("Name", o.c.Account.Name))
}

// risk says that a customer pays a merchant.
func risk() provider.Object {
	return provider.NewObject(64).Text("PaymentContextCode", "BillingGoodsAndServicesInAdvance").Bool("BeneficiaryPrepopulatedIndicator", true)
}

func (o *OpenBanking) consentBody(p order) []byte {
	return provider.NewObject(1024).Nest("Data", provider.NewObject(768).Nest("Initiation", o.initiation(p))).Nest("Risk", risk()).Bytes()
}

func (o *OpenBanking) paymentBody(p order, consent string) []byte {
	return provider.NewObject(1024).
		Nest("Data", provider.NewObject(768).Text("ConsentId", consent).Nest("Initiation", o.initiation(p))).Nest("Risk", risk()).Bytes()
}

// page is the address at which the customer authorises the consent: with a signed request, as FAPI wants it.
func (o *OpenBanking) page(b *bank, consent, returnURL string) (string, error) {
	redirect, state := returnURL, consent
	if o.c.ReturnURL != "" { // the registered one, from which the payment's own is found by its token
		u, err := url.Parse(returnURL)
		if err != nil {
			return "", fmt.Errorf("%w: the address to come back to", connector.ErrIncomplete)
		}
		redirect, state = o.c.ReturnURL, path.Base(path.Dir(u.Path))
	}
	now := o.now()
	intent := provider.NewObject(256).Nest("openbanking_intent_id", provider.NewObject(192).Text("value", consent).Bool("essential", true))
	claims := provider.NewObject(1024).Text("iss", b.ClientID).Text("aud", b.Issuer).Text("response_type", "code").Text("client_id", b.ClientID).
		Text("redirect_uri", redirect).Text("scope", "openid payments").Text("state", state).Text("nonce", o.nonce()).
		Number("nbf", uint64(now.Unix())).Number("exp", uint64(now.Add(requestLife).Unix())).
		Nest("claims", provider.NewObject(512).Nest("id_token", intent).Nest("userinfo", intent))
	request, err := o.c.signer.JWT(claims)
	if err != nil {
		return "", err //nolint:wrapcheck // by the caller
	}
	query := url.Values{"client_id": {b.ClientID}, "response_type": {"code"}, "scope": {"openid payments"}, "redirect_uri": {redirect}, "request": {request}}
	return b.AuthorizeURL + "?" + query.Encode(), nil
}

// sentTo reads back from such an address which bank and which consent it is of, and where the bank sends the customer back to.
func (o *OpenBanking) sentTo(address string) (b *bank, consent, redirect string) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", ""
	}
	query := u.Query()
	_, rest, _ := strings.Cut(query.Get("request"), ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	var claims struct {
		Redirect string `json:"redirect_uri"`
		Claims   struct {
			Token struct {
				Intent struct {
					Value string `json:"value"`
				} `json:"openbanking_intent_id"`
			} `json:"id_token"`
		} `json:"claims"`
	}
	if err != nil || provider.Read(raw, &claims) != nil || !provider.Word(claims.Claims.Token.Intent.Value, 128) {
		return nil, "", ""
	}
	u.RawQuery = ""
	for _, one := range o.banks {
		if one.AuthorizeURL == u.String() && one.ClientID == query.Get("client_id") {
			return one, claims.Claims.Token.Intent.Value, claims.Redirect
		}
	}
	return nil, "", ""
}
