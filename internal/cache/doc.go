// Package cache is what a process remembers of rows: payments that it has just committed, and shops with their terminals.
// Nothing of it decides about money: a payment is decided on under the version that was remembered, and settings are as old
// as is said and no older.
//
// It does not write, and knows no other process: what others have changed comes out at the version, or when the time is over.
package cache
