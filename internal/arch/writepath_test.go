package arch

import (
	"go/ast"
	"strings"
	"testing"
)

// onlyCommit are the writes of the tables that hold what a payment is. Anything else of a payment is written beside it.
var onlyCommit = map[string][]string{
	"Payments":   {"Insert", "Update"},
	"Attempts":   {"Insert", "Update"},
	"Operations": {"Insert", "Complete"},
}

// TestPaymentsAreWrittenInOnePlace: births, changes, deposits of refunds. The telling of what could not be told moves only the
// count of events.
func TestPaymentsAreWrittenInOnePlace(t *testing.T) {
	found := map[string]int{}
	for _, s := range sources(t) {
		if s.test || !strings.HasPrefix(s.dir, "internal/") || isSupport(strings.TrimPrefix(s.dir, "internal/")) {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			table, verb := accessorCall(n)
			for _, v := range onlyCommit[table] {
				if v != verb {
					continue
				}
				found[s.path]++
				if s.path != "internal/engine/commit.go" && s.path != "internal/outbox/unworded.go" {
					t.Errorf("%s: %s().%s is for internal/engine/commit.go only", s.at(n), table, verb)
				}
			}
			return true
		})
	}
	if found["internal/engine/commit.go"] != 7 || found["internal/outbox/unworded.go"] != 1 {
		t.Errorf("found %v: look whether the search still finds the writes", found)
	}
}

// accessorCall reads tx.Table().Verb(…).
func accessorCall(n ast.Node) (table, verb string) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return "", ""
	}
	to, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	of, ok := to.X.(*ast.CallExpr)
	if !ok || len(of.Args) != 0 {
		return "", ""
	}
	if a, ok := of.Fun.(*ast.SelectorExpr); ok {
		return a.Sel.Name, to.Sel.Name
	}
	return "", ""
}
