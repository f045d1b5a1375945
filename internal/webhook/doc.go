// Package webhook delivers events to merchants: it posts their bodies, signed, to the
// endpoints that the engine wrote beside them, and keeps at it until the receiver accepts
// or the ladder of waits ends. It does not word events (dialects do), does not decide
// which node works on an endpoint (package job does), and knows no SQL.
//
// What a receiver can rely on: every event comes at least once, a repeated one with the
// same webhook-id; events of one payment come one at a time and in order, so that none
// comes after a newer one. An event that is not accepted therefore holds back the later
// events of its own payment until it is accepted or given up, and nothing else. Only an
// operator who has an event sent again breaks the order.
//
// The unit of work is one endpoint. Read deliver.go for what may be called, protocol.go for
// what differs from dialect to dialect, then run.go for a turn of work, health.go for when
// an endpoint counts as down, ladder.go for the waits, post.go for one post, sign.go and
// jwt.go for what receivers verify, and tokenkeys.go for the keys of tokens.
package webhook
