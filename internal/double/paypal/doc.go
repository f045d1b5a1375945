// Package paypal is a small server that behaves as PayPal publishes that it does, for the tests of whoever calls PayPal: orders paid by card or
// BLIK, authorizations, captures, voids, refunds, access tokens, request ids, errors, signed events with the certificate that they are
// verified by, a page for 3-D Secure, and faults on demand. It keeps books of what was really moved, by the PayPal-Request-Id of the
// request that moved it, and those are what callers are judged by.
//
// It shares nothing with the connector or with the simulator, and knows nothing of whoever calls it. It is no copy of PayPal: what is not
// needed here is not there, and is refused as an unknown path or member. The published specification judges it in the connector's tests.
// Facts are of https://developer.paypal.com/docs/api/orders/v2/, …/payments/v2/, /api/rest/reference/idempotency/ and /api/rest/webhooks/.
//
// Read double.go for the server, buying.go and payments.go for the states, faults.go for what can go wrong, events.go for notices.
package paypal
