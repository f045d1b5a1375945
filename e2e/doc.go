// Package e2e tests the binary as its users meet it: it builds sluice once, starts it with real files, sockets and
// databases, drives it over HTTP, stops and kills it, and compares what it says with the ledger of the simulator,
// which runs as a process of its own. It knows nothing of the inside but the published interfaces: the command line,
// the merchant API and the simulator's controls. What a single package promises is tested in that package.
//
// Read harness_test.go for how processes are run, judge_test.go for what counts as a disagreement, and then
// kill_test.go, the test that everything else was built for.
//
// Environment: SLUICE_TEST_KILLS is how often the kill test kills the server on each database (12 by default), and
// SLUICE_TEST_POSTGRES names a server for databases; without it that half is skipped.
package e2e
