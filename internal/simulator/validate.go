package simulator

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/money"
)

const methodCard = "CARD"

// methods other than CARD lead the customer to a page where the tester chooses
// the outcome.
var methods = []string{methodCard, "BLIK", "PIX", "OPEN_BANKING", "PAY_BY_LINK", "GOOGLEPAY", "APPLEPAY"}

// check validates a request completely, before anything is decided. Its first
// fault is the answer.
func (c *command) check(q *moneyRequest, now time.Time) *apiError {
	if !validReference(c.reference) {
		return invalidField("reference", "1 to 128 characters out of letters, digits and . _ : ~ -")
	}
	if err := c.checkAllowed(q); err != nil {
		return err
	}
	if err := c.checkAmount(q.Amount); err != nil {
		return err
	}
	if err := c.checkTexts(q); err != nil {
		return err
	}
	switch c.op {
	case opPayment:
		return c.checkPayment(q, now)
	case opPayout:
		return c.checkPayout(q, now)
	case opVerification:
		return c.checkVerification(q, now)
	}
	return nil
}

// checkAllowed refuses known fields at the wrong operation.
func (c *command) checkAllowed(q *moneyRequest) *apiError {
	payment, payout, verification := c.op == opPayment, c.op == opPayout, c.op == opVerification
	customers := payment || payout || verification
	rules := []struct {
		param   string
		present bool
		allowed bool
	}{
		{"orderId", q.OrderID != "", customers},
		{"amount", q.Amount != nil, c.op != opVoid && !verification},
		{"currency", q.Currency != "", c.op != opVoid},
		{"capture", q.Capture != nil, payment},
		{"method", q.Method != "", payment || payout},
		{"card", q.Card != nil, customers},
		{"networkToken", q.NetworkToken != nil, payment},
		{"account", q.Account != nil, payout},
		{"credential", q.Credential != "", payment || payout},
		{"blikCode", q.BlikCode != "", payment},
		{"blikAlias", q.BlikAlias != "", payment},
		{"blikApp", q.BlikApp != "", payment},
		{"show", q.Show != "", payment},
		{"bank", q.Bank != "", payment},
		{"storeCredential", q.StoreCredential, payment || verification},
		{"threeDS", q.ThreeDS != "", payment || verification},
		{"testAmounts", q.TestAmounts != "", payment},
		{"expiresAt", q.ExpiresAt != "", payment || verification},
		{"returnUrl", q.ReturnURL != "", payment || verification},
		{"customer", q.Customer != nil, customers},
	}
	for _, rule := range rules {
		if rule.present && !rule.allowed {
			return invalidField(rule.param, "not a field of this operation")
		}
	}
	return nil
}

func (c *command) checkAmount(text *string) *apiError {
	followUp := c.op == opCapture || c.op == opRefund || c.op == opVoid
	if followUp && text == nil {
		c.whole = true
	}
	if c.currency == "" && !followUp {
		return invalidField("currency", "required")
	}
	places := money.Scale
	if c.currency != "" {
		currency, err := money.ParseCurrency(c.currency)
		if err != nil {
			return invalidField("currency", "not a known currency code")
		}
		places = currency.MinorUnits()
	}
	if text == nil {
		if followUp || c.op == opVerification {
			return nil
		}
		return invalidField("amount", "required: a string of major units such as \"11.12\"")
	}
	amount, err := money.Parse(*text)
	if err != nil || amount.IsZero() {
		return invalidField("amount", "a string of major units above zero, such as \"11.12\"")
	}
	if amount.Decimals() > places {
		return invalidField("amount", "more decimals than the currency has")
	}
	c.amount = decimal{amount}
	return nil
}

func (c *command) checkTexts(q *moneyRequest) *apiError {
	texts := []struct {
		param, text string
		limit       int
	}{{"orderId", q.OrderID, 128}, {"description", q.Description, 512}}
	if q.Customer != nil {
		texts = append(texts, []struct {
			param, text string
			limit       int
		}{
			{"customer.id", q.Customer.ID, 256}, {"customer.email", q.Customer.Email, 256},
			{"customer.phone", q.Customer.Phone, 32}, {"customer.ipAddress", q.Customer.IPAddress, 45},
			{"customer.country", q.Customer.Country, 2}, {"customer.addressLine1", q.Customer.AddressLine1, 300},
			{"customer.postalCode", q.Customer.PostalCode, 12}, {"customer.city", q.Customer.City, 50},
			{"customer.firstName", q.Customer.FirstName, 128}, {"customer.lastName", q.Customer.LastName, 128},
			{"customer.documentType", q.Customer.DocumentType, 16}, {"customer.documentNumber", q.Customer.DocumentNumber, 64},
		}...)
	}
	for _, f := range texts {
		if !plain(f.text, f.limit) {
			return invalidField(f.param, "at most "+strconv.Itoa(f.limit)+" characters, no control characters")
		}
	}
	if !validURL(q.ReturnURL) {
		return invalidField("returnUrl", "an absolute http or https address of at most 1024 characters")
	}
	if !validURL(q.NoticeURL) {
		return invalidField("noticeUrl", "an absolute http or https address of at most 1024 characters")
	}
	return nil
}

func (c *command) checkPayment(q *moneyRequest, now time.Time) *apiError {
	if err := c.checkMethod(q.Method); err != nil {
		return err
	}
	if err := c.checkCustomer(q); err != nil {
		return err
	}
	if q.TestAmounts != "" && q.TestAmounts != testAmountsYandex {
		return invalidField("testAmounts", testAmountsYandex+", or absent")
	}
	if err := c.checkApp(q); err != nil {
		return err
	}
	if err := c.checkWallet(); err != nil {
		return err
	}
	if c.method != methodCard {
		if c.card != nil || c.credential != "" || c.store {
			return invalidField("method", "cards and credentials go with the method CARD")
		}
		return nil
	}
	if c.credential != "" {
		if c.card != nil || c.store || c.forceAuth {
			return invalidField("credential", "comes alone: no card, storeCredential or threeDS")
		}
		return nil
	}
	if c.card == nil {
		return invalidField("card", "required: a card or a credential")
	}
	return c.checkCard(now)
}

// checkCustomer checks how and how long the customer is asked.
func (c *command) checkCustomer(q *moneyRequest) *apiError {
	if q.ThreeDS != "" && q.ThreeDS != "automatic" && q.ThreeDS != "required" {
		return invalidField("threeDS", "automatic or required")
	}
	if q.ExpiresAt == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, q.ExpiresAt)
	if err != nil {
		return invalidField("expiresAt", "a time such as 2030-03-14T09:26:53Z")
	}
	c.expiresAt = at.UTC().Truncate(time.Microsecond)
	return nil
}

func (c *command) checkVerification(q *moneyRequest, now time.Time) *apiError {
	c.method = methodCard
	if err := c.checkCustomer(q); err != nil {
		return err
	}
	if c.card == nil {
		return invalidField("card", "required")
	}
	return c.checkCard(now)
}

func (c *command) checkPayout(q *moneyRequest, now time.Time) *apiError {
	if err := c.checkMethod(q.Method); err != nil {
		return err
	}
	given := 0
	for _, present := range []bool{c.card != nil, c.credential != "", q.Account != nil} {
		if present {
			given++
		}
	}
	if given != 1 {
		return invalidField("card", "a payout names exactly one of card, credential and account")
	}
	if a := q.Account; a != nil {
		if a.Number == "" || !plain(a.Number, 64) || !plain(a.Holder, 256) || !plain(a.Bank, 64) {
			return invalidField("account", "number is required; number and bank up to 64 characters, holder up to 256")
		}
	}
	if c.card == nil {
		return nil
	}
	return c.checkCard(now)
}

// checkCard refuses what no card can be. An expired card is no such fault: its
// issuer declines it.
func (c *command) checkCard(now time.Time) *apiError {
	if n := len(c.card.Number); n < 12 || n > 19 || !digits(c.card.Number) || !luhnValid(c.card.Number) {
		return invalidField("card.number", "12 to 19 digits with a correct check digit, no spaces")
	}
	if !digits(c.card.ExpiryMonth) || !digits(c.card.ExpiryYear) ||
		len(c.card.ExpiryMonth) != 2 || len(c.card.ExpiryYear) != 4 {
		return invalidField("card.expiryMonth", "two digits; expiryYear has four")
	}
	c.month, _ = strconv.Atoi(c.card.ExpiryMonth) // digits were checked
	c.year, _ = strconv.Atoi(c.card.ExpiryYear)
	if c.month < 1 || c.month > 12 {
		return invalidField("card.expiryMonth", "01 to 12")
	}
	if c.year < 2000 || c.year > now.Year()+100 {
		return invalidField("card.expiryYear", "not a year that a card can have")
	}
	if !plain(c.card.Holder, 256) {
		return invalidField("card.holder", "at most 256 characters, no control characters")
	}
	if n := len(c.card.SecurityCode); n != 0 && (n < 3 || n > 4 || !digits(c.card.SecurityCode)) {
		return invalidField("card.securityCode", "three or four digits")
	}
	return nil
}

func validReference(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._:~-", c) >= 0) {
			return false
		}
	}
	return s != "." && s != ".." // would be eaten by URL cleaning
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func plain(s string, limit int) bool {
	if utf8.RuneCountInString(s) > limit {
		return false
	}
	return !strings.ContainsFunc(s, unicode.IsControl)
}

func validURL(s string) bool {
	if s == "" {
		return true
	}
	u, err := url.Parse(s)
	if err != nil || len(s) > 1024 {
		return false
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}
