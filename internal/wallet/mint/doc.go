// Package mint makes tokens of Google Pay and of Apple Pay under roots of its own, as the wallets of customers would: for tests,
// and for the wallet that the simulator pretends to be. Chance and time are given; the same chance makes the same roots.
//
// It shares no code with what verifies and opens tokens, so that each judges the other. Read google.go and apple.go.
package mint
