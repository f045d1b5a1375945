// Package payer says which details of who pays a provider wants to know, which of them a payment lacks, and reads those that a
// customer enters. It is pure.
//
// It does not decide who is asked, or when: connectors say what they want ([Wants]), the page asks for what is missing, and the
// engine sends nothing that lacks it. Read payer.go, then entered.go.
package payer
