package przelewy24

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
	mostEmail   = 50
	mostAddress = 250
	mostAbout   = 1024
	mostClient  = 40
	mostAgent   = 255
)

// The published channels that are offered where the customer has chosen no bank.
const (
	channelLinks = 64
	channelBlik  = 8192
)

// languages are those of Przelewy24's page.
var languages = []string{"bg", "cs", "de", "en", "es", "fr", "hr", "hu", "it", "nl", "pl", "pt", "se", "sk", "ro"}

// registration is what a payment is registered with. What it lacks, or what does not fit, is connector.ErrIncomplete: a shortened address
// would be somebody else's.
func (p *Przelewy24) registration(r *connector.Request) ([]byte, error) {
	amount, err := units.Number(r.Amount, r.Currency)
	if err != nil {
		return nil, fmt.Errorf("przelewy24: %w", err)
	}
	code, blik := r.Means.(*instrument.Code)
	bank, err := chosen(r)
	switch {
	case err != nil:
		return nil, err
	case !provider.Word(r.Key, 100) || amount == 0:
		return nil, fmt.Errorf("%w: a key and an amount are needed", connector.ErrIncomplete)
	case r.Customer.Email == "" || utf8.RuneCountInString(r.Customer.Email) > mostEmail:
		return nil, fmt.Errorf("%w: an e-mail address of at most %d characters is needed", connector.ErrIncomplete, mostEmail)
	case len(r.ReturnURL) > mostAddress || len(r.NoticeURL) > mostAddress:
		return nil, fmt.Errorf("%w: our own addresses are longer than %d characters", connector.ErrIncomplete, mostAddress)
	case blik && (len(code.Digits) != 6 || r.Browser.IP == ""):
		return nil, fmt.Errorf("%w: a code of six digits, and where its customer is, are needed", connector.ErrIncomplete)
	}
	o := provider.NewObject(1200).Raw("merchantId", whole(p.merchant)).Raw("posId", whole(p.pos)).Text("sessionId", r.Key).
		Number("amount", amount).Text("currency", string(r.Currency)).Text("description", cut(cmp.Or(r.Description, r.Key), mostAbout)).
		Text("email", r.Customer.Email).Text("client", short(strings.TrimSpace(r.Customer.FirstName+" "+r.Customer.LastName), mostClient)).
		Text("country", cmp.Or(r.Billing.CountryCode, "PL")).Text("language", language(r)).Text("urlReturn", r.ReturnURL).Text("urlStatus", r.NoticeURL)
	switch {
	case r.Method == payment.Blik:
		o = o.Number("channel", channelBlik).Text("urlCardPaymentNotification", r.NoticeURL) // which is what BLIK's notices go by, too
	case bank > 0:
		o = o.Number("method", bank)
	default:
		o = o.Number("channel", channelLinks)
	}
	o = o.Number("timeLimit", p.minutes(r)).Bool("waitForResult", true).Text("encoding", "UTF-8")
	if blik {
		who := provider.NewObject(400).Text("IP", r.Browser.IP).Text("userAgent", cut(cmp.Or(r.Browser.UserAgent, "unknown"), mostAgent))
		o = o.Nest("additional", provider.NewObject(450).Nest("PSU", who))
	}
	sign := p.sum(signed(nil).text("sessionId", r.Key).number("merchantId", p.merchant).raw("amount", strconv.AppendUint(nil, amount, 10)).text("currency", string(r.Currency)))
	return o.Text("sign", sign).Bytes(), nil
}

// whole is a number as JSON.
func whole(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

// chosen is the bank that the customer, or the merchant, has chosen; zero for none.
func chosen(r *connector.Request) (uint64, error) {
	text := ""
	if bank, is := r.Means.(*instrument.Bank); is {
		text = bank.ID
	} else if r.Method.Spec().Means == instrument.KindBank {
		text = r.Customer.BankCode
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%w: the bank is none of Przelewy24's list", connector.ErrIncomplete)
	}
	return n, nil
}

// minutes is how long the customer may take: what is left of the checkout, and no longer than the settings say.
func (p *Przelewy24) minutes(r *connector.Request) uint64 {
	left := p.patience
	if !r.Until.IsZero() {
		left = min(left, r.Until.Sub(p.now()))
	}
	return uint64(max(1, (left+time.Minute-1)/time.Minute))
}

// language is that of the customer where Przelewy24's page has it, else Polish.
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
