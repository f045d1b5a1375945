// Package gateway is the connector to the Payments API of the gateway family (Convergegate 1.0.76 and its sister versions): another
// installation of Sluice, or any white label that answers this API. Cards by their number without the provider's page, or on it; bank
// payments and PIX on the page; holds, captures in part, voids, refunds, payouts, recurring charges, verifications, signed notices.
// docs/connectors/gateway.md says what operators have to know.
//
// It decides nothing: what may be tried again, what a payment's state is and when to ask belong to the engine. What it shares with
// connectors to other providers stands in package provider.
//
// Our key is the referenceId of what is created, and by it the list finds a deposit, payout or refund again. The API publishes no name for a
// request, so that a request that comes twice is carried out twice: nothing is ever sent again. A deposit by card takes two requests, of which
// only the second, which holds no card, moves money. Our key goes as Idempotency-Key, too, which an installation of Sluice honours; nothing
// is concluded from that.
//
// Read gateway.go for the calls, bodies.go for what they send, fact.go for what an answer proves, status.go for how what gave no answer is
// found again, notice.go for notices, declines.go for the table of codes.
package gateway
