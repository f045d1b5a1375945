// Package outbox tells merchants what became of their payments. In the transaction that changes a payment it has each dialect put
// the fact into words, to the byte, and queues the events with their deliveries; what a dialect cannot word is kept as the fact
// left it and worded later, in order, without holding up anything else.
//
// It owns the order of events of one payment, and what waits for its words. It does not own the words (the dialects do), the
// decision that there is something to tell (package payment), the posting (package webhook) or the rows (package store).
package outbox
