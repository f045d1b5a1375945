// Package wallet says what is in the tokens that wallets make for one payment, and why one of them is refused. It is pure.
//
// A token is verified and opened by the package of its wallet, googlepay or applepay. That a token pays once is for whoever opens
// it: Opened names what has to be taken once, and how long it has to be remembered. Package mint makes tokens for tests and for
// the simulator, and shares no code with what opens them. Read opened.go, then fault.go.
package wallet
