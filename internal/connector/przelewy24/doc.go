// Package przelewy24 is the connector to Przelewy24's REST API: BLIK by the code that our page asks for, payments on a page of Przelewy24's for
// customers of Polish banks, refunds, and signed notices. docs/connectors/przelewy24.md says what operators have to know.
//
// What is special about it: what a customer has paid is the merchant's only once the merchant has verified it. Until then it is at the payer's
// disposal, and it stays so where nobody verifies. So "paid, not verified" is never a success here, and always a reason to verify: every
// query that finds it does so at once, whatever has become of the attempt meanwhile, and only a verified payment is APPROVED. To verify twice
// is to verify once, so a lost answer costs another query and nothing else. Notices of payments are hints for the same reason.
//
// Our key is the session by which Przelewy24 finds a payment. A refund has it as the id of its request, and in fewer characters as its own.
//
// Read przelewy24.go for the calls, registration.go for what they send, status.go for what a query finds and verifies, giveback.go for refunds,
// notice.go and checksum.go for notices, and declines.go for the codes.
package przelewy24
