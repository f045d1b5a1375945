// Package walletcalls owns what is asked of the wallets' own servers: Apple's session of a merchant, without which no sheet opens,
// and Google's list of root keys, without which no token can be verified.
//
// It calls no address of a browser's choice, and opens no token: that is packages googlepay and applepay. Read session.go and
// rootkeys.go.
package walletcalls
