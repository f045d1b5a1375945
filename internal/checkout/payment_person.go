package checkout

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
)

// A provider may want to know who pays. What the payment has of that is never asked for; the rest is, on the form of the method whose
// terminal wants it, and becomes part of the payment's customer.

// personWords are the texts of that. Missing and Wrong name the field.
type personWords struct {
	FirstName, LastName, Email, Phone, PhoneHint, DocumentType, DocumentNumber, DocumentChoose, Missing, Wrong, DocumentWrong string

	Address, AddressLine1, PostalCode, City, CountryCode, CountryChoose string
}

func (w *personWords) label(d payer.Detail) string {
	switch d {
	case payer.FirstName:
		return w.FirstName
	case payer.LastName:
		return w.LastName
	case payer.Email:
		return w.Email
	case payer.Phone:
		return w.Phone
	case payer.DocumentType:
		return w.DocumentType
	case payer.AddressLine1:
		return w.AddressLine1
	case payer.PostalCode:
		return w.PostalCode
	case payer.City:
		return w.City
	case payer.CountryCode:
		return w.CountryCode
	case payer.DocumentNumber:
	}
	return w.DocumentNumber
}

// maxEntered is how many characters of a detail are shown again.
const maxEntered = 128

// howAsked is what browsers are told of a detail.
var howAsked = map[payer.Detail]field{
	payer.FirstName:      {Dir: "auto", Autocomplete: "given-name", Class: "half"},
	payer.LastName:       {Dir: "auto", Autocomplete: "family-name", Class: "half"},
	payer.Email:          {Dir: "ltr", Autocomplete: "email", Mode: "email"},
	payer.Phone:          {Dir: "ltr", Autocomplete: "tel", Mode: "tel"},
	payer.DocumentType:   {Dir: "ltr", Autocomplete: "off"},
	payer.DocumentNumber: {Dir: "ltr", Autocomplete: "off"},
	payer.AddressLine1:   {Dir: "auto", Autocomplete: "billing address-line1"},
	payer.PostalCode:     {Dir: "ltr", Autocomplete: "billing postal-code", Class: "half"},
	payer.City:           {Dir: "auto", Autocomplete: "billing address-level2", Class: "half"},
	payer.CountryCode:    {Dir: "auto", Autocomplete: "billing country"},
}

// personFields are those that are asked for by a method, and among them those of the billing address.
func (g *Pages) personFields(v *visit, e *entry, m payment.Method) (fields, address []field) {
	wants := g.engine.Page().Wants(v.shop, &v.payment, m)
	for _, d := range wants.LacksOf(&v.payment) {
		f := howAsked[d]
		f.ID, f.Label, f.Value, f.Fault, f.Type = string(d), v.words.Person.label(d), e.person[d], e.of(string(d)), "text"
		f.Required = d != payer.PostalCode // of most countries: which, they choose below
		switch {
		case d == payer.Phone:
			f.Hint = v.words.Person.PhoneHint
		case d == payer.DocumentType:
			f.Options = documentOptions(v.words, wants.Documents, e.person[d])
		case d == payer.CountryCode:
			f.Options = countryOptions(v.words, e.person[d])
		case d == payer.DocumentNumber && len(wants.Documents) == 1:
			f.Note = documentName(wants.Documents[0], false)
		}
		if d.OfAddress() {
			address = append(address, f)
		} else {
			fields = append(fields, f)
		}
	}
	return fields, address
}

// documentOptions are the types of which one is chosen.
func documentOptions(w *words, kinds []string, chosen string) []option {
	abroad := false
	for _, kind := range kinds {
		abroad = abroad || kind[:2] != kinds[0][:2]
	}
	options := []option{{Label: w.Person.DocumentChoose}}
	for _, kind := range kinds {
		options = append(options, option{Value: kind, Label: documentName(kind, abroad), Selected: kind == chosen})
	}
	return options
}

// documentName is what a document is called where it is issued, such as CPF; with its country where there are several.
func documentName(kind string, abroad bool) string {
	country, name, _ := strings.Cut(kind, "_")
	switch name {
	case "PP", "CPP":
		name = "Passport"
	case "OTRO":
		name = "Otro"
	}
	if abroad {
		name += " (" + country + ")"
	}
	return name
}

// readPerson checks what was entered of them. Once all of it is right it is put into the payment's customer.
func (g *Pages) readPerson(e *entry, form url.Values, v *visit, m payment.Method) {
	wants := g.engine.Page().Wants(v.shop, &v.payment, m)
	lacks := wants.LacksOf(&v.payment)
	if len(lacks) == 0 {
		return
	}
	entered := payer.Entered{}
	e.person = map[payer.Detail]string{}
	for _, d := range lacks {
		switch d {
		case payer.FirstName, payer.LastName, payer.AddressLine1, payer.City:
			entered[d] = readName(form.Get(string(d)))
		default:
			entered[d] = plainly(form.Get(string(d)))
		}
		e.person[d] = echo(entered[d], maxEntered)
	}
	filled, wrong, err := entered.Into(&v.payment, &wants)
	if d := payer.DocumentNumber; entered[d] != "" && !slices.Contains(wrong, d) {
		e.person[d] = entered[d] // long as it is, it is no card's
	}
	for _, ofAddress := range []bool{false, true} { // as they stand in the form
		for _, d := range wrong {
			if d.OfAddress() == ofAddress {
				e.fault(string(d), v.words.Person.fault(d, entered[d]))
			}
		}
	}
	if err == nil && len(wrong) == 0 {
		e.filled = filled
	}
}

func (w *personWords) fault(d payer.Detail, entered string) string {
	switch {
	case nothing(entered):
		return fill(w.Missing, w.label(d))
	case d == payer.DocumentNumber:
		return w.DocumentWrong
	}
	return fill(w.Wrong, w.label(d))
}
