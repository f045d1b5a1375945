package gateway

import (
	"strings"

	papers "github.com/sluicepay/sluice/internal/document"
	"github.com/sluicepay/sluice/internal/payment"
)

// customer reads the customer into the form in which it is kept and shown.
func (b binder) customer(d demands) payment.Document {
	if d.person && b.missingObject("customer") {
		return ""
	}
	c, ok := b.child("customer", d.person)
	if !ok {
		return ""
	}
	var p payment.Customer
	c.identity(&p)
	c.account(&p)
	c.history(&p)
	if d.papers {
		c.papers(&p)
	}
	return c.document(&p)
}

func (b binder) identity(p *payment.Customer) {
	p.ReferenceID = b.text("referenceId", 128)
	p.FirstName = b.needed("firstName", 128)
	p.LastName = b.needed("lastName", 128)
	if !b.missing("email") {
		p.Email = b.sized("email", 0, 256)
	}
	b.email("email", p.Email)
	p.Phone = b.needed("phone", 18)
	if !b.missing("ip") {
		p.IP, _ = b.string("ip")
		b.ip("ip", p.IP)
	}
	p.CitizenshipCountryCode = b.sized("citizenshipCountryCode", 2, 2)
	p.DateOfBirth = b.sizedDate("dateOfBirth")
	p.Locale = b.sized("locale", 2, 2)
}

func (b binder) account(p *payment.Customer) {
	p.AccountNumber = b.text("accountNumber", 256)
	p.AccountName = b.text("accountName", 64)
	p.AccountType = choice(b, "accountType", accountTypes)
	p.Bank = b.text("bank", 64)
	p.BankCode = b.text("bankCode", 64)
	p.BankBranch = b.text("bankBranch", 64)
	p.BankBranchCode = b.text("bankBranchCode", 64)
}

func accountTypes() []string { return []string{"SAVINGS", "CHECKING"} }

func (b binder) history(p *payment.Customer) {
	text, ok := b.string("documentType")
	if ok && !papers.Known(text) {
		b.fault("documentType", mismatch, "must be a known document type")
	}
	p.DocumentType = text
	p.DocumentNumber = b.text("documentNumber", 64)
	p.RoutingGroup = b.text("routingGroup", 64)
	p.KYCStatus = b.boolean("kycStatus")
	p.PaymentInstrumentKYCStatus = b.boolean("paymentInstrumentKycStatus")
	p.DateOfFirstDeposit = b.date("dateOfFirstDeposit")
	p.DepositsAmount = b.integer("depositsAmount")
	p.WithdrawalsAmount = b.integer("withdrawalsAmount")
	p.DepositsCnt = b.integer("depositsCnt")
	p.WithdrawalsCnt = b.integer("withdrawalsCnt")
}

// papers holds the number of a document to the rule of its type, as far as there is one. It is kept as it came.
func (b binder) papers(p *payment.Customer) {
	if p.DocumentType == "" || p.DocumentNumber == "" || !papers.Known(p.DocumentType) {
		return
	}
	if _, err := papers.Check(p.DocumentType, p.DocumentNumber); err != nil {
		b.fault("documentNumber", pattern, "must be a number of a document of its documentType")
	}
}

// maxAddressLine is what later versions of the contract allow; 1.0.76 has 50.
const maxAddressLine = 300

// billing reads the billing address.
func (b binder) billing(demanded bool) payment.Document {
	if demanded && b.missingObject("billingAddress") {
		return ""
	}
	a, ok := b.child("billingAddress", demanded)
	if !ok {
		return ""
	}
	p := payment.BillingAddress{
		AddressLine1: a.needed("addressLine1", maxAddressLine),
		AddressLine2: a.text("addressLine2", maxAddressLine),
		City:         a.needed("city", 50),
		CountryCode:  a.country(),
		PostalCode:   a.needed("postalCode", 12),
		State:        a.text("state", 40),
	}
	return a.document(&p)
}

func (b binder) country() string {
	if b.missing("countryCode") {
		return ""
	}
	code := b.sized("countryCode", 2, 2)
	if strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		b.fault("countryCode", pattern, `must match "[A-Z]{2}"`)
	}
	return code
}

// document renders what was read, unless it is of no use any more.
func (b binder) document(v any) payment.Document {
	if b.err() != nil {
		return ""
	}
	d, err := payment.NewDocument(v)
	if err != nil { // structs of strings and numbers can always be rendered
		b.fault("", mismatch, "must be an object")
	}
	return d
}
