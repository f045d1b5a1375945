// Package audit keeps the record of what people did to an installation: each act is an entry before it is begun and another when it has ended,
// and every entry is bound to the one before it by a hash that nobody can make who has the database but not the keys. It owns what an entry
// says, how entries are bound, and how it is found out that one was changed, removed or moved.
//
// It does not decide who may do what, and does not do it: whoever does calls Begin and End around it. What merchants and customers do is not
// recorded here: that is the log of each payment.
//
// The end of the record can be cut by somebody who restores an older head with it. So the head is written elsewhere as well, each time, into
// the log and into a file beside the database; Verify holds the record against such heads.
//
// Read acts.go for writing, chain.go for what binds entries, walk.go for what is found.
package audit
