package payment

import (
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/nextstep"
)

// Method is how the customer pays.
type Method string

// The seven methods of the gateway contract.
const (
	ApplePay    Method = "APPLEPAY"
	BasicCard   Method = "BASIC_CARD"
	Blik        Method = "BLIK"
	GooglePay   Method = "GOOGLEPAY"
	OpenBanking Method = "OPEN_BANKING"
	PayByLink   Method = "PAY_BY_LINK"
	Pix         Method = "PIX"
)

// MethodSpec is what the domain, the payment page, the merchant APIs and the choice of a terminal have to know of a
// method. Whoever needs to know something else of one adds a member here: nobody compares a method with a name.
type MethodSpec struct {
	Name Method
	// Means is what the customer gives when paying by it.
	Means instrument.Kind
	// Fields are what the customer enters for that; none where nothing is, or a card. Mistake is the code of a refusal by which
	// something in them was mistyped, or too old: it may be entered anew. Code is the form of a code that a provider gives to be shown.
	Fields  []instrument.Field
	Mistake ErrorCode
	Code    nextstep.CodeForm
	// Hold: money can be held for a later capture.
	Hold bool
	// Chain: something is left that can be charged again without the customer.
	Chain bool
	// Verify: it can be checked without money.
	Verify bool
	// Currency is the only one in which banks take it; empty where they take any.
	Currency money.Currency
	// Apple: only devices of Apple's have it.
	Apple bool
	// Ends: at the provider a try lasts until somebody ends it, so one that is open when its customer's time is over is
	// closed then. Others end there by themselves, sooner or later than the checkout.
	Ends bool
	// Patience is how long the customer may take at the least once a try was sent, whatever is left of the checkout.
	Patience time.Duration
	// Late is the code of a deposit that is declined because its customer did not finish a try in time; where there is
	// none it is cancelled with [CodeTimeout]. LateAway says that this is so of a customer who was sent away only, to a
	// bank's page; else the provider closes such a try by itself and means that.
	Late     ErrorCode
	LateAway bool
}

// methods is every method in the order of the contract.
var methods = []MethodSpec{
	{Name: ApplePay, Means: instrument.KindWallet, Hold: true, Apple: true},
	{Name: BasicCard, Means: instrument.KindCard, Hold: true, Chain: true, Verify: true, Late: CodeLateAtBank, LateAway: true},
	// The code's life and the longest window in which a bank lets it be confirmed.
	{Name: Blik, Means: instrument.KindCode, Currency: "PLN", Ends: true, Patience: 3 * time.Minute, Late: CodeAbandoned,
		Fields: instrument.BlikFields(), Mistake: CodeAcquirerRequest},
	{Name: GooglePay, Means: instrument.KindWallet, Hold: true},
	{Name: OpenBanking, Means: instrument.KindBank, Fields: instrument.BankFields()},
	{Name: PayByLink, Means: instrument.KindBank, Currency: "PLN", Fields: instrument.BankFields()},
	{Name: Pix, Currency: "BRL", Ends: true, Code: nextstep.BRCode},
}

// Spec is what is known of the method; the zero value for one that is none of the seven.
func (m Method) Spec() MethodSpec {
	for i := range methods {
		if methods[i].Name == m {
			return methods[i]
		}
	}
	return MethodSpec{}
}

// Methods lists every Method in the order of the contract.
func Methods() []Method {
	names := make([]Method, len(methods))
	for i := range methods {
		names[i] = methods[i].Name
	}
	return names
}

// MethodsWith lists the methods of which want holds, in the order of the contract.
func MethodsWith(want func(MethodSpec) bool) []Method {
	return slices.DeleteFunc(Methods(), func(m Method) bool { return !want(m.Spec()) })
}

// MethodOf is the one method by which the customer pays with such means; empty where several are.
func MethodOf(kind instrument.Kind) Method {
	if of := MethodsWith(func(s MethodSpec) bool { return s.Means == kind }); len(of) == 1 {
		return of[0]
	}
	return ""
}

// Valid reports whether m is one of Methods.
func (m Method) Valid() bool { return m.Spec().Name != "" }

// Pays reports whether the method can pay in a currency at all, whatever a terminal takes.
func (m Method) Pays(c money.Currency) bool { return m.Spec().Currency == "" || m.Spec().Currency == c }

// PreAuth reports whether the method can hold money for a later capture.
func (m Method) PreAuth() bool { return m.Spec().Hold }

// Recurring reports whether a payment by the method can begin a recurring chain: only a card leaves something that can
// be charged again without the customer.
func (m Method) Recurring() bool { return m.Spec().Chain }
