package arch

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// layers are the rooms of the house from the ground up. A package imports from the layers below its own, never beside or above
// it: so there can be no circle.
var layers = [][]string{
	{"money", "id", "instrument", "cardrange", "document", "qr", "nextstep", "address", "limit", "private", "rescue", "kit", "wallet/mint", "store/sqltext", "store/turns", "store/plain", "store/folder", "telemetry", "double/frame"}, // know nothing of each other
	{"config", "payment", "pix", "wallet", "outbound", "web", "simulator", "double/*"},
	{"payer"},
	{"shop", "connector", "vault", "wallet/googlepay", "wallet/applepay"},
	{"provider"},
	{"walletcalls", "wallet/accounts", "wallet/sheet", "route", "risk", "velocity", "connector/*", "store/tx", "cache", "terminals", "banks"},
	{"store/marks", "store/nodes", "store/contents", "store/cards", "store/places", "store/signing", "store/spent", "store/audit", "store/sent"},
	{"store"},
	{"alarm", "job", "flight", "audit", "issuers"},
	{"outbox", "kept", "certificates", "resend"},
	{"engine", "webhook", "backup", "sealing", "tally"},
	{"api", "checkout", "inbound", "records"},
	{"api/gateway", "api/yandexpay", "welcome"},
	{"admin"},
	{"app", "backoffice"},
}

// layerOf returns how far up a package is, or -1.
func layerOf(pkg string) int {
	room := path.Dir(pkg) + "/*"
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, pkg) || slices.Contains(l, room) })
}

// TestNoImportPointsUp: neither in the code nor in the table of what is allowed.
func TestNoImportPointsUp(t *testing.T) {
	check := func(where, from, to string) {
		t.Helper()
		if from == to || isSupport(from) || isSupport(to) || from == "arch" {
			return
		}
		if at, of := layerOf(from), layerOf(to); at < 0 || of < 0 || of >= at {
			t.Errorf("%s: %s (layer %d) imports %s (layer %d)", where, from, at, to, of)
		}
	}
	for _, s := range sources(t) {
		pkg, ours := strings.CutPrefix(s.dir, "internal/")
		if s.test || !ours {
			continue
		}
		for _, imp := range s.imports() {
			if target, ours := strings.CutPrefix(imp, module+"/internal/"); ours {
				check(s.path, pkg, target)
			}
		}
	}
	for pkg, list := range allowed {
		for _, target := range list {
			if pkg != "connector/*" || target != pkg {
				check("the table", pkg, target)
			}
		}
	}
}

// facing lists what the command line may import of the house. It shows what admin returns and runs what app builds; it reaches
// past them to no database, key or engine.
var facing = []string{"kit", "admin", "app", "address", "config", "outbound", "private", "qr", "rescue", "shop", "simulator", "telemetry", "web", "webhook"}

// byThemselves lists the commands that carry out no operation of admin, and why.
var byThemselves = map[string]string{
	"serveCommand":          "it is the installation at work; who may start it has its folder",
	"migrateCommand":        "opening is all that it does: app.Migrate",
	"doctorCommand":         "it opens nothing and reads no row of anybody: app.Examine",
	"restoreCommand":        "there is no installation yet to have a desk: admin.Restore",
	"listenCommand":         "a merchant's program: it has an API key and no folder",
	"simulatorCommand":      "a provider, not an installation",
	"versionCommand":        "it reads nothing",
	"connectorsCommand":     "it tells of the program and not of an installation",
	"connectorCheckCommand": "it looks at a file and not at an installation",
	"connectorNewCommand":   "it writes source code",
	"helpCommand":           "it reads nothing",
	"completionCommand":     "it reads nothing",
}

// TestTheCommandLineIsAFaceOfAdmin: every command that reads or changes an installation carries out an operation, which has its
// right, and every operation has a command.
func TestTheCommandLineIsAFaceOfAdmin(t *testing.T) {
	operations, used := map[string]bool{}, map[string]bool{}
	commands := map[string]bool{} // by type, whether Run carries out an operation
	helpers := map[string]bool{}  // functions that do
	var files []*source
	for _, s := range sources(t) {
		switch {
		case s.path == "internal/admin/operation.go":
			ast.Inspect(s.ast, func(n ast.Node) bool {
				if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Op") {
					operations[spec.Names[0].Name] = true
				}
				return true
			})
		case s.dir == "cmd/sluice" && !s.test:
			files = append(files, s)
			for _, imp := range s.imports() {
				if target, ours := strings.CutPrefix(imp, module+"/internal/"); ours && !slices.Contains(facing, target) {
					t.Errorf("%s imports %s: what an operator can do is admin's, what is put together is app's", s.path, target)
				}
			}
		}
	}
	for range 2 { // helpers first, then who calls them
		for _, s := range files {
			for _, d := range s.ast.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
					operates(s, f, used, helpers, commands)
				}
			}
		}
	}
	for name := range operations {
		if !used[name] {
			t.Errorf("no command carries out admin.%s", name)
		}
	}
	for name, does := range commands {
		if _, listed := byThemselves[name]; does == listed {
			t.Errorf("%s carries out an operation: %t, and is listed in byThemselves: %t", name, does, listed)
		}
	}
	if len(operations) < 30 || len(commands) < 40 {
		t.Errorf("%d operations and %d commands found: the test looks in the wrong place", len(operations), len(commands))
	}
}

// operates notes which operations a function carries out, by itself or through a helper, and what it reaches for.
func operates(s *source, f *ast.FuncDecl, used, helpers, commands map[string]bool) {
	does := false
	s.usesIn(f, module+"/internal/admin", func(name string) {
		if strings.HasPrefix(name, "Op") {
			used[name], does = true, true
		}
	})
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			switch fun := call.Fun.(type) {
			case *ast.Ident:
				does = does || helpers[fun.Name]
			case *ast.SelectorExpr:
				does = does || helpers["."+fun.Sel.Name]
			}
		}
		return true
	})
	switch {
	case f.Recv == nil && does:
		helpers[f.Name.Name] = true
	case f.Recv != nil && f.Name.Name != "Run" && does:
		helpers["."+f.Name.Name] = true
	case f.Recv != nil && f.Name.Name == "Run":
		if name := receiver(f); strings.HasSuffix(name, "Command") {
			commands[name] = commands[name] || does
		}
	}
}

// reaching lists what a command line must not take from the parts that it is given: they are what admin and app work with.
var reaching = []string{"DB", "Engine", "IDs", "Cards", "TokenKeys"}

func TestTheCommandLineReachesThroughNothing(t *testing.T) {
	for _, s := range sources(t) {
		if s.dir != "cmd/sluice" || s.test {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains(reaching, sel.Sel.Name) {
				t.Errorf("%s reaches for %s", s.at(n), sel.Sel.Name)
			}
			return true
		})
	}
}

// oneThing says what files of one name in several packages are about. There is no other name that two packages share: who looks
// for a file by its name finds one thing.
var oneThing = map[string]string{
	"abandon.go":         "deposits that a merchant has given up",
	"account.go":         "whom the tokens of a wallet are made for",
	"address.go":         "URLs, and what is wrong with them",
	"alarms.go":          "what a human has to look at",
	"amount.go":          "amounts of money",
	"backup.go":          "backups of an installation",
	"bind.go":            "the reader of a request's fields",
	"bins.go":            "the table that tells where cards were issued",
	"bodies.go":          "what requests to a provider hold",
	"capture.go":         "captures",
	"cards.go":           "cards that a pretended provider knows",
	"cardtesting.go":     "the rules against card testing",
	"cardtext.go":        "card numbers in texts that are no card number",
	"clear.go":           "addresses of live shops that are http",
	"client.go":          "the HTTP client",
	"clock.go":           "a clock that tests can set",
	"closing.go":         "closing what was sent to a provider",
	"command.go":         "a command on a payment",
	"config.go":          "settings",
	"connectors.go":      "the connectors that there are",
	"create.go":          "how payments begin",
	"database.go":        "which database it is",
	"declines.go":        "what the codes of refusals mean",
	"deliveries.go":      "deliveries of events",
	"demo.go":            "the demo",
	"doc.go":             "the package's page",
	"double.go":          "a server that behaves as a provider",
	"endpoints.go":       "merchants' endpoints",
	"envelope.go":        "the token of a wallet as it comes, around what is sealed in it",
	"errors.go":          "errors and what they are answered with",
	"events.go":          "events of payments",
	"execute.go":         "going ahead with a payment",
	"fact.go":            "what a provider said",
	"failure.go":         "errors that a provider answers with",
	"fault.go":           "faults that tests ask for",
	"faults.go":          "faults that tests ask for",
	"feed.go":            "the feed of events",
	"followup.go":        "captures, voids and refunds at a provider",
	"input.go":           "values that stand elsewhere",
	"installation.go":    "the installation and its keys",
	"keys.go":            "API keys",
	"lost.go":            "what a restore has lost",
	"manual.go":          "corrections by hand",
	"message.go":         "the words of events",
	"migrate.go":         "migrations of the database",
	"network.go":         "networks of addresses",
	"notice.go":          "notices of providers",
	"notices.go":         "notices that wait",
	"open.go":            "how a database is opened",
	"openapi.go":         "the published document",
	"order.go":           "orders",
	"pace.go":            "how often something may happen",
	"parse.go":           "values from texts",
	"payload.go":         "what was sealed in the token of a wallet",
	"payment.go":         "payments",
	"payment_act.go":     "what an operator does in a merchant's place",
	"payment_explain.go": "why a payment went where it went",
	"payment_list.go":    "lists of payments for operators",
	"payment_show.go":    "a payment as it is shown",
	"payments.go":        "payments in rows and lists",
	"post.go":            "posts to merchants",
	"postgres.go":        "what is PostgreSQL's alone",
	"query.go":           "the question how a call ended",
	"ready.go":           "whether the process should be sent requests",
	"request.go":         "a request on the wire",
	"restore.go":         "restoring a backup",
	"reviews.go":         "payments in review",
	"routes.go":          "which address is answered by whom",
	"sealing.go":         "sealing anew what is sealed",
	"server.go":          "an HTTP server",
	"shop.go":            "a shop",
	"shops.go":           "shops in rows and lists",
	"simulator.go":       "the simulator",
	"stats.go":           "counts for metrics",
	"status.go":          "how an attempt is asked about",
	"stop.go":            "what ends a payment or a chain",
	"terminal.go":        "a terminal",
	"tx.go":              "a transaction",
	"units.go":           "how a provider writes amounts",
	"vault.go":           "the keys that seal",
	"views.go":           "answers of a server that behaves as a provider",
	"wire.go":            "how a dialect writes JSON",
	"work.go":            "what comes due",
}

func TestFilesOfOneNameAreAboutOneThing(t *testing.T) {
	where := map[string][]string{}
	for _, s := range sources(t) {
		if !s.test && in(s.dir, "internal", "cmd") {
			where[path.Base(s.path)] = append(where[path.Base(s.path)], s.dir)
		}
	}
	for name, dirs := range where {
		if len(dirs) > 1 && oneThing[name] == "" {
			t.Errorf("%s stands in %s: call one of them by what it is about, or say in oneThing what all are", name, strings.Join(dirs, " and "))
		}
	}
	for name := range oneThing {
		if len(where[name]) < 2 {
			t.Errorf("%s stands in %d packages: take it from oneThing", name, len(where[name]))
		}
	}
}

// TestThereIsOneObjectGraph: the parts of the application are put together by package app alone, for the program and for tests.
func TestThereIsOneObjectGraph(t *testing.T) {
	found := 0
	for _, s := range sources(t) {
		if s.test {
			continue // of one part, which a test may build by itself
		}
		for _, part := range []string{"engine", "records", "admin", "webhook", "job", "inbound", "checkout", "api/gateway", "api/yandexpay"} {
			s.uses(module+"/internal/"+part, func(name string, n *ast.SelectorExpr) {
				if name != "New" {
					return
				}
				if found++; s.dir != "internal/app" {
					t.Errorf("%s builds package %s by itself: build an app.App", s.at(n), part)
				}
			})
		}
	}
	if found < 9 {
		t.Errorf("only %d parts are built: the test looks for the wrong thing", found)
	}
}
