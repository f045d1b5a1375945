// Package pix is a small server that behaves as Banco Central do Brasil publishes that the payee's bank does (API Pix 2.9.0), for the tests of
// whoever calls one: access tokens, charges for immediate payment under the caller's txid, their revision and removal, Pix that are received,
// returns under the caller's id, notices of both, and faults on demand. It keeps books of what was really moved, by the txid of a charge and
// the id of a return, and those are what callers are judged by.
//
// It shares nothing with the connector or with the simulator, and knows nothing of whoever calls it. It is no copy of a bank: charges with a due
// date, batches, withdrawals, recurring Pix and locations of their own are not there. Where the publication leaves a choice it is the hard one:
// a return whose id was used is refused even if it is the same, as the publication has it since 2.6.3.
//
// Read server.go for the server, charges.go and returns.go for the rules, received.go for what payers, the bank and the scheme do, and what is told of it.
package pix
