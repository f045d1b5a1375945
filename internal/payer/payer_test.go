package payer_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
)

var brazil = payer.Wants{Details: []payer.Detail{payer.Email, payer.FirstName}, Documents: []string{"BR_CPF", "BR_CNPJ"}}

// people are the details of a person, without an address.
var people = []payer.Detail{payer.FirstName, payer.LastName, payer.Email, payer.Phone}

func TestWhatIsLackingIsListedInOrder(t *testing.T) {
	t.Parallel()
	for customer, want := range map[payment.Document]string{
		``: "firstName email documentType documentNumber",
		`{"firstName":"Ana","email":"ana@example.com"}`:                                                           "documentType documentNumber",
		`{"firstName":"Ana","email":"ana@example.com","documentType":"BR_CPF","documentNumber":"529.982.247-25"}`: "",
		`{"firstName":"Ana","email":"ana@example.com","documentType":"BR_CPF","documentNumber":"52998224724"}`:    "documentType documentNumber",
		`{"firstName":"Ana","email":"ana@example.com","documentType":"PE_DNI","documentNumber":"12345678"}`:       "documentType documentNumber",
		`{"firstName":"Ana","documentType":"BR_CPF","documentNumber":"52998224725"}`:                              "email",
		`{`: "firstName email documentType documentNumber",
	} {
		var names []string
		for _, d := range brazil.LacksOf(&payment.Payment{Customer: customer}) {
			names = append(names, string(d))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %q, want %q", customer, got, want)
		}
	}
	wrong := &payment.Payment{Customer: `{"firstName":"Ana","email":"a@b.example","documentType":"BR_CPF","documentNumber":"1"}`}
	if brazil.AbsentOf(wrong) != nil || len(brazil.LacksOf(wrong)) != 2 {
		t.Errorf("a wrong number is there: %v, %v", brazil.AbsentOf(wrong), brazil.LacksOf(wrong))
	}
	one := payer.Wants{Documents: []string{"BR_CPF"}}
	if got := one.LacksOf(&payment.Payment{}); !slices.Equal(got, []payer.Detail{payer.DocumentNumber}) {
		t.Errorf("of one type: %v", got)
	}
	nothing := payer.Wants{}
	if got := nothing.LacksOf(&payment.Payment{Customer: "{"}); got != nil {
		t.Errorf("nothing is wanted: %v", got)
	}
}

func TestWhatIsEnteredBecomesTheCustomer(t *testing.T) {
	t.Parallel()
	p := &payment.Payment{Customer: `{"referenceId":"c-1","firstName":"Ana","locale":"pt"}`}
	wants := payer.Wants{Details: people, Documents: []string{"BR_CPF"}}
	filled, wrong, err := payer.Entered{
		payer.FirstName: "Eva", payer.LastName: " da Silva ", payer.Email: "ana@example.com", payer.Phone: "+55 (11) 91234-5678", payer.DocumentNumber: "529.982.247-25",
	}.Into(p, &wants)
	want := payment.Document(`{"referenceId":"c-1","firstName":"Ana","lastName":"da Silva","email":"ana@example.com","phone":"55 11912345678","locale":"pt",` +
		`"documentType":"BR_CPF","documentNumber":"52998224725"}`)
	got := filled.Customer
	if diff := cmp.Diff(want, got); diff != "" || wrong != nil || err != nil {
		t.Errorf("%v, %v (-want +got):\n%s", wrong, err, diff)
	}
	if lacks := wants.LacksOf(&payment.Payment{Customer: got}); lacks != nil {
		t.Errorf("it lacks %v afterwards", lacks)
	}
	if _, _, err := (payer.Entered{}).Into(&payment.Payment{Customer: "{"}, &wants); err == nil {
		t.Error("a customer that cannot be read")
	}
}

func TestWhatCannotBeRightIsNamed(t *testing.T) {
	t.Parallel()
	all := payer.Wants{Details: people, Documents: brazil.Documents}
	right := payer.Entered{
		payer.FirstName: "Ana", payer.LastName: "Silva", payer.Email: "a@b.example", payer.Phone: "442072243688",
		payer.DocumentType: "BR_CNPJ", payer.DocumentNumber: "11.222.333/0001-81",
	}
	if _, wrong, err := right.Into(&payment.Payment{}, &all); len(wrong) > 0 || err != nil {
		t.Fatalf("%v, %v", wrong, err)
	}
	for d, texts := range map[payer.Detail][]string{
		payer.FirstName:      {"", " ", "4000 0000 0000 0408", strings.Repeat("x", 129), "a\x00b", "\xff"},
		payer.LastName:       {"", "400000000000"},
		payer.Email:          {"", "nobody", "a@", "@b.example", strings.Repeat("x", 250) + "@b.example"},
		payer.Phone:          {"", "123456", "1234567890123456", "+44 20 CALL ME", "+", "4000000000000408"},
		payer.DocumentNumber: {"", "11.222.333/0001-82", "529.982.247-25", "x"},
	} {
		for _, text := range texts {
			entered := maps.Clone(right)
			entered[d] = text
			doc, wrong, err := entered.Into(&payment.Payment{}, &all)
			if doc != (payer.Filled{}) || !slices.Equal(wrong, []payer.Detail{d}) || err != nil {
				t.Errorf("%s %q: %q, %v, %v", d, text, doc, wrong, err)
			}
		}
	}
	for _, kind := range []string{"", "PE_DNI", "nothing"} {
		entered := payer.Entered{payer.DocumentType: kind, payer.DocumentNumber: "12345678"}
		if _, wrong, _ := entered.Into(&payment.Payment{}, &payer.Wants{Documents: brazil.Documents}); !slices.Equal(wrong, []payer.Detail{payer.DocumentType}) {
			t.Errorf("type %q: %v", kind, wrong)
		}
	}
}

func TestOnlyWhatThereIsCanBeWanted(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]payer.Wants{
		"shoe size":     {Details: []payer.Detail{"shoeSize"}},
		"a lone number": {Details: []payer.Detail{payer.DocumentNumber}},
		"library card":  {Documents: []string{"XX_LIB"}},
	} {
		if w.Check() == nil {
			t.Errorf("%s is wanted", name)
		}
	}
	if err := brazil.Check(); err != nil {
		t.Error(err)
	}
}

// TestWhatIsEnteredOfAnAddress becomes the payment's billing address; what the payment has of it stays.
func TestWhatIsEnteredOfAnAddress(t *testing.T) {
	t.Parallel()
	wants := payer.Wants{Details: append([]payer.Detail{payer.Email}, payer.Address()...)}
	p := &payment.Payment{Customer: `{"email":"ana@example.com"}`, Billing: `{"city":"Porto","state":"Norte"}`}
	if got := wants.LacksOf(p); !slices.Equal(got, []payer.Detail{payer.AddressLine1, payer.PostalCode, payer.CountryCode}) {
		t.Fatalf("lacks %v", got)
	}
	if got := payer.City.Path(); got != "billingAddress.city" {
		t.Error(got)
	}
	right := payer.Entered{payer.AddressLine1: "Rua de Santa Catarina 112, 3º", payer.PostalCode: " 4000-442 ", payer.City: "Lisboa", payer.CountryCode: "PT"}
	got, wrong, err := right.Into(p, &wants)
	want := payer.Filled{
		Customer: `{"email":"ana@example.com"}`,
		Billing:  `{"addressLine1":"Rua de Santa Catarina 112, 3º","city":"Porto","countryCode":"PT","postalCode":"4000-442","state":"Norte"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" || wrong != nil || err != nil {
		t.Errorf("%v, %v (-want +got):\n%s", wrong, err, diff)
	}
	for d, texts := range map[payer.Detail][]string{
		payer.AddressLine1: {"", strings.Repeat("x", 301), "4000 0000 0000 0408", "a\nb"},
		payer.PostalCode:   {"", "1234567890123", "SW1Y; 4JH", "<b>"},
		payer.CountryCode:  {"", "pt", "XX", "Portugal"},
	} {
		for _, text := range texts {
			entered := maps.Clone(right)
			entered[d] = text
			if got, wrong, err := entered.Into(p, &wants); got != (payer.Filled{}) || !slices.Equal(wrong, []payer.Detail{d}) || err != nil {
				t.Errorf("%s %q: %v, %v, %v", d, text, got, wrong, err)
			}
		}
	}
}

// TestWhereThereAreNoPostalCodes none is asked for, and none is missed.
func TestWhereThereAreNoPostalCodes(t *testing.T) {
	t.Parallel()
	wants := payer.Wants{Details: payer.Address()}
	entered := payer.Entered{payer.AddressLine1: "1 Queen's Road", payer.City: "Hong Kong", payer.CountryCode: "HK"}
	got, wrong, err := entered.Into(&payment.Payment{}, &wants)
	if got.Billing != `{"addressLine1":"1 Queen's Road","city":"Hong Kong","countryCode":"HK"}` || wrong != nil || err != nil {
		t.Errorf("%v, %v, %v", got, wrong, err)
	}
	if lacks := wants.LacksOf(&payment.Payment{Billing: got.Billing}); lacks != nil {
		t.Errorf("it lacks %v afterwards", lacks)
	}
}
