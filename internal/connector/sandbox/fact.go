package sandbox

import (
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// The provider's kinds of transaction.
const (
	kindSale          = "sale"
	kindAuthorization = "authorization"
	kindVerification  = "verification" // no money
	kindFence         = "fence"        // a reference closed before it was used
)

// transaction is what the connector reads of the provider's object.
type transaction struct {
	ID            string    `json:"id"`
	Reference     string    `json:"reference"`
	Kind          string    `json:"kind"`
	Status        string    `json:"status"`
	Amount        string    `json:"amount"`
	Currency      string    `json:"currency"`
	ResponseCode  string    `json:"responseCode"`
	DeclineReason string    `json:"declineReason"`
	Captured      string    `json:"capturedAmount"`
	Card          *wireCard `json:"card"`
	Method        string    `json:"method"`
	ThreeDS       *wireAuth `json:"threeDS"`
	ActionURL     string    `json:"actionUrl"`
	ActionKind    string    `json:"actionKind"`
	ActionExpires time.Time `json:"actionExpiresAt"`
	PixCode       string    `json:"pixCode"`
	Credential    string    `json:"credential"`
}

type wireCard struct {
	Brand         string `json:"brand"`
	First6        string `json:"first6"`
	Last4         string `json:"last4"`
	IssuerCountry string `json:"issuerCountry"`
}

// wireAuth is how the card's holder was authenticated.
type wireAuth struct {
	Status         string `json:"status"`
	Flow           string `json:"flow"`
	ECI            string `json:"eci"`
	Value          string `json:"authenticationValue"`
	Version        string `json:"version"`
	Exemption      string `json:"exemption"`
	ServerID       string `json:"threeDSServerTransID"`
	DirectoryID    string `json:"dsTransID"`
	AccessServerID string `json:"acsTransID"`
}

func (a *wireAuth) proof() instrument.Proof {
	if a == nil {
		return ""
	}
	return instrument.Authentication{
		Result: instrument.AuthResult(a.Status), Challenged: a.Flow == "challenge", ECI: a.ECI, Value: a.Value, Version: a.Version,
		Exemption: a.Exemption, ServerID: a.ServerID, SchemeID: a.DirectoryID, IssuerID: a.AccessServerID,
	}.Proof()
}

// isOf reports whether the provider's kind is one that such an attempt makes.
func isOf(attempt payment.AttemptKind, kind string) bool {
	switch attempt {
	case payment.AttemptDeposit:
		return kind == kindSale || kind == kindAuthorization || kind == kindVerification
	case payment.AttemptWithdrawal:
		return kind == "payout"
	case payment.AttemptRefund:
		return kind == "refund"
	case payment.AttemptCapture:
		return kind == "capture"
	case payment.AttemptVoid:
		return kind == "void"
	}
	return false
}

// fact is what the transaction proves about the attempt of that kind and key. It is
// an error wrapping errAnswer when the transaction is somebody else's or contradicts
// itself. A capture, void, refund or payout that is approved was carried out; an
// authorization tells what has become of the hold.
func (t *transaction) fact(kind payment.AttemptKind, key string) (payment.Fact, error) {
	if t.Reference != key {
		return payment.Fact{}, fmt.Errorf("%w: it carries another reference", errAnswer)
	}
	if t.Kind == kindFence {
		return fenced(), nil
	}
	if !isOf(kind, t.Kind) {
		return payment.Fact{}, fmt.Errorf("%w: it is of another kind than %s", errAnswer, kind)
	}
	f := payment.Fact{ProviderRef: t.ID, Instrument: t.Card.instrument(), Auth: t.ThreeDS.proof()}
	if provider.Word(t.ResponseCode, 8) {
		f.RawCode = t.ResponseCode
	}
	if err := t.money(&f); err != nil {
		return payment.Fact{}, err
	}
	if err := t.judge(kind, &f); err != nil {
		return payment.Fact{}, err
	}
	return f, nil
}

// factFor is fact for an attempt of which more is known: who asks about an amount is not told that a card was verified.
func (t *transaction) factFor(ref connector.Ref) (payment.Fact, error) {
	if t.Kind == kindVerification && !ref.Amount.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: a verification for a payment", errAnswer)
	}
	return t.fact(ref.Kind, ref.Key)
}

// money sets the echoed amount: none for a verification, and some for all else. Without it a success could not be
// compared.
func (t *transaction) money(f *payment.Fact) error {
	text := t.Amount
	if t.Status == "captured" {
		text = t.Captured // less than was held, if the capture was partial
	}
	amount, err := money.Parse(text)
	if err != nil || amount.IsZero() != (t.Kind == kindVerification) {
		return fmt.Errorf("%w: no usable amount", errAnswer)
	}
	currency, err := money.ParseCurrency(t.Currency)
	if err != nil {
		return fmt.Errorf("%w: no known currency", errAnswer)
	}
	f.Echoed.Amount, f.Echoed.Currency = amount, currency
	return nil
}

// judge sets the class by the status.
func (t *transaction) judge(kind payment.AttemptKind, f *payment.Fact) error {
	hold := t.Kind == kindAuthorization
	switch {
	case t.Status == "pending":
		f.Class, f.Next = payment.ClassWaiting, t.settling(kind)
	case t.Status == "requires_action" && kind == payment.AttemptDeposit && provider.Page(t.ActionURL):
		f.Class, f.Next = payment.ClassWaiting, t.next()
	case t.Status == "authorized" && hold && approves(t.ResponseCode):
		f.Class, f.Credential = payment.ClassAuthorized, t.Credential
	case t.Status == "approved" && !hold && approves(t.ResponseCode),
		t.Status == "captured" && hold && approves(t.ResponseCode):
		f.Class, f.Credential = payment.ClassApproved, t.Credential
	case (t.Status == "voided" || t.Status == "expired") && hold:
		f.Class, f.Code = payment.ClassCancelled, payment.CodeTimeout
	case t.Status == "cancelled":
		f.Class, f.Code = payment.ClassRejected, payment.CodeCommunication
	case t.Status == "declined" && !approves(t.ResponseCode):
		v := declined(kind, t.ResponseCode, t.DeclineReason)
		f.Class, f.Code, f.Revoked = v.class, v.code, revokes(t.ResponseCode)
	default:
		return fmt.Errorf("%w: its status fits neither its kind nor its code", errAnswer)
	}
	return nil
}

// next is what the customer does: on a page of the provider's, or in an app, of which the page is the pretended one.
func (t *transaction) next() payment.Next {
	switch t.ActionKind {
	case "confirm":
		return payment.Next{Kind: payment.NextWait, URL: t.ActionURL, Until: t.ActionExpires}
	case "code":
		return payment.Next{Kind: payment.NextCode, Code: t.PixCode, URL: t.ActionURL, Until: t.ActionExpires}
	}
	return payment.GoTo(t.ActionURL)
}

// settling says that the customer is done where banks take their time afterwards.
func (t *transaction) settling(kind payment.AttemptKind) payment.Next {
	if kind == payment.AttemptDeposit && payment.Method(t.Method).Spec().Means == instrument.KindBank {
		return payment.Next{Kind: payment.NextDone}
	}
	return payment.Next{}
}

// fenced is the fact of a reference that will never be done.
func fenced() payment.Fact {
	return payment.Fact{Class: payment.ClassRejected, Code: payment.CodeCommunication, RawCode: "C02"}
}

// instrument is what the provider tells of the card, and empty where it tells nothing
// or nothing of the expected form. The brand UNKNOWN tells nothing.
func (c *wireCard) instrument() instrument.Masked {
	var i instrument.Masked
	if c == nil {
		return i
	}
	if digits(c.First6, 6) && digits(c.Last4, 4) {
		i.CustomerAccountNumber = c.First6 + "***" + c.Last4
	}
	if b := instrument.Brand(c.Brand); b != instrument.BrandUnknown && b.Valid() {
		i.CardBrand = b
	}
	if n := c.IssuerCountry; len(n) == 2 && 'A' <= n[0] && n[0] <= 'Z' && 'A' <= n[1] && n[1] <= 'Z' {
		i.CardIssuingCountry = n
	}
	return i
}

func digits(s string, n int) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) == n
}
