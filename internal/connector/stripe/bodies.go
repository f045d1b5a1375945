package stripe

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// The names under which our keys stand in the metadata of what we make at Stripe.
const (
	metaKey     = "sluice_key"     // of the attempt that made it
	metaCapture = "sluice_capture" // of the capture of a payment
	metaFence   = "sluice_fence"   // with what was made only to use up a key
)

// withFees has the charge and what Stripe takes for it told with a payment.
const withFees = "latest_charge.balance_transaction"

// with is what a payment is made with, in Stripe's names.
type with struct {
	method     string // of a card
	customer   string // whose the card is or becomes
	code       string // of BLIK
	offSession bool   // the customer is not there
}

// means names to Stripe what the customer pays with. A card is made known by a request of its own, and so is a customer where the card
// is to be kept; neither moves anything. A card that is refused by its form alone is a fact already.
func (s *Stripe) means(ctx context.Context, r *connector.Request) (with, payment.Fact, error) {
	switch means := r.Means.(type) {
	case *instrument.Card:
		return s.card(ctx, r, means)
	case *instrument.Credential:
		customer, method, ok := strings.Cut(means.Handle, "/")
		if !ok || !provider.Word(customer, 64) || !provider.Word(method, 64) {
			return with{}, payment.Fact{}, fmt.Errorf("%w: the credential is none of Stripe's", connector.ErrIncomplete)
		}
		return with{method: method, customer: customer, offSession: true}, payment.Fact{}, nil
	case *instrument.Code:
		if r.Method == payment.Blik && !r.PreAuth {
			return with{code: means.Digits}, payment.Fact{}, nil
		}
	}
	return with{}, payment.Fact{}, fmt.Errorf("%w: a card, a credential or a BLIK code is needed", connector.ErrIncomplete)
}

func (s *Stripe) card(ctx context.Context, r *connector.Request, c *instrument.Card) (w with, fact payment.Fact, err error) {
	if s.testCards {
		w.method = testCards[c.Number.Reveal()]
	}
	if w.method == "" {
		if w.method, fact, err = s.made(ctx, "/v1/payment_methods", cardForm(c, &r.Billing), r.Key+"-card"); err != nil || fact.Class != "" {
			return w, fact, err
		}
	}
	if r.StartRecurring {
		w.customer, fact, err = s.made(ctx, "/v1/customers", provider.NewForm(200).Text("metadata["+metaKey+"]", r.Key), r.Key+"-customer")
	}
	return w, fact, err
}

// made makes something that moves nothing and returns its id. Whatever goes wrong, the payment itself has not left.
func (s *Stripe) made(ctx context.Context, path string, form provider.Form, key string) (string, payment.Fact, error) {
	res, err := s.post(ctx, path, form, key)
	if err != nil {
		return "", payment.Fact{}, fmt.Errorf("stripe: %w", provider.Before(err))
	}
	if res.Status != http.StatusOK {
		fact, err := refused(res, "")
		if err != nil {
			return "", payment.Fact{}, fmt.Errorf("stripe: %w", provider.Before(err))
		}
		return "", fact, nil
	}
	var thing struct {
		ID string `json:"id"`
	}
	if err := provider.Read(res.Body, &thing); err != nil || !provider.Word(thing.ID, 64) {
		return "", payment.Fact{}, fmt.Errorf("stripe: %w", provider.Before(provider.Unclear(res.Status, "no_id")))
	}
	return thing.ID, payment.Fact{}, nil
}

// cardForm has room for all that it holds. Of the customer only what issuers compare is sent.
func cardForm(c *instrument.Card, b *payment.BillingAddress) provider.Form {
	texts := len(c.Holder) + len(b.AddressLine1) + len(b.AddressLine2) + len(b.City) + len(b.CountryCode) + len(b.PostalCode) + len(b.State)
	f := provider.NewForm(600+3*texts).Text("type", "card").Secret("card[number]", c.Number).
		Text("card[exp_month]", c.ExpiryMonth).Text("card[exp_year]", c.ExpiryYear)
	if !c.SecurityCode.IsZero() {
		f = f.Secret("card[cvc]", c.SecurityCode)
	}
	return f.Text("billing_details[name]", c.Holder).
		Text("billing_details[address][line1]", b.AddressLine1).Text("billing_details[address][line2]", b.AddressLine2).
		Text("billing_details[address][city]", b.City).Text("billing_details[address][state]", b.State).
		Text("billing_details[address][postal_code]", b.PostalCode).Text("billing_details[address][country]", b.CountryCode)
}

func saleForm(r *connector.Request, amount uint64, w with, threeDS string) provider.Form {
	f := provider.NewForm(700+3*(len(r.Description)+len(r.ReturnURL))).Number("amount", amount).
		Text("currency", strings.ToLower(string(r.Currency))).Flag("confirm", true)
	if r.PreAuth {
		f = f.Text("capture_method", "manual")
	}
	f = paying(f, r, w, threeDS)
	if w.customer != "" && !w.offSession {
		f = f.Text("setup_future_usage", "off_session")
	}
	return f.Flag("off_session", w.offSession).Text("description", r.Description).Text("metadata["+metaKey+"]", r.Key).Text("expand[]", withFees)
}

func verificationForm(r *connector.Request, w with, threeDS string) provider.Form {
	usage := "on_session"
	if r.StartRecurring {
		usage = "off_session"
	}
	return paying(provider.NewForm(500+3*len(r.ReturnURL)).Flag("confirm", true).Text("usage", usage), r, w, threeDS).
		Text("metadata["+metaKey+"]", r.Key)
}

// paying adds what is paid with, and where the customer comes back to.
func paying(f provider.Form, r *connector.Request, w with, threeDS string) provider.Form {
	if w.code != "" {
		f = f.Text("payment_method_types[]", "blik").Text("payment_method_data[type]", "blik").Text("payment_method_options[blik][code]", w.code)
	} else {
		f = f.Text("payment_method_types[]", "card").Text("payment_method", w.method).Text("customer", w.customer)
		if !w.offSession {
			f = f.Text("payment_method_options[card][request_three_d_secure]", threeDS)
		}
	}
	if w.offSession {
		return f
	}
	return f.Text("return_url", r.ReturnURL)
}

// testCards are Stripe's names for its test numbers (https://docs.stripe.com/testing), for accounts that may not send numbers.
var testCards = map[string]string{
	"4242424242424242": "pm_card_visa", "4000056655665556": "pm_card_visa_debit", "5555555555554444": "pm_card_mastercard",
	"378282246310005": "pm_card_amex", "6011111111111117": "pm_card_discover", "3056930009020004": "pm_card_diners",
	"3566002020360505": "pm_card_jcb", "6200000000000005": "pm_card_unionpay",
	"4000000000000002": "pm_card_visa_chargeDeclined", "4000000000009995": "pm_card_visa_chargeDeclinedInsufficientFunds",
	"4000000000009987": "pm_card_visa_chargeDeclinedLostCard", "4000000000009979": "pm_card_visa_chargeDeclinedStolenCard",
	"4000000000000069": "pm_card_chargeDeclinedExpiredCard", "4000000000000127": "pm_card_chargeDeclinedIncorrectCvc",
	"4000000000000119": "pm_card_chargeDeclinedProcessingError", "4000000000003220": "pm_card_threeDSecure2Required",
	"4000002760003184": "pm_card_authenticationRequired", "4000000000000259": "pm_card_createDispute",
}
