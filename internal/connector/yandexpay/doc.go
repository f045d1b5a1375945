// Package yandexpay is the connector to the Yandex Pay merchant API: Yandex Pay itself, or another installation of Sluice by that API. Orders that
// customers pay on the provider's page, holds of a shop in two stages, captures in part, cancellations, refunds, subscriptions that are charged
// again, events as signed tokens. docs/connectors/yandexpay.md says what operators have to know.
//
// It decides nothing: what may be tried again, what a payment's state is and when to ask belong to the engine. What it shares with
// connectors to other providers stands in package provider.
//
// Our key is the orderId of what a customer pays or a subscription is charged, and the externalOperationId of a capture, cancellation or refund:
// by them everything is found again. Events are believed to come from the provider, and never to prove an outcome: they name no amount, so
// that the provider is asked.
//
// Read paying.go for the calls, bodies.go for what they send, fact.go for what an answer proves, status.go for how what gave no answer is
// found again, notice.go and signers.go for events, declines.go for reasons.
package yandexpay
