// Package openbanking is the connector to banks in the United Kingdom by Open Banking's Read/Write API 4.0: domestic payments from a customer's
// account to the shop's, which the customer authorises at the bank. The banks are those of the terminal's settings, and the customer takes one.
// docs/connectors/openbanking.md says what operators have to know.
//
// It decides nothing: what may be tried again, what a payment's state is and when to ask belong to the engine. What it shares with connectors to
// other providers stands in package provider.
//
// A payment is begun by a consent, which moves nothing and which nobody can authorise who was not sent to the bank with its id; so the address
// that the customer was sent to is where its id is read from again. The payment itself is sent when the customer is back, and only then: whatever
// happens before, there is nothing to be found. The bodies of both are made of the key, the amount and the settings alone, so that the same request
// can be made again under the same key.
//
// Read openbanking.go for the calls, order.go for what they send, fact.go for what an answer proves, status.go for how what gave no answer is found
// again, access.go for tokens and signatures, reasons.go for the codes of refusals.
package openbanking
