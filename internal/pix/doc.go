// Package pix writes and reads the codes that customers pay by PIX with, and checks the identifiers around them, by the rules
// of Brazil's central bank: the BR Code, which is EMV's merchant-presented QR code, keys, transaction ids and sums. It is pure.
//
// It asks no provider and knows no payment: a connector does the first. The picture of a code is drawn by package qr. Read
// brcode.go and brread.go, then tlv.go for how fields are written and identifiers.go for the rest.
package pix
