// Package id owns the texts that name things: time-ordered identifiers, random secrets and API keys.
//
// It does not own what the names stand for, nor how a secret is hashed and kept. It takes neither time nor
// randomness from the system: both are given to NewSource, so that a run can be repeated from a seed.
//
// Read source.go for how identifiers are made, then text.go for what can be read back out of one, then apikey.go.
package id
