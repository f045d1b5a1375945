// Package yandexpay is the Yandex Pay merchant API: it translates requests into the engine's commands, and what the
// engine knows into orders, operations and subscriptions, with their error bodies and events.
//
// States, and how much may be captured or refunded, are decided by package payment. Its own rules are about what only this
// API has: the sums of a cart have to be right, and what is captured or refunded has to be in the cart. What it keeps of its
// own, the cart above all, is a document beside the payment that nobody else reads. The signing of events is package
// webhook's.
//
// Read view.go first: how a payment is seen as an order with operations. Then routes.go.
package yandexpay
