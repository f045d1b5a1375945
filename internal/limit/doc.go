// Package limit shares out what there is only so much of: places that several keys hold at the same time (Places), places
// that each key has of its own (Each), and a pace at which each key may ask (Pace). All are in memory and count what this
// process does; a key is a shop, a payment, an address. It knows none of them, and no clock.
//
// Read places.go first: the rule by which one key cannot take everything stands there.
package limit
