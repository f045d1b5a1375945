// Package payment is the domain: what a payment is, which moves are legal and
// what each input does to it. Everything here is pure: no clock, no randomness,
// no database, no network; values go in and a Decision comes out.
//
// It does not store, send or render anything: package store keeps the values,
// package engine carries decisions out, the dialects put them into words.
//
// Read machine.go first (the table of legal moves, printed as docs/states.md),
// then decide.go, which turns an input into a Decision by that table.
package payment
