// Package applepay verifies and opens the payment tokens of Apple Pay, by Apple's Payment Token Format Reference: versions EC_v1
// and RSA_v1. It is pure: the time is given.
//
// It does not remember tokens that were used, and starts no session of a merchant, which is package walletcalls. Read account.go.
package applepay
