// Package adyen is the connector to Adyen's Checkout API: cards by their number, BLIK, holds, captures in part, refunds, 3-D Secure on a page
// that Adyen gives, cards kept for later charges, verification without money, and signed webhooks. docs/connectors/adyen.md says what
// operators have to know.
//
// It decides nothing: what may be tried again, what a payment's state is and when to ask belong to the engine. What it shares with
// connectors to other providers stands in package provider.
//
// Adyen has no query. A payment is answered at once, or when its customer has come back; a capture, cancellation or refund is answered
// with "received" only, and how it ended is told by a webhook. Our key travels twice: as Adyen's Idempotency-Key, and in the reference,
// which comes back in answers and under the signature of webhooks; after it stands what the request was for, because a webhook does not
// tell a hold from a sale.
//
// Read adyen.go for the calls, paymentbody.go for what they send, fact.go for what an answer proves, notice.go for webhooks and their signatures,
// events.go for what they tell, declines.go, rejections.go and units.go for the tables.
package adyen
