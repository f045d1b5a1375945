// Package stripe is the connector to Stripe's PaymentIntents: cards by their number, BLIK, holds, captures in part, refunds, 3-D Secure
// on a page that Stripe gives, cards kept for later charges, verification without money, and signed notices. docs/connectors/stripe.md
// says what operators have to know.
//
// It decides nothing: what may be tried again, what a payment's state is and when to ask belong to the engine. What it shares with
// connectors to other providers stands in package provider.
//
// Our key travels twice: as Stripe's Idempotency-Key, by which the same request within a day is answered as before and any other is
// refused, and in the metadata of what it makes, by which an answer, a notice and a search show that they are about our attempt. A card
// is named to Stripe in a request of its own, which moves nothing, so that the one that moves money holds no secrets.
//
// Read stripe.go for the calls, bodies.go for what they send, fact.go for what an answer proves, status.go for how what gave no answer
// is found again or closed, notice.go for notices, declines.go and units.go for the tables.
package stripe
