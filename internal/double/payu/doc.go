// Package payu is a small server that behaves as PayU publishes that its REST API for Europe does, for the tests of whoever calls it: access
// tokens, orders that are paid at a bank or by a BLIK code, their confirmation and cancellation, refunds, the list of banks, signed notices,
// and faults on demand. It keeps books of what was moved, by the merchant's own name of an order or refund.
//
// It shares nothing with the connector or with the simulator, and knows nothing of whoever calls it. What is not needed for BLIK and bank links is not there.
// The facts are of https://developers.payu.com/europe and of the specification 2.1.0. What nobody has published is this double's own: the
// numbers in errors, and that a BLIK code that is refused cancels its order.
//
// Read pos.go for the server, orderlife.go for the states, backmoney.go for refunds and told.go for notices and the page.
package payu
