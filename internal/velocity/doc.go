// Package velocity slows card testing: strangers who try numbers of cards on a shop's payments until one is taken. It
// counts in memory what providers declined, by card, by the customer's address, by range of card numbers and by payment,
// and refuses the next try while a limit of the shop is reached. It knows a card only as a keyed hash.
//
// It calls nobody, stores nothing and has no clock of its own, and it does not know what becomes of a refused payment:
// package engine asks it before an intent is stored and tells it what providers said. What it counts is of this process
// and forgotten with it. Its memory is bounded whatever is sent, to 75 megabytes when all is full, and is a few megabytes for an
// ordinary shop: each kind of count has a table of its own, of so many entries and so many things that happened, in which the
// one that nobody has come for the longest makes room.
//
// Read Guard first; shop.CardTesting holds the limits.
package velocity
