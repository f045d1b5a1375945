// Package simulator is a payment provider of its own: the "Sandbox provider". It
// speaks HTTP and JSON, holds and moves pretended money, keeps a ledger of what
// it really did, shows the pages on which customers authenticate, sends signed
// notices, and misbehaves on request in every way a provider can.
//
// It owns no rule of the payment engine and imports nothing of it but what makes tokens of wallets, because tests
// take its ledger as the truth about what the engine caused. The connector that
// speaks to it is a stranger to it. Read outcome.go, cards.go and
// testamount.go for what it answers, book.go and settle.go for how money moves, fault.go for how it fails, correct.go for how it
// changes its mind;
// docs/simulator.md is the manual of its API.
//
// # Endpoints
//
// With Authorization: Bearer <merchant key>:
//
//	POST /v1/payments                                     sale, or authorization with "capture": false
//	POST /v1/verifications                                a card checked and stored, without money
//	POST /v1/payouts                                      money to a card, credential or account
//	POST /v1/transactions/{id}/capture                    one capture, of all or a part
//	POST /v1/transactions/{id}/void                       releases a hold
//	POST /v1/transactions/{id}/refund                     of all that is left, or a part, several times
//	GET  /v1/transactions/{id}                            state by our id
//	GET  /v1/transactions/by-reference/{reference}        state by your reference
//	POST /v1/transactions/by-reference/{reference}/cancel makes sure it is never done later
//	GET  /v1/banks                                        from which customers can pay
//	GET  /v1/blik/aliases/{alias}                         apps of banks that know a customer by it
//
// Open to everybody, which is right for a sandbox only:
//
//	GET, POST /pay/{token}            the customer's page; the form's field is decision
//	GET, POST /app                    the pretended app of a bank
//	GET, POST /wallet/{google|apple}  a pretended wallet, which sends a token to the merchant's page
//	GET /wallet/{google|apple}/roots  what it signs by
//	GET /ledger, /ledger/summary      what was really done
//	GET, POST, DELETE /scenarios      faults to come
//	POST /control/decide, /control/correct, /control/notices, /control/outage
//	GET /healthz
//
// # A payment
//
//	sim, err := simulator.New(simulator.Config{APIKey: "sandbox-key"})
//	if err != nil {
//		return err
//	}
//	defer sim.Close()
//	server := httptest.NewServer(sim.Handler())
//	defer server.Close()
//
//	body := strings.NewReader(`{"reference":"order-1-a","amount":"11.12","currency":"EUR","card":{
//		"number":"4000000000000408","expiryMonth":"12","expiryYear":"2035"}}`)
//	req, err := http.NewRequest("POST", server.URL+"/v1/payments", body)
//	if err != nil {
//		return err
//	}
//	req.Header.Set("Authorization", "Bearer sandbox-key")
//	resp, err := http.DefaultClient.Do(req) // 201 and "status":"approved"
//	if err != nil {
//		return err
//	}
//	defer resp.Body.Close()
//	fmt.Println(sim.Ledger()[0].Type) // captured
package simulator
