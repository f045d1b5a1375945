// Package przelewy24 is a small server that behaves as Przelewy24 publishes that it does, for the tests of whoever calls it: registrations,
// its page on which customers choose a bank and pay, BLIK by code, verification, queries by the shop's own session, refunds, the list of
// banks, signed notices, and faults on demand. It keeps books of what was really handed to the merchant: a payment that nobody has verified
// is the payer's and stands in none. They are kept by the session, and of refunds by the id of the request.
//
// It shares nothing with the connector or with the simulator, and knows nothing of whoever calls it. It is no copy of Przelewy24: what is not
// needed for BLIK and bank links is not there. The facts are of the published documentation (https://developers.przelewy24.pl, 1.0.16) and,
// where that says nothing, of what integrators saw on the sandbox: that a session which nobody has chosen a bank for is not found, that the
// same session is registered again under the same token, and that verifying again succeeds again. What nobody has written down is this
// double's own: a token that was charged already is answered as before.
//
// Read p24.go for the server, transactions.go for the states, refunds.go, notices.go for what is told, and banklinks.go for customers.
package przelewy24
