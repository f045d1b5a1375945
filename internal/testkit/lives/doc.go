// Package lives is an application whose shop has its account at a provider's double, for tests of what becomes of payments in the end: whatever
// happens to a call, the payment comes to its end, and the double's books have what it says, once.
//
// It knows no provider, and nothing that connectors do: what a call does by itself is judged by connectortest. Read life.go for the application,
// agree.go for what has to agree, and faults.go for how every call meets every fault.
//
// Where SLUICE_TEST_POSTGRES is set, every call meets every fault on one of the two databases, and each call and each fault is met on both; with
// SLUICE_TEST_PROVIDERS=all (make lives) all is met on both.
package lives
