// Package e2e tests the binary as its users meet it: it builds sluice once, starts it with real files, sockets and
// databases, drives it over HTTP, stops and kills it, and compares what it says with the ledger of the simulator,
// which runs as a process of its own. It knows nothing of the inside but the published interfaces: the command line,
// the merchant API and the simulator's controls. What a single package promises is tested in that package.
//
// Read harness_test.go for how processes are run, judge_test.go for what counts as a disagreement, and then
// kill_test.go, the test that everything else was built for. kill_orders_test.go and orders_judge_test.go do the same
// by the Yandex Pay merchant API.
//
// Environment: SLUICE_TEST_KILLS is how often each kill test kills the server on each database (12 by default; from 50
// on they also wait for what the engine does of its own accord after a minute),
// SLUICE_TEST_NODES_SECONDS how long two nodes on one database are killed in turn (20; 300 is the full run), SLUICE_TEST_FAILOVERS how often their
// database is lost and a replica takes its place (1),
// SLUICE_TEST_HOOKS how many rounds of all kinds of payments are verified (6), SLUICE_TEST_LISTEN_MS how long "sluice
// listen" runs before it is stopped (1500), SLUICE_TEST_IDLE_SECONDS how long an idle server is watched (10),
// SLUICE_TEST_FLOOD how many hostile requests are sent to a return address and to all others (4000), SLUICE_TEST_SLOW_BODIES
// and SLUICE_TEST_DEAD_ENDPOINTS how many bodies in drops and webhook addresses that never answer one shop has (1040, 200),
// SLUICE_TEST_ATTACK_SECONDS how long ordinary shops pay beside hostile and harmless requests in turns (4; from 120 on their
// times are compared), and
// SLUICE_TEST_PROVIDERS=all has every combination of provider, way to pay, call, fault and database paid (otherwise every two of them meet), and
// SLUICE_TEST_POSTGRES names a server for databases; without it that half is skipped. The tests of forbidden addresses
// make a network of their own where they run as root and the command ip is there, and leave that half out elsewhere.
// SLUICE_TEST_JOSE is the folder with the npm package jose, which scripts/jose.sh otherwise installs where there is Node.js;
// SLUICE_TEST_JOSE_REQUIRED=1 makes its absence a failure. SLUICE_TEST_AXE and SLUICE_TEST_AXE_REQUIRED=1 are the same for the file
// axe.min.js and scripts/axe.sh; with SLUICE_TEST_BARRIERS=all every page is looked at in every language and every look, some minutes. SLUICE_TEST_PROGRAMS_REQUIRED=1 does that for curl, Python and
// PostgreSQL's client programs, SLUICE_TEST_CHROMIUM_REQUIRED=1 for the browser.
package e2e
