package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
)

const maxBody = 64 << 10

// Operations: what a scenario can match and what a command is.
const (
	opPayment = "payment"
	opPayout  = "payout"
	opCapture = "capture"
	opVoid    = "void"
	opRefund  = "refund"
	opStatus  = "status"
	opCancel  = "cancel"

	opVerification = "verification"
)

type cardInput struct {
	Number       string `json:"number"`
	ExpiryMonth  string `json:"expiryMonth"`
	ExpiryYear   string `json:"expiryYear"`
	Holder       string `json:"holder"`
	SecurityCode string `json:"securityCode"`
}

// networkToken is what a device gives with the number that it has in the place of the card's.
type networkToken struct {
	Cryptogram string `json:"cryptogram"`
	ECI        string `json:"eci"`
}

type accountInput struct {
	Holder string `json:"holder"`
	Number string `json:"number"`
	Bank   string `json:"bank"`
}

type customerInput struct {
	ID             string `json:"id"`
	FirstName      string `json:"firstName"`
	LastName       string `json:"lastName"`
	Email          string `json:"email"`
	Phone          string `json:"phone"`
	IPAddress      string `json:"ipAddress"`
	AddressLine1   string `json:"addressLine1"`
	PostalCode     string `json:"postalCode"`
	City           string `json:"city"`
	Country        string `json:"country"`
	DocumentType   string `json:"documentType"`
	DocumentNumber string `json:"documentNumber"`
}

// moneyRequest is the body of every request that may move money. Which fields a
// request may carry depends on the operation; allowed says it.
type moneyRequest struct {
	Reference       string         `json:"reference"`
	OrderID         string         `json:"orderId"`
	Amount          *string        `json:"amount"`
	Currency        string         `json:"currency"`
	Capture         *bool          `json:"capture"`
	Method          string         `json:"method"`
	Card            *cardInput     `json:"card"`
	NetworkToken    *networkToken  `json:"networkToken"`
	Account         *accountInput  `json:"account"`
	Credential      string         `json:"credential"`
	BlikCode        string         `json:"blikCode"`
	BlikAlias       string         `json:"blikAlias"`
	BlikApp         string         `json:"blikApp"`
	Show            string         `json:"show"`
	Bank            string         `json:"bank"`
	StoreCredential bool           `json:"storeCredential"`
	ThreeDS         string         `json:"threeDS"`
	TestAmounts     string         `json:"testAmounts"`
	ExpiresAt       string         `json:"expiresAt"`
	ReturnURL       string         `json:"returnUrl"`
	NoticeURL       string         `json:"noticeUrl"`
	Description     string         `json:"description"`
	Customer        *customerInput `json:"customer"`
}

// command is a checked request. card is nil unless the request carried one; its
// number lives only as long as the request.
type command struct {
	op          string
	parent      string // transaction id of a capture, void or refund
	reference   string
	orderID     string
	kind        string
	method      string
	currency    string
	amount      decimal
	whole       bool // no amount given: all that is left
	card        *cardInput
	wallet      string        // that the card comes from, as the method of a request says; empty for none
	device      *networkToken // nil where the number is no device's
	account     *accountInput
	month, year int
	credential  string
	store       bool
	forceAuth   bool
	testAmounts string    // whose test amounts decide; empty for nobody's
	expiresAt   time.Time // the customer may act until then; zero where not given
	returnURL   string
	noticeURL   string
	blikCode    string
	alias, app  string
	showCode    bool   // the merchant's page shows the code of a PIX
	bank        string // that the customer has chosen
	fingerprint string
}

// readBody returns the whole body, or the refusal of one that is too large.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *apiError) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return body, nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &apiError{http.StatusRequestEntityTooLarge, "invalid_request", "too_large",
			"a body has at most 65536 bytes", "", notProcessed()}
	}
	return nil, badRequest("", "the body did not arrive whole")
}

// decode reads one JSON object strictly: unknown and repeated names, other
// letter case, wrong types, bad UTF-8 and trailing data are refused. The message
// never repeats what was sent, for that may be a card number.
func decode(body []byte, into any) *apiError {
	err := json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return badRequest(param(string(semantic.JSONPointer)), "unknown field, or a value of the wrong type")
	}
	return badRequest("", "the body must be one well-formed JSON object without repeated names")
}

// param turns a JSON pointer into the dotted name that errors use; names that
// are too long to be ours are left out.
func param(pointer string) string {
	if len(pointer) < 2 || len(pointer) > 64 {
		return ""
	}
	name := []byte(pointer[1:])
	for i, c := range name {
		if c == '/' {
			name[i] = '.'
		}
	}
	return string(name)
}

// readCommand decodes and checks a money request. card numbers go no further
// than the command it returns.
func (s *Simulator) readCommand(op, parent string, body []byte) (*command, *apiError) {
	var q moneyRequest
	if err := decode(body, &q); err != nil {
		return nil, err
	}
	c := &command{op: op, parent: parent, kind: op, reference: q.Reference, orderID: q.OrderID,
		currency: q.Currency, credential: q.Credential, store: q.StoreCredential,
		forceAuth: q.ThreeDS == "required", returnURL: q.ReturnURL, noticeURL: q.NoticeURL,
		testAmounts: q.TestAmounts, blikCode: q.BlikCode, alias: q.BlikAlias, app: q.BlikApp, showCode: q.Show == showCode, bank: q.Bank, card: q.Card,
		device: q.NetworkToken, account: q.Account}
	if op == opPayment {
		c.kind = kindSale
		if q.Capture != nil && !*q.Capture {
			c.kind = kindAuthorization
		}
	}
	if err := c.check(&q, s.now()); err != nil {
		return nil, err
	}
	c.fingerprint = s.fingerprint(c)
	return c, nil
}

// fingerprint is a keyed hash of what a request asks for. The security code is
// left out: a repeat may come without it.
func (s *Simulator) fingerprint(c *command) string {
	mac := hmac.New(sha256.New, s.fpKey)
	field := func(text string) {
		_, _ = io.WriteString(mac, text) // a hash never fails
		_, _ = mac.Write([]byte{0})
	}
	amount := "all"
	if !c.whole {
		amount = c.amount.String()
	}
	for _, text := range []string{c.op, c.parent, c.orderID, c.kind, c.method, c.currency, amount,
		c.credential, yesNo(c.store), yesNo(c.forceAuth), c.returnURL, c.noticeURL} {
		field(text)
	}
	if c.testAmounts != "" || !c.expiresAt.IsZero() { // older ledger files were written without them
		field(c.testAmounts)
		field(c.expiresAt.Format(time.RFC3339Nano))
	}
	if c.blikCode != "" || c.bank != "" || c.showCode {
		field(c.blikCode)
		field(c.bank)
		field(strconv.FormatBool(c.showCode))
	}
	if c.alias != "" {
		field(c.alias)
		field(c.app)
	}
	if c.wallet != "" {
		field(c.wallet)
		if c.device != nil {
			field(c.device.Cryptogram)
			field(c.device.ECI)
		}
	}
	if c.card != nil {
		field(c.card.Number)
		field(c.card.ExpiryMonth)
		field(c.card.ExpiryYear)
		field(c.card.Holder)
	}
	if c.account != nil {
		field(c.account.Number)
		field(c.account.Holder)
		field(c.account.Bank)
	}
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

func yesNo(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
