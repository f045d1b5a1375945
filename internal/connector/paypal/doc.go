// Package paypal is the connector to PayPal's Orders v2 and Payments v2: cards by their number (PayPal's advanced card payments), BLIK, holds,
// captures in part, refunds, 3-D Secure on a page that PayPal gives, cards kept for later charges, and signed notices.
// docs/connectors/paypal.md says what operators have to know.
//
// It decides nothing: what may be tried again, what a payment's state is and when to ask belong to the engine. What it shares with
// connectors to other providers stands in package provider.
//
// Our key travels twice: as PayPal-Request-Id, under which PayPal answers a request that comes again with the latest state of the first, and
// as custom_id or invoice_id of what it makes, by which an answer or a notice shows that it is about our attempt. PayPal cannot be asked by
// either. So what gave no answer is found, or made impossible, by another request under the same id: closing.go.
//
// PayPal takes nothing when a card's holder has been asked: whoever asks how the payment stands has it taken then, under an id of its own
// (complete in status.go).
//
// Read paypal.go for the calls, bodies.go for what they send, order.go for what an answer proves, failure.go for refusals, notice.go and
// certificate.go for notices, declines.go, issues.go and amounts.go for the tables.
package paypal
