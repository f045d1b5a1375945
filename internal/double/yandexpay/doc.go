// Package yandexpay is a small server that behaves as the Yandex Pay merchant API is published, for the tests of whoever calls it: orders,
// subscriptions and their charges, captures, cancellations, refunds, operations by the merchant's own ids, failures by reasonCode, events as
// signed tokens with the key set to check them, and faults on demand.
//
// It keeps books of what was really moved, by the merchant's orderId and externalOperationId. It shares nothing with the connector, the dialect
// or the simulator. Fields that were not published are refused, so that a caller's slip is noticed. Where the published pages are silent it
// takes the stricter reading: an orderId is used once whatever it is used for, and a capture of less than the hold wants the final cart.
//
// Read double.go for the server, ordering.go and operating.go for what requests do, views.go for answers, customerpage.go
// for the page on which customers pay, keyset.go for events.
package yandexpay
