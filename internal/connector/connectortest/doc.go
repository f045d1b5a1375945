// Package connectortest is the suite that every connector has to pass: what a call may
// claim when the provider is slow, broken, lying or unreachable, that no key books
// twice, that amounts stay exact, and that no secret gets into a message, an error or
// a log line.
//
// It knows no provider. Each connector's test hands it a Suite whose Open hook starts
// a double of its provider: a server that keeps books and that fails on demand. What
// the double cannot do is skipped, and said so. The suite judges money by the double's
// books and never by what the connector says.
//
// Read suite.go for the hooks and the list of the tests, then faults.go for what each
// fault has to come to. The test of package sandbox is the example of a caller.
package connectortest
