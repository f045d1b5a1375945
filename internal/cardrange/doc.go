// Package cardrange tells from the first digits of a card's number in which country it was issued and of which type it is, by a
// table that an operator imports or, without one, by a small table of test numbers that are published.
//
// It is pure: it reads a table from CSV, packs and unpacks it, and finds in it. Where the packed table is kept, and when it is
// read anew, is not its business. The brand of a card is told by package instrument, which knows the ranges of all brands.
package cardrange
