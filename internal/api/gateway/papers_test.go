package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestNumbersOfDocumentsAreCheckedWhereTheShopAsks: by the rule of their type, and kept as they came; elsewhere by their length alone.
func TestNumbersOfDocumentsAreCheckedWhereTheShopAsks(t *testing.T) {
	t.Parallel()
	asks := newClient(t, storetest.New(t, store.SQLite), func(s *shop.Shop) { s.Settings.CheckDocuments = true })
	published := newClient(t, storetest.New(t, store.SQLite), nil)
	for _, c := range []struct {
		kind, number string
		status       int
	}{
		{"BR_CPF", "390.533.447-05", http.StatusOK}, {"BR_CPF", "390.533.447-06", http.StatusBadRequest}, {"BR_CPF", "39053344705x", http.StatusBadRequest},
		{"AR_CUIT", "20-05536168-2", http.StatusOK}, {"AR_CUIT", "20-05536168-3", http.StatusBadRequest}, {"UK_PP", "anything", http.StatusOK},
		{"", "390.533.447-06", http.StatusOK}, {"BR_CPF", "", http.StatusOK},
	} {
		body := with(t, deposit, "customer.documentType", `"`+c.kind+`"`, "customer.documentNumber", `"`+c.number+`"`)
		a := asks.post(t, "", body, c.status)
		if c.status == http.StatusBadRequest && !(strings.Contains(string(a.body), `"field":"customer.documentNumber"`) && strings.Contains(string(a.body), "Error count: 1")) {
			t.Errorf("%s %s: %s", c.kind, c.number, string(a.body))
		}
		if c.status == http.StatusOK && c.number != "" && !strings.Contains(string(a.body), c.number) {
			t.Errorf("%s %s is shown as %s", c.kind, c.number, string(a.body))
		}
		published.post(t, "", body, http.StatusOK)
	}
}
