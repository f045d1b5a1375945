// Package pix is the connector to banks in Brazil that offer Banco Central's API Pix (https://github.com/bacen/pix-api, 2.9.0) to those whom they
// keep accounts for: charges for immediate payment whose code customers take to the app of their own bank, their removal, refunds in parts, and
// notices. Calls go by mutual TLS with an access token. docs/connectors/pix.md says what operators have to know.
//
// It decides nothing: what may be tried again, what a payment's state is and when to ask belong to the engine. Codes and ids of the scheme are
// checked by package internal/pix, and what connectors to other providers have alike stands in package provider.
//
// Our key is the charge's txid and the return's id, in the shorter form that provider.ShortKey gives it: both are ours to choose, unique and kept
// for ever, so whatever gave no answer is asked about by the address it was sent to.
//
// Read pix.go for the calls, cob.go for charges, devolucao.go for returns, status.go for how what gave no answer is found again or closed,
// problem.go for what errors prove, notice.go for notices.
package pix
