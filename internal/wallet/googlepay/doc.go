// Package googlepay verifies and opens the payment tokens of Google Pay, by Google's published payment data cryptography:
// versions ECv1, ECv2 and ECv2SigningOnly. It is pure: the root keys and the time are given.
//
// It does not fetch root keys, which is package walletcalls, and does not remember tokens that were used. Read account.go.
package googlepay
