package simulator

import (
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/money"
)

// The published amount rules, in major units of whatever currency: payments succeed below the first, payouts and refunds up to
// the second. They are the gateway API's: a payment with testAmounts, and its refunds, know no ceiling.
var (
	paymentCeiling = decimal{money.MustParse("10000000")}
	returnCeiling  = decimal{money.MustParse("10000")}
)

// holderCommand, followed by a code, as the cardholder's name asks for that
// issuer answer: DECLINED:51.
const holderCommand = "DECLINED:"

// book does what the command asks, once: a known reference with the same content
// gives its transaction as it is now and replayed true. It fences nothing and
// waits for nothing. The caller holds mu.
func (s *Simulator) book(c *command, eff Effect) (t *tx, replayed bool, refusal *apiError) {
	now := s.now()
	s.settle(now)
	if known, ok := s.byReference[c.reference]; ok {
		if known.Kind == kindFence || (known.Outcome.Code == codeReferenceFenced && known.Fingerprint == c.fingerprint) {
			return nil, false, refused("reference_cancelled", "this reference was cancelled before it was done")
		}
		if known.Fingerprint != c.fingerprint {
			return nil, false, conflict()
		}
		return known, true, nil
	}
	switch c.op {
	case opPayment, opVerification:
		t, refusal = s.bookPayment(c, eff, now)
	case opPayout:
		t, refusal = s.bookPayout(c, eff, now)
	default:
		t, refusal = s.bookFollowUp(c, eff, now)
	}
	return t, false, refusal
}

// newTx makes the transaction of a command without booking it.
func (s *Simulator) newTx(c *command, eff Effect, now time.Time) *tx {
	txID, _ := s.ids.New()
	t := &tx{
		ID: txID, Reference: c.reference, OrderID: c.orderID, Kind: c.kind, Method: c.method,
		Amount: c.amount, Currency: c.currency, Parent: c.parent, Fingerprint: c.fingerprint,
		CreatedAt: now, UpdatedAt: now, ReturnURL: c.returnURL, NoticeURL: c.noticeURL,
		Notice: eff.Notice, NoticeDelay: millis(eff.NoticeDelayMs), Async: millis(eff.AsyncAfterMs),
		Alias: c.alias, AliasApp: c.aliasApp(), Store: c.store, ActionUntil: c.expiresAt, TestAmounts: c.testAmounts, Correct: eff.Correct, CorrectAfter: millis(eff.CorrectAfterMs),
	}
	if eff.LagMs > 0 {
		t.VisibleAt = now.Add(millis(eff.LagMs))
	}
	if c.card != nil {
		t.Card = viewCard(c.card.Number, c.month, c.year)
	}
	return t
}

func (s *Simulator) add(t *tx) {
	s.byID[t.ID], s.byReference[t.Reference] = t, t
	if t.Token != "" {
		s.byToken[t.Token] = t
		s.inApp(t)
	}
	if t.Credential != "" {
		s.credentials[t.Credential] = t
	}
}

// bookPayment does what a card or a customer decides: payments, and the verification of a card.
func (s *Simulator) bookPayment(c *command, eff Effect, now time.Time) (*tx, *apiError) {
	t := s.newTx(c, eff, now)
	var card testCard
	switch {
	case c.credential != "":
		stored, ok := s.credentials[c.credential]
		if !ok {
			return nil, refused("credential_not_found", "no such stored credential")
		}
		t.Card = stored.Card
		card.code = orCode(stored.MITCode)
	case c.card != nil:
		card = c.inHand(findTestCard(c.card.Number))
		t.MITCode, t.Wallet = card.mitCode, c.wallet
	default:
		card.code, card.challenge = codeApproved, true
	}
	s.add(t)
	if s.bookTestAmount(t, c, eff, now) {
		return t, nil
	}
	t.Planned = verdict(issuerCode(card, c, eff))
	if s.bookApp(t, c, eff, now) {
		return t, nil
	}
	if early, ok := refusedAtOnce(t, eff, now); ok {
		s.finish(t, early, now)
		return t, nil
	}
	if card.challenge || c.forceAuth {
		if card.needsSCA && eff.ResponseCode == "" {
			t.Planned = verdict(codeApproved)
		}
		t.ACS, t.DeviceStep = card.acs, card.device
		s.askCustomer(t, now)
		return t, nil
	}
	if card.auth != "" {
		t.Exemption = card.exempt
		if refused, ends := s.authenticated(t, card.auth); ends {
			s.finish(t, refused, now)
			return t, nil
		}
	}
	s.decide(t, t.Planned, now)
	return t, nil
}

func orCode(code string) string {
	if code == "" {
		return codeApproved
	}
	return code
}

// issuerCode is what the issuer will say: the scenario's word, else the
// cardholder's command, else the card's own.
func issuerCode(card testCard, c *command, eff Effect) string {
	if eff.ResponseCode != "" {
		return eff.ResponseCode
	}
	if code, ok := commanded(c); ok {
		return code
	}
	return card.code
}

func commanded(c *command) (string, bool) {
	if c.card == nil {
		return "", false
	}
	code, ok := strings.CutPrefix(c.card.Holder, holderCommand)
	return code, ok && validCode(code)
}

// validCode accepts the form of ISO 8583 field 39.
func validCode(code string) bool {
	if len(code) != 2 {
		return false
	}
	for i := range 2 {
		if c := code[i]; !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z') {
			return false
		}
	}
	return true
}

// refusedAtOnce is what is declined before the customer is asked: amounts above
// the sandbox's ceilings, and cards whose time is over. A scenario that names an
// answer code overrules both.
func refusedAtOnce(t *tx, eff Effect, now time.Time) (outcome, bool) {
	if eff.ResponseCode != "" {
		return outcome{}, false
	}
	if t.overCeiling() {
		return outcome{codeAmountLimit, reasonProviderLimit}, true
	}
	if t.Card != nil && t.Parent == "" && expired(t.Card.ExpiryMonth, t.Card.ExpiryYear, now) {
		return verdict(codeExpiredCard), true
	}
	return outcome{}, false
}

// overCeiling tells whether the published amount rules refuse t.
func (t *tx) overCeiling() bool {
	switch {
	case t.TestAmounts != "" || t.Kind == kindCapture || t.Kind == kindVoid:
		return false
	case t.isPayment():
		return !paymentCeiling.more(t.Amount)
	}
	return t.Amount.more(returnCeiling)
}

func (s *Simulator) bookPayout(c *command, eff Effect, now time.Time) (*tx, *apiError) {
	t := s.newTx(c, eff, now)
	if c.credential != "" {
		stored, ok := s.credentials[c.credential]
		if !ok {
			return nil, refused("credential_not_found", "no such stored credential")
		}
		t.Card = stored.Card
	}
	s.add(t)
	result, over := refusedAtOnce(t, eff, now)
	if over {
		s.finish(t, result, now)
		return t, nil
	}
	s.decide(t, verdict(issuerCode(testCard{code: codeApproved}, c, eff)), now)
	return t, nil
}

// bookFollowUp does captures, voids and refunds. Whatever it refuses is not
// booked and leaves the reference free.
func (s *Simulator) bookFollowUp(c *command, eff Effect, now time.Time) (*tx, *apiError) {
	parent, ok := s.byID[c.parent]
	if !ok || !parent.isPayment() {
		return nil, &apiError{404, "not_found", "transaction_not_found", "no such payment", "", notProcessed()}
	}
	if c.currency != "" && c.currency != parent.Currency {
		return nil, refused("currency_mismatch", "the payment is in "+parent.Currency)
	}
	if !c.whole && c.amount.Decimals() > money.Currency(parent.Currency).MinorUnits() {
		return nil, invalidField("amount", "more decimals than the currency has")
	}
	amount, refusal := claim(parent, c)
	if refusal != nil {
		return nil, refusal
	}
	t := s.newTx(c, eff, now)
	t.Amount, t.Currency, t.OrderID = amount, parent.Currency, parent.OrderID
	t.Method, t.Card, t.TestAmounts = parent.Method, parent.Card, parent.TestAmounts
	if t.NoticeURL == "" {
		t.NoticeURL = parent.NoticeURL
	}
	s.add(t)
	reserve(parent, t)
	if early, over := refusedAtOnce(t, eff, now); over {
		s.finish(t, early, now)
		return t, nil
	}
	s.decide(t, verdict(orCode(eff.ResponseCode)), now)
	return t, nil
}

// claim checks a follow-up against what its payment holds and returns the amount
// it is for.
func claim(parent *tx, c *command) (decimal, *apiError) {
	if c.op == opRefund {
		return claimRefund(parent, c)
	}
	if parent.Live != "" {
		return decimal{}, refused("operation_in_progress", "a capture or void of this payment is still open")
	}
	if parent.Status != statusAuthorized {
		code := "not_capturable"
		if c.op == opVoid {
			code = "not_voidable"
		}
		return decimal{}, refused(code, "the payment is "+parent.Status+", not authorized")
	}
	if c.whole {
		return parent.Authorized, nil
	}
	if c.amount.more(parent.Authorized) {
		return decimal{}, refused("amount_exceeds_authorized", "authorized is "+parent.Authorized.String())
	}
	return c.amount, nil
}

func claimRefund(parent *tx, c *command) (decimal, *apiError) {
	left := parent.refundable()
	switch {
	case parent.Captured.IsZero():
		return decimal{}, refused("not_refundable", "nothing of this payment was captured")
	case left.IsZero():
		return decimal{}, refused("amount_exceeds_refundable", "nothing is left to refund")
	case c.whole:
		return left, nil
	case c.amount.more(left):
		return decimal{}, refused("amount_exceeds_refundable", "left to refund is "+left.String())
	}
	return c.amount, nil
}

// reserve holds what a follow-up may move until finish or abandon.
func reserve(parent, t *tx) {
	if t.Kind == kindRefund {
		parent.RefundHeld = parent.RefundHeld.plus(t.Amount)
		return
	}
	parent.Live = t.ID
}

func release(parent, t *tx) {
	if t.Kind == kindRefund {
		parent.RefundHeld = parent.RefundHeld.minus(t.Amount)
		return
	}
	parent.Live = ""
}
