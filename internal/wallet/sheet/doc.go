// Package sheet words what the wallets' own sheets are asked for: what a customer agrees to, and for whom the token is made. It says
// too where a payment cannot be asked for so. It is pure.
//
// It opens no token, and begins no session of a merchant. Read googlesheet.go and applesheet.go.
package sheet
