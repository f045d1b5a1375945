// Package sandbox is the connector to the Sandbox provider, which docs/simulator.md
// describes: it turns requests of the engine into that provider's HTTP calls and its
// answers into facts. It speaks to the provider like to any stranger, over the
// network and without sharing code with it.
//
// It decides nothing: what may be tried again, what a payment's state is and when to
// ask belong to the engine, sending and the record of messages to package outbound.
// Notices of the provider are verified and read by notice.go; what follows from one is the engine's.
//
// Our key travels as the reference in the body, which is the provider's own key for
// repeats, so no Idempotency-Key header is ever sent. Of the customer only what moves
// money is sent: the card, or the account of a payout.
//
// Read sandbox.go for the calls, then fact.go for what an answer proves and codes.go
// for the refusals.
package sandbox
