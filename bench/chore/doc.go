// Package chore has pieces of work of the vault and of wallets as functions that can be done again and again, each with what no
// implementation can do without beside it. It measures nothing itself.
package chore

// Chore is one of them.
type Chore struct {
	Name, Against string
	// Ours is the work as the product does it, Bare what it is compared with. Both can be done any number of times, one after the other.
	Ours, Bare func() error
}
