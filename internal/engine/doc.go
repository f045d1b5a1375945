// Package engine carries out what the domain decides: it is the only writer of
// payments. Every command follows one path: load, decide (package payment), write
// in one transaction, and only then call a provider; the provider's answer goes
// through the same path again.
//
// It does not contain rules of money or state (package payment does), SQL (package
// store), wire formats (the dialects) or knowledge of any provider (connectors).
//
// Read apply.go first: what is written for a decision. Then call.go: intent stored,
// call made, answer stored. Each command has a file of its own.
package engine
