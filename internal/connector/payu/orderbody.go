package payu

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// Published limits, in characters.
const (
	mostAbout   = 255 // of a product, which is less than that of an order
	mostAddress = 1024
	mostText    = 100
)

// languages are those of PayU's page.
var languages = []string{"bg", "cs", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu", "it", "lt", "lv", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "uk"}

// order is what a payment is ordered with. What it lacks is connector.ErrIncomplete.
func (p *PayU) order(r *connector.Request) ([]byte, error) {
	amount, err := units.Number(r.Amount, r.Currency)
	if err != nil {
		return nil, fmt.Errorf("payu: %w", err)
	}
	code, byCode := r.Means.(*instrument.Code)
	switch {
	case !provider.Word(r.Key, 255) || amount == 0:
		return nil, fmt.Errorf("%w: a key and an amount are needed", connector.ErrIncomplete)
	case r.Browser.IP == "":
		return nil, fmt.Errorf("%w: where the customer is, is needed", connector.ErrIncomplete)
	case len(r.ReturnURL) > mostAddress || len(r.NoticeURL) > mostAddress:
		return nil, fmt.Errorf("%w: our own addresses are longer than %d characters", connector.ErrIncomplete, mostAddress)
	case byCode && len(code.Digits) != 6:
		return nil, fmt.Errorf("%w: a code of six digits is needed", connector.ErrIncomplete)
	}
	var by provider.Object
	bank, err := chosen(r)
	switch {
	case err != nil:
		return nil, err
	case byCode:
		by = provider.NewObject(120).Text("type", "BLIK_AUTHORIZATION_CODE").Text("value", code.Digits)
	case r.Method == payment.Blik:
		by = provider.NewObject(60).Text("type", "PBL").Text("value", "blik")
	case bank != "":
		by = provider.NewObject(60).Text("type", "PBL").Text("value", bank)
	}
	o := p.begin(r.Key, strconv.FormatUint(amount, 10), string(r.Currency), cut(cmp.Or(r.Description, r.Key), mostAbout), r.Browser.IP).
		Text("validityTime", strconv.FormatInt(p.seconds(r), 10)).Text("continueUrl", r.ReturnURL).Text("notifyUrl", r.NoticeURL)
	buyer := provider.NewObject(500).Text("email", short(r.Customer.Email, mostAbout)).Text("firstName", short(r.Customer.FirstName, mostText)).
		Text("lastName", short(r.Customer.LastName, mostText)).Text("language", language(r))
	if r.Customer.Email != "" { // a buyer without one is none to PayU
		o = o.Nest("buyer", buyer)
	}
	if by != nil {
		o = o.Nest("payMethods", provider.NewObject(200).Nest("payMethod", by))
	}
	return o.Bytes(), nil
}

// begin is what every order has.
func (p *PayU) begin(key, amount, currency, about, ip string) provider.Object {
	product := provider.NewObject(400).Text("name", about).Text("unitPrice", amount).Text("quantity", "1")
	return provider.NewObject(2400).Text("extOrderId", key).Text("merchantPosId", p.pos).Text("customerIp", ip).Text("description", about).
		Text("currencyCode", currency).Text("totalAmount", amount).List("products", product)
}

// chosen is the bank that the customer, or the merchant, has chosen; empty for none.
func chosen(r *connector.Request) (string, error) {
	text := ""
	if bank, is := r.Means.(*instrument.Bank); is {
		text = bank.ID
	} else if r.Method.Spec().Means == instrument.KindBank {
		text = r.Customer.BankCode
	}
	if text != "" && (!provider.Word(text, 20) || slices.Contains(noBanks, text)) {
		return "", fmt.Errorf("%w: the bank is none of PayU's list", connector.ErrIncomplete)
	}
	return text, nil
}

// seconds is how long the order lasts: what is left of the checkout, and no longer than the settings say.
func (p *PayU) seconds(r *connector.Request) int64 {
	left := p.patience
	if !r.Until.IsZero() {
		left = min(left, r.Until.Sub(p.now()))
	}
	return max(60, int64(left/time.Second))
}

// language is that of the customer where PayU's page has it, else Polish.
func language(r *connector.Request) string {
	for _, tag := range []string{r.Customer.Locale, r.Browser.Language} {
		if len(tag) >= 2 && slices.Contains(languages, strings.ToLower(tag[:2])) {
			return strings.ToLower(tag[:2])
		}
	}
	return "pl"
}

// cut is the beginning of a text that only people read.
func cut(text string, most int) string {
	for i := range text {
		if most == 0 {
			return text[:i]
		}
		most--
	}
	return text
}

// short is the text, or nothing where it is too long.
func short(text string, most int) string {
	if utf8.RuneCountInString(text) > most {
		return ""
	}
	return text
}
