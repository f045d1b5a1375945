// Package instrument is what customers pay with: the sealed type [Means] of all of it, card numbers and security codes that
// no printer, logger or encoder shows, the brands of numbers, and the search for a number in texts that must not hold it.
// Everything here is pure and lives in memory.
//
// It does not know payments, shops or providers, and keeps nothing: package vault does. What of an instrument may be stored
// and shown is a [Masked].
package instrument
