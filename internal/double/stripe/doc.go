// Package stripe is a small server that behaves as Stripe publishes that it does, for the tests of whoever calls Stripe: payment intents, setup
// intents, refunds, cards by number and by test name, idempotency keys, errors, signed events, a page for 3-D Secure, and faults on demand.
// It keeps books of what was really moved, by the idempotency key of the request that moved it, and those are what callers are judged by.
//
// It shares nothing with the connector or with the simulator, and knows nothing of whoever calls it. It is no copy of Stripe: what is not
// needed to pay by card or BLIK is not there, and is refused as an unknown path or parameter. The official client stripe-go judges it in its
// tests. All facts are of https://docs.stripe.com/api.
//
// Read double.go for the server and its keys, intents.go for the states, faults.go for what can go wrong, events.go for notices.
package stripe
