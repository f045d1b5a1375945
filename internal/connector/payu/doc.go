// Package payu is the connector to PayU's REST API for Europe: BLIK by the code that our page asks for, payments on the pages of Polish banks,
// refunds, and signed notices. docs/connectors/payu.md says what operators have to know.
//
// Our key is the merchant's own name of an order, which PayU takes once, and never searches by: PayU is asked by its own. So an order whose
// answer got lost is learned of by its notices, which have both names, and one that never arrived is closed by another order of its name,
// which nobody pays: whichever of the two comes second is refused.
//
// Read payu.go for the calls, orderbody.go for what they send, status.go for what a query finds, nameonce.go for what closes, payback.go for
// refunds, notice.go for notices, and declines.go for the tables.
package payu
