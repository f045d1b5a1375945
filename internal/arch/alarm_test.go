package arch

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// callsAHuman is what a log line must not say by itself: package alarm says it, counts it and keeps it.
var callsAHuman = regexp.MustCompile(`(?i)\b(a human|operator)\b.*\b(look|has to|should|must)\b`)

// TestHumansAreToldInOneWay: a line in the log, a metric and an entry in the list come from package alarm alone.
func TestHumansAreToldInOneWay(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.dir == "internal/alarm" || !in(s.dir, "internal", "cmd") {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fun, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := fun.X.(*ast.SelectorExpr); ok && fun.Sel.Name == "Inc" && x.Sel.Name == "Alarms" {
				t.Errorf("%s counts an alarm: use package alarm", s.at(n))
			}
			if !strings.HasPrefix(fun.Sel.Name, "Error") && !strings.HasPrefix(fun.Sel.Name, "Warn") && fun.Sel.Name != "LogAttrs" {
				return true
			}
			for _, arg := range call.Args {
				if text := literal(arg); callsAHuman.MatchString(text) {
					t.Errorf("%s logs %q: use package alarm", s.at(n), text)
				}
			}
			return true
		})
	}
}

// literal is the text of a string literal, or of the first one in a sum of strings.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, _ := strconv.Unquote(e.Value)
			return text
		}
	case *ast.BinaryExpr:
		return literal(e.X)
	}
	return ""
}

// TestEveryAlarmHasATest: whatever a human can be told is told in some test.
func TestEveryAlarmHasATest(t *testing.T) {
	var tested strings.Builder
	for _, s := range sources(t) {
		if s.test && s.dir != "internal/arch" {
			ast.Inspect(s.ast, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok {
					tested.WriteString(literal(lit) + "\n")
				}
				return true
			})
		}
	}
	found := 0
	demand := func(s *source, n ast.Node, text string) {
		if text = strings.TrimSpace(strings.TrimPrefix(text, ";")); text == "" {
			return
		}
		if found++; !strings.Contains(tested.String(), text) {
			t.Errorf("%s: no test has a human told %q", s.at(n), text)
		}
	}
	for _, s := range sources(t) {
		if s.test || !in(s.dir, "internal", "cmd") {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec: // the constants why…
				for i, name := range n.Names {
					if strings.HasPrefix(name.Name, "why") && i < len(n.Values) {
						demand(s, n, literal(n.Values[i]))
					}
				}
			case *ast.AssignStmt: // decisions: d.d.Alarm = "…", alarm = "…"
				if s.dir == "internal/payment" && len(n.Lhs) == 1 && len(n.Rhs) == 1 && namesAlarm(n.Lhs[0]) {
					demand(s, n, literal(n.Rhs[0]))
				}
			}
			return true
		})
	}
	if found < 20 {
		t.Errorf("only %d alarms found: the test looks for the wrong thing", found)
	}
}

func namesAlarm(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "alarm"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Alarm"
	}
	return false
}

// begun lists, by file, how many goroutines begin there and how a panic in them ends. One that works on what a payment, a
// message or a row holds begins with package rescue.
var begun = map[string]struct {
	count int
	how   string
}{
	"cmd/sluice/admin.go":                      {1, "serves the socket; handlers are recovered in admin, and by net/http"},
	"cmd/sluice/serve.go":                      {1, "group.run: rescue, and the process ends in order"},
	"cmd/sluice/simulator.go":                  {1, "waits and closes"},
	"internal/engine/call.go":                  {1, "carryFor: rescue, as in carry"},
	"internal/job/lane.go":                     {1, "handlers: rescue"},
	"internal/job/runner.go":                   {3, "loops that call what is given to them by rescue only"},
	"internal/outbound/connection.go":          {1, "writes bytes to a connection"},
	"internal/simulator/simulator.go":          {2, "loops: rescue in each turn"},
	"internal/store/tx/stamp.go":               {1, "rescue in each turn"},
	"internal/store/tx/checkpoint.go":          {1, "rescue in each turn"},
	"internal/store/tx/open.go":                {1, "writer.loop: rescue around each group"},
	"internal/store/tx/statistics_postgres.go": {1, "rescue"},
	"internal/web/ready.go":                    {2, "rescue around each check; the look itself has only their errors"},
	"internal/web/server.go":                   {1, "net/http, which recovers handlers, as Recover does before it"},
	"internal/web/door.go":                     {1, "refuse: rescue, and the connection is closed"},
	"internal/webhook/deliver.go":              {1, "Drain: rescue"},
	"internal/webhook/run.go":                  {2, "posts: rescue"},
}

// TestEveryGoroutineSaysHowAPanicEndsInIt keeps the table whole.
func TestEveryGoroutineSaysHowAPanicEndsInIt(t *testing.T) {
	count := map[string]int{}
	for _, s := range sources(t) {
		pkg := strings.TrimPrefix(s.dir, "internal/")
		if s.test || !in(s.dir, "internal", "cmd") || isSupport(pkg) {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				count[s.path]++
			case *ast.CallExpr:
				if fun, ok := n.Fun.(*ast.SelectorExpr); ok && fun.Sel.Name == "Go" && len(n.Args) == 1 {
					count[s.path]++
				}
			}
			return true
		})
	}
	for path, n := range count {
		if n != begun[path].count {
			t.Errorf("%s begins %d goroutines, the table of internal/arch says %d: how does a panic end in them?", path, n, begun[path].count)
		}
	}
	for path, b := range begun {
		if count[path] == 0 {
			t.Errorf("%s begins no goroutine, the table says %d", path, b.count)
		}
	}
}

var namedTest = regexp.MustCompile("`(?:[a-z]+\\.)?(Test[A-Za-z0-9]+)`")

// TestWhatContentCanDoIsTested: every place that docs/ARCHITECTURE.md lists has tests, and they exist.
func TestWhatContentCanDoIsTested(t *testing.T) {
	exists := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test {
				exists[f.Name.Name] = true
			}
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## What content can do\n")
	section, _, _ = strings.Cut(section, "\n## ")
	places := 0
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| place ") {
			continue
		}
		places++
		names := namedTest.FindAllStringSubmatch(line, -1)
		if len(names) == 0 {
			t.Errorf("no test is named for %.60s", line)
		}
		for _, name := range names {
			if !exists[name[1]] {
				t.Errorf("%s does not exist", name[1])
			}
		}
	}
	if places < 15 {
		t.Errorf("only %d places found", places)
	}
}
