// Package openbanking is a small server that behaves as Open Banking Limited publishes that a bank in the United Kingdom does for those who
// initiate payments (Read/Write API 4.0, domestic payments), for the tests of whoever calls one: access tokens by private_key_jwt, consents,
// authorisation by a signed request object, a page for the customer, payments, idempotency keys, signatures over messages both ways, and faults
// on demand. It keeps books of what was really moved, by the x-idempotency-key of the payment's request.
//
// It shares nothing with the connector or with the simulator, and knows nothing of whoever calls it. Signatures are verified and made by a
// library of their own.
//
// Read server.go for the server, grants.go for tokens and authorisation, payments.go for consents and payments.
package openbanking
