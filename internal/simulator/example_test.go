package simulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sluicepay/sluice/internal/simulator"
)

func Example() {
	sim, err := simulator.New(simulator.Config{APIKey: "sandbox-key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sim.Close()
	server := httptest.NewServer(sim.Handler())
	defer server.Close()

	body := strings.NewReader(`{"reference":"order-1-a","amount":"11.12","currency":"EUR","card":{
		"number":"4000000000000408","expiryMonth":"12","expiryYear":"2035"}}`)
	req, err := http.NewRequest(http.MethodPost, server.URL+"/v1/payments", body)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Authorization", "Bearer sandbox-key")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	entry := sim.Ledger()[0]
	fmt.Println(resp.Status, entry.Type, entry.Amount, entry.Currency, entry.Card)
	// Output: 201 Created captured 11.12 EUR 400000******0408
}
