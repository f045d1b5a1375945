package checkout_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
)

// wants has the bank want to know who pays.
func (b *bank) want(w payer.Wants) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wants = w
}

// TestTheDocumentIsAskedForWherePixNeedsIt, with an error beside the field, and becomes part of the payment's customer.
func TestTheDocumentIsAskedForWherePixNeedsIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere)
	h.bank.want(payer.Wants{Documents: []string{"BR_CPF", "BR_CNPJ"}})
	id, page := h.deposit(func(c *engine.Create) {
		c.Method, c.Currency, c.Customer = payment.Pix, "BRL", `{"referenceId":"c-1","locale":"pt"}`
	})
	h.get(page).wants(t, `<label for="documentType">Documento</label>`, `<option value="BR_CPF">CPF</option>`, `<option value="BR_CNPJ">CNPJ</option>`,
		`<label for="documentNumber">Número do documento</label>`)
	for number, fault := range map[string]string{
		"": "Preencha este campo: Número do documento", "529.982.247-24": "Este número não pode estar certo.", "111.111.111-11": "Este número não pode estar certo.",
	} {
		a := h.do("POST", page, h.fill(page, "documentType", "BR_CPF", "documentNumber", number))
		a.wants(t, fault, `<option value="BR_CPF" selected>CPF</option>`)
		if a.status != http.StatusUnprocessableEntity || h.state(id) != payment.Checkout || len(h.bank.calls()) != 0 {
			t.Fatalf("%q: %d, %s", number, a.status, h.state(id))
		}
	}
	h.do("POST", page, h.fill(page, "documentNumber", "52998224725")).wants(t, "Preencha este campo: Documento")
	a := h.do("POST", page, h.fill(page, "documentType", "BR_CNPJ", "documentNumber", "１１.222.333/0001-81"))
	if a.status != http.StatusSeeOther || h.state(id) != payment.Pending {
		t.Fatalf("%d, %s: %s", a.status, h.state(id), a.body)
	}
	got := h.bank.calls()[0].Customer
	if got.DocumentType != "BR_CNPJ" || got.DocumentNumber != "11222333000181" || got.ReferenceID != "c-1" || got.Locale != "pt" {
		t.Errorf("%+v", got)
	}
}

// TestWhatThePaymentHasIsNotAskedFor, nor what another terminal would want.
func TestWhatThePaymentHasIsNotAskedFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere)
	h.bank.want(payer.Wants{Details: []payer.Detail{payer.Email}, Documents: []string{"BR_CPF"}})
	_, page := h.deposit(func(c *engine.Create) {
		c.Method, c.Currency, c.Customer = payment.Pix, "BRL", `{"documentType":"BR_CPF","documentNumber":"529.982.247-25"}`
	})
	a := h.get(page)
	a.wants(t, `<label for="email">Email address</label>`)
	a.lacks(t, `id="documentNumber"`, `id="documentType"`, `id="firstName"`)
	h.bank.want(payer.Wants{})
	h.get(page).lacks(t, `id="email"`)
}

// TestWhoPaysByCard: what is wrong with a detail does not lose the card, and a card in a detail's place goes nowhere.
func TestWhoPaysByCard(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere)
	h.bank.want(payer.Wants{
		Details: []payer.Detail{payer.FirstName, payer.LastName, payer.Email, payer.Phone}, Documents: []string{"PE_DNI"},
	})
	id, page := h.deposit()
	form := h.card(page, approved)
	form.Set("firstName", "José")
	form.Set("lastName", "Pérez")
	form.Set("email", "jose")
	form.Set("phone", "+51 1 234 5678")
	form.Set("documentNumber", "12345678")
	a := h.do("POST", page, form)
	a.wants(t, "Please check this entry: Email address", `value="José"`, `value="12345678"`, "Visa ending in 0408", `(DNI)`)
	if strings.Contains(a.body, "4000000000000408") || h.state(id) != payment.Checkout {
		t.Fatal(h.state(id))
	}
	again := h.again(a)
	for name, value := range map[string]string{"expiry": "12/39", "firstName": "4000 0000 0000 0408", "lastName": "Pérez", "email": "jose@example.com", "phone": "51 12345678", "documentNumber": "12345678"} {
		again.Set(name, value)
	}
	a = h.do("POST", page, again)
	a.wants(t, "Please check this entry: First name")
	a.lacks(t, "4000 0000 0000 0408")
	again = h.again(a)
	for name, value := range map[string]string{"expiry": "12/39", "holder": "Ada Lovelace", "firstName": "José", "lastName": "Pérez", "email": "jose@example.com", "phone": "51 12345678", "documentNumber": "12345678"} {
		again.Set(name, value)
	}
	if a = h.do("POST", page, again); a.status != http.StatusSeeOther || h.state(id) != payment.Completed {
		t.Fatalf("%d, %s: %s", a.status, h.state(id), a.body)
	}
	if got := h.bank.calls()[0].Customer; got.FirstName != "José" || got.Phone != "51 12345678" || got.DocumentType != "PE_DNI" {
		t.Errorf("%+v", got)
	}
}

// TestTheBillingAddressIsAskedForWhereTheTerminalWantsIt: countries by their names, in the order of the language; what is right becomes the
// payment's, as the provider is told it, and nothing of the card is lost meanwhile.
func TestTheBillingAddressIsAskedForWhereTheTerminalWantsIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere)
	h.bank.want(payer.Wants{Details: payer.Address()})
	id, page := h.deposit(func(c *engine.Create) {
		c.Customer, c.Billing = `{"locale":"de"}`, `{"city":"Graz"}`
	})
	a := h.get(page)
	a.wants(t, "<legend>Rechnungsadresse</legend>", "<legend>Karte</legend>", `<label for="addressLine1">Straße und Hausnummer</label>`, `autocomplete="billing country"`,
		`<option value="OM">Oman</option><option value="AT">Österreich</option>`)
	a.lacks(t, `id="city"`, `id="email"`)
	h.bank.want(payer.Wants{Details: payer.Address(), Documents: []string{"BR_CPF"}})
	both := h.do("POST", page, h.card(page, approved)).body
	if strings.Index(both, `href="#documentNumber"`) > strings.Index(both, `href="#addressLine1"`) {
		t.Error("faults are not listed as they stand in the form")
	}
	h.bank.want(payer.Wants{Details: payer.Address()})
	form := h.card(page, approved)
	form.Set("addressLine1", " Am\u00a0Eisernen Tor 2 ")
	form.Set("postalCode", "８０１０")
	a = h.do("POST", page, form)
	a.wants(t, "Land", `value="Am Eisernen Tor 2"`, `value="8010"`, "0408")
	if a.status != http.StatusUnprocessableEntity || h.state(id) != payment.Checkout {
		t.Fatalf("%d, %s", a.status, h.state(id))
	}
	again := h.again(a)
	for name, value := range map[string]string{"expiry": "12/39", "addressLine1": "Am Eisernen Tor 2", "postalCode": "8010", "countryCode": "AT"} {
		again.Set(name, value)
	}
	if a = h.do("POST", page, again); a.status != http.StatusSeeOther || h.state(id) != payment.Completed {
		t.Fatalf("%d, %s: %s", a.status, h.state(id), a.body)
	}
	want := payment.BillingAddress{AddressLine1: "Am Eisernen Tor 2", City: "Graz", CountryCode: "AT", PostalCode: "8010"}
	if got := h.bank.calls()[0].Billing; got != want {
		t.Errorf("%+v", got)
	}
}

// TestACardInAnAddressGoesNowhere, as in every other detail.
func TestACardInAnAddressGoesNowhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t, everywhere)
	h.bank.want(payer.Wants{Details: []payer.Detail{payer.AddressLine1}})
	id, page := h.deposit()
	form := h.card(page, approved)
	form.Set("addressLine1", "flat 4000000000000408")
	a := h.do("POST", page, form)
	a.wants(t, "Please check this entry: Street and number")
	if strings.Contains(a.body, "4000000000000408") || h.state(id) != payment.Checkout {
		t.Error(h.state(id))
	}
}
