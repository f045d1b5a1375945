// Package outbound owns every HTTP call that Sluice makes: to payment providers and to merchants' webhook addresses.
// A call leaves at most once, is bounded in time and size, and ends either with an answer, with proof that nothing
// left (ErrNotSent, and ErrOurs where that is our own doing), or with an outcome that nobody may guess (ErrUnknown). The package also keeps the masked record
// of what was sent and received.
//
// It does not decide what an answer means, does not retry, and knows no provider: connectors do the first, the engine
// the second. Start at Client.Do in client.go, then exchange.go for the record and mask.go for what it hides. Webhooks go
// by Client.Post in post.go, with connections of its own in connections.go and connection.go.
package outbound
