package payer

import (
	"fmt"
	"slices"

	"github.com/sluicepay/sluice/internal/document"
	"github.com/sluicepay/sluice/internal/payment"
)

// Detail is one thing to know of who pays, by the name that the gateway contract has for it among those of a customer.
type Detail string

// The details. DocumentType and DocumentNumber go together.
const (
	FirstName      Detail = "firstName"
	LastName       Detail = "lastName"
	Email          Detail = "email"
	Phone          Detail = "phone"
	DocumentType   Detail = "documentType"
	DocumentNumber Detail = "documentNumber"

	// Of the billing address. Where a country has no postal codes none is wanted.
	AddressLine1 Detail = "addressLine1"
	PostalCode   Detail = "postalCode"
	City         Detail = "city"
	CountryCode  Detail = "countryCode"
)

// Details lists those that can be wanted by themselves, in the order in which they are asked for; a document comes after them.
func Details() []Detail { return append([]Detail{FirstName, LastName, Email, Phone}, Address()...) }

// Address lists those that are of the billing address.
func Address() []Detail { return []Detail{AddressLine1, PostalCode, City, CountryCode} }

// OfAddress reports that the detail is of the billing address.
func (d Detail) OfAddress() bool { return slices.Contains(Address(), d) }

// Path names the detail in a request of the gateway contract.
func (d Detail) Path() string {
	if d.OfAddress() {
		return "billingAddress." + string(d)
	}
	return "customer." + string(d)
}

// Known is what is known of who pays a payment.
type Known struct {
	payment.Customer
	payment.BillingAddress
}

// KnownOf reads it.
func KnownOf(p *payment.Payment) (k Known, err error) {
	if err = p.Customer.Into(&k.Customer); err == nil {
		err = p.Billing.Into(&k.BillingAddress)
	}
	return k, err
}

// Wants is what a provider wants to know of who pays. The zero value is nothing.
type Wants struct {
	Details []Detail
	// Documents are the types of a government document, one of which is wanted; none where it is empty.
	Documents []string
	// NoCard: the provider asks for a card itself, on its own page, so that nobody is asked for one here. One that is there all the same is
	// passed on, or passed over, as the provider takes it.
	NoCard bool
}

// Check says what of it there is not.
func (w *Wants) Check() error {
	for _, d := range w.Details {
		if !slices.Contains(Details(), d) {
			return fmt.Errorf("%q is none of %v", d, Details())
		}
	}
	for _, kind := range w.Documents {
		if !document.Known(kind) {
			return fmt.Errorf("%q is no type of a document", kind)
		}
	}
	return nil
}

// Lacks lists what a customer has to be asked for, in order. A document counts if it is of a type that is wanted and its number can
// be right; its type need not be asked for where there is one only.
func (w *Wants) Lacks(c *Known) []Detail {
	return w.lacks(c, func(kind, number string) bool {
		_, err := document.Check(kind, number)
		return err == nil
	})
}

// Absent lists what is not there at all: whether a number that is can be right is then the provider's to say.
func (w *Wants) Absent(c *Known) []Detail {
	return w.lacks(c, func(_, number string) bool { return number != "" })
}

func (w *Wants) lacks(c *Known, counts func(kind, number string) bool) []Detail {
	var lacks []Detail
	for _, d := range Details() {
		if slices.Contains(w.Details, d) && *d.in(c) == "" && (d != PostalCode || !withoutPostalCodes(c.CountryCode)) {
			lacks = append(lacks, d)
		}
	}
	if len(w.Documents) == 0 {
		return lacks
	}
	if slices.Contains(w.Documents, c.DocumentType) && counts(c.DocumentType, c.DocumentNumber) {
		return lacks
	}
	if len(w.Documents) > 1 {
		lacks = append(lacks, DocumentType)
	}
	return append(lacks, DocumentNumber)
}

// LacksOf is Lacks for a payment. One of which it cannot be read lacks all.
func (w *Wants) LacksOf(p *payment.Payment) []Detail { return w.of(p, w.Lacks) }

// AbsentOf is Absent for a payment, likewise.
func (w *Wants) AbsentOf(p *payment.Payment) []Detail { return w.of(p, w.Absent) }

func (w *Wants) of(p *payment.Payment, list func(*Known) []Detail) []Detail {
	if len(w.Details) == 0 && len(w.Documents) == 0 {
		return nil
	}
	k, err := KnownOf(p)
	if err != nil {
		k = Known{}
	}
	return list(&k)
}

// in is where the detail is known.
func (d Detail) in(c *Known) *string {
	switch d {
	case FirstName:
		return &c.FirstName
	case LastName:
		return &c.LastName
	case Email:
		return &c.Email
	case Phone:
		return &c.Phone
	case DocumentType:
		return &c.DocumentType
	case AddressLine1:
		return &c.AddressLine1
	case PostalCode:
		return &c.PostalCode
	case City:
		return &c.City
	case CountryCode:
		return &c.CountryCode
	case DocumentNumber:
	}
	return &c.DocumentNumber
}
