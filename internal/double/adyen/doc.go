// Package adyen is a small server that behaves as Adyen publishes that its Checkout API does, for the tests of whoever calls it: payments by card and
// BLIK, a page for 3-D Secure and the details that come back from it, captures, cancellations and refunds that are only received and of
// which webhooks tell, idempotency keys, errors, tokens of cards, signed webhooks, and faults on demand. It keeps books of what was really
// moved, by the idempotency key of the request that moved it, and those are what callers are judged by.
//
// It shares nothing with the connector or with the simulator, and knows nothing of whoever calls it. It is no copy of Adyen: what is not
// needed to pay by card or BLIK is not there. What a refusal is, is chosen as on Adyen's test platform: by the name of the card's holder.
//
// Read merchantaccount.go for the server and its keys, payments.go and changes.go for the states, faults.go for what can go wrong, events.go for webhooks.
package adyen
