package adyen

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// sum is an amount as Adyen writes it.
type sum struct {
	Currency string `json:"currency"`
	Value    int64  `json:"value"`
}

// read is the amount in our words; nothing is told where nothing moves.
func (s *sum) read() (money.Sum, error) {
	if s == nil {
		return money.Sum{}, nil
	}
	currency, err := provider.Currency(s.Currency)
	if err != nil {
		return money.Sum{}, err //nolint:wrapcheck // by each caller
	}
	amount, err := units.Amount(s.Value, currency)
	if err != nil {
		return money.Sum{}, err //nolint:wrapcheck // by each caller
	}
	return money.Sum{Amount: amount, Currency: currency}, nil
}

// more is what the connector reads of additionalData, in answers and in webhooks.
type more struct {
	Reference   string `json:"merchantReference"`
	Raw         string `json:"refusalReasonRaw"`
	Advice      string `json:"merchantAdviceCode"`
	Country     string `json:"cardIssuingCountry"`
	Issuer      string `json:"issuerCountry"`
	Brand       string `json:"paymentMethod"`
	ECI         string `json:"eci"`
	Version     string `json:"threeDSVersion"`
	Shown       string `json:"threeDAuthenticated"`
	Response    string `json:"threeDAuthenticatedResponse"`
	SchemeID    string `json:"dsTransID"`
	Exemption   string `json:"scaExemptionRequested"`
	Shopper     string `json:"tokenization.shopperReference"`
	Stored      string `json:"tokenization.storedPaymentMethodId"`
	ShopperOnce string `json:"recurring.shopperReference"` // as they were called before
	StoredOnce  string `json:"recurring.recurringDetailReference"`
	Signature   string `json:"hmacSignature"`
}

// result is what the connector reads of the answer to a payment, or to its details.
type result struct {
	Ref       string  `json:"pspReference"`
	Code      string  `json:"resultCode"`
	Reference string  `json:"merchantReference"`
	Amount    *sum    `json:"amount"`
	Refusal   string  `json:"refusalReasonCode"`
	Action    *action `json:"action"`
	More      more    `json:"additionalData"`
}

// action is what a customer has to do.
type action struct {
	Type   string            `json:"type"`
	URL    string            `json:"url"`
	Method string            `json:"method"`
	Data   map[string]string `json:"data"`
}

// errOther is an answer about something else than what was asked for.
var errOther = fmt.Errorf("%w: it is about something else", provider.ErrAnswer)

// judge reads the answer to a payment of that key, or to its details, of which it is not known what it was for.
func judge(res *outbound.Response, key string, what purpose, resumed bool) (payment.Fact, error) {
	if res.Status != http.StatusOK {
		e := readFailure(res)
		if resumed { // what was refused is the result that a customer brought, which anybody can make up
			return payment.Fact{}, e.unclear(res.Status)
		}
		return e.refused(res.Status)
	}
	var r result
	if err := provider.Read(res.Body, &r); err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	told := r.Reference
	if told == "" {
		told = r.More.Reference
	}
	if resumed {
		of, found := strings.CutPrefix(told, key)
		if what = purpose(of); told != "" && (!found || !what.pays()) {
			return payment.Fact{}, errOther
		}
	}
	if told != "" && told != key+string(what) {
		return payment.Fact{}, errOther
	}
	return r.fact(what, told != "")
}

// pays reports that it is what a payment can be for.
func (p purpose) pays() bool { return p == toSell || p == toHold || p == toVerify }

// fact is what the answer proves. It ends a payment only where it says by our reference that it is about it; that it goes on is
// believed without.
func (r *result) fact(what purpose, ours bool) (payment.Fact, error) {
	switch r.Code {
	case "RedirectShopper":
		return payment.Fact{Class: payment.ClassWaiting, Next: r.Action.step()}, nil
	case "Pending", "Received", "PresentToShopper", "IdentifyShopper", "ChallengeShopper":
		return payment.Fact{Class: payment.ClassWaiting, Next: r.Action.step()}, nil
	}
	if !ours || !provider.Word(r.Ref, 64) {
		return payment.Fact{}, fmt.Errorf("%w: it does not say what it is about", provider.ErrAnswer)
	}
	amount, err := r.Amount.read()
	if err != nil {
		return payment.Fact{}, err
	}
	var f payment.Fact
	switch r.Code {
	case "Authorised":
		f = r.More.won(what)
	case "PartiallyAuthorised": // told with what it is, which is not what was asked for
		if r.Amount == nil {
			return payment.Fact{}, fmt.Errorf("%w: in part, of which it does not say how much", provider.ErrAnswer)
		}
		f = r.More.won(what)
	case "Refused", "Error", "Cancelled":
		f = r.More.declined(r.Refusal, r.Code)
	default:
		return payment.Fact{}, fmt.Errorf("%w: its result is none that was published for payments", provider.ErrAnswer)
	}
	f.ProviderRef = r.Ref
	if what != toVerify {
		f.Echoed = amount
	}
	return f, nil
}

// won is a payment that was authorised, and what is told of its card.
func (m *more) won(what purpose) payment.Fact {
	f := payment.Fact{Class: payment.ClassApproved, Auth: m.proof()}
	if what == toHold {
		f.Class = payment.ClassAuthorized
	}
	f.Instrument.CardBrand = brands[m.Brand]
	country := m.Country
	if country == "" {
		country = m.Issuer
	}
	if len(country) == 2 && provider.Word(country, 2) && strings.ToUpper(country) == country {
		f.Instrument.CardIssuingCountry = country
	}
	shopper, stored := m.Shopper, m.Stored
	if shopper == "" || stored == "" {
		shopper, stored = m.ShopperOnce, m.StoredOnce
	}
	if provider.Word(shopper, 256) && provider.Word(stored, 64) {
		f.Credential = shopper + "/" + stored
	}
	return f
}

// brands are Adyen's words for the schemes.
var brands = map[string]instrument.Brand{
	"amex": instrument.BrandAmex, "diners": instrument.BrandDiners, "discover": instrument.BrandDiscover, "jcb": instrument.BrandJCB,
	"maestro": instrument.BrandMaestro, "mc": instrument.BrandMastercard, "cup": instrument.BrandUnionPay, "visa": instrument.BrandVisa, "troy": instrument.BrandTroy,
	"rupay": instrument.BrandRuPay, "mir": instrument.BrandMir,
}

// proof is how the holder was authenticated; nothing where nobody tried.
func (m *more) proof() instrument.Proof {
	if m.Shown != "true" && m.Response == "" {
		return ""
	}
	a := instrument.Authentication{Result: instrument.AuthUnavailable, ECI: m.ECI, Version: m.Version, Exemption: m.Exemption, SchemeID: m.SchemeID}
	switch r := instrument.AuthResult(m.Response); r {
	case instrument.AuthYes, instrument.AuthAttempted, instrument.AuthNo, instrument.AuthRejected, instrument.AuthInformed, instrument.AuthUnavailable:
		a.Result = r
	}
	return a.Proof()
}

// step is what the customer does: on a page that Adyen gives, or in the bank's app. Of what nobody here can show nothing is said, and the
// payment ends when Adyen says so.
func (a *action) step() payment.Next {
	switch {
	case a == nil:
	case a.Type == "await":
		return payment.Next{Kind: payment.NextWait}
	case a.Type != "redirect" || !provider.Page(a.URL):
	case a.Method == http.MethodPost:
		form := url.Values{}
		for name, value := range a.Data {
			form.Set(name, value)
		}
		return payment.Next{Kind: payment.NextPost, URL: a.URL, Form: form.Encode()}
	default:
		return payment.GoTo(a.URL)
	}
	return payment.Next{}
}

// change is a capture, cancellation or refund of the payment that Adyen knows by that reference; an amount goes with all but cancellations.
type change struct {
	reference, of string
	amount        *sum
}

// judge reads the answer to it: that it was received, and nothing more.
func (c change) judge(res *outbound.Response) (payment.Fact, error) {
	if res.Status != http.StatusCreated {
		return readFailure(res).refused(res.Status)
	}
	var told struct {
		Ref       string `json:"pspReference"`
		Of        string `json:"paymentPspReference"`
		Reference string `json:"reference"`
		Status    string `json:"status"`
		Amount    *sum   `json:"amount"`
	}
	if err := provider.Read(res.Body, &told); err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	same := c.amount == nil || told.Amount != nil && *told.Amount == *c.amount
	if told.Reference != c.reference || told.Of != c.of || !same || !provider.Word(told.Ref, 64) {
		return payment.Fact{}, errOther
	}
	if told.Status != "received" {
		return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
	}
	return payment.Fact{Class: payment.ClassWaiting}, nil
}
