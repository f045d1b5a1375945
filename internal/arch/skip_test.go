package arch

import (
	"go/ast"
	"testing"
)

// skipping lists who may leave a test out without asking package setting, and why. What a build machine has to have is asked
// of setting.Missing, which fails where it is required: nobody reads a list of tests that were left out.
var skipping = map[string]string{
	"internal/testkit/setting":                         "it is what the others ask",
	"internal/store/storetest":                         "SLUICE_TEST_POSTGRES_REQUIRED, as all tests on PostgreSQL; a Citus stands nowhere by itself",
	"internal/connector/connectortest":                 "the connector lacks what is tested, on every machine",
	"internal/connector/openbanking/published_test.go": "the licence of the document keeps it out of the repository",
	"internal/arch/scripts_test.go":                    "the programs that every system with a shell has",
	"internal/outbound/mask_test.go":                   "what a fuzzer found is no address",
	"internal/webhook/bench_test.go":                   "it measures when it is asked to",
	"internal/store/tx/open_test.go":                   "it is the other process of another test",
	"internal/store/tx/postgres_pooler_test.go":        "a file has no pooler, and servers of others may be anywhere",
	"internal/store/tx/postgres_secure_test.go":        "a file is on this machine, and servers of others may be anywhere",
	"cmd/sluice/database_test.go":                      "servers of others may be anywhere",
	"cmd/sluice/listen_begin_test.go":                  "paths of another kind of system",
	"e2e/nodes_test.go":                                "processor time, which other kinds of systems tell otherwise",
	"bench/bench_test.go":                              "-short",
}

func TestNothingIsLeftOutUnnoticed(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fun, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || fun.Sel.Name != "Skip" && fun.Sel.Name != "Skipf" && fun.Sel.Name != "SkipNow" {
				return true
			}
			used[s.dir], used[s.path] = true, true
			if skipping[s.dir] == "" && skipping[s.path] == "" {
				t.Errorf("%s leaves a test out: use setting.Missing, so that a machine that has to have it fails", s.at(n))
			}
			return true
		})
	}
	for name := range skipping {
		if !used[name] {
			t.Errorf("%s leaves nothing out: take it from the list", name)
		}
	}
}
