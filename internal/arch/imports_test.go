package arch

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// allowed lists what each package of internal/ may import from internal/. Imports point down only. A package that is
// not here does not exist yet: adding one means deciding its place. An entry ending in /* stands for each folder in it.
var allowed = map[string][]string{
	"money":            {},
	"id":               {},
	"telemetry":        {},
	"limit":            {},
	"address":          {},
	"config":           {"address", "private"},
	"private":          {},
	"instrument":       {},
	"document":         {},
	"qr":               {},
	"pix":              {"document", "money"},
	"nextstep":         {},
	"wallet":           {"instrument", "money"},
	"wallet/googlepay": {"instrument", "wallet"},
	"wallet/applepay":  {"instrument", "money", "wallet"},
	"walletcalls":      {"outbound", "wallet/googlepay"},
	"wallet/mint":      {}, // shares nothing with what it tests
	"payment":          {"money", "id", "instrument", "nextstep"},
	"cardrange":        {},
	"shop":             {"address", "limit", "money", "id", "payment", "instrument"},
	"route":            {"money", "payment", "instrument", "shop"},
	"risk":             {"money", "payment", "instrument", "shop"},
	"velocity":         {"payment", "instrument", "shop"},
	"vault":            {"id", "payment", "instrument", "telemetry"}, // payment: the card that it seals
	"outbound":         {"address", "id", "private", "telemetry"},
	"web":              {"id", "limit", "rescue", "telemetry"},
	"store/sqltext":    {},
	"store/tx":         {"address", "rescue", "store/sqltext", "store/turns", "store/plain", "store/folder"}, // the kernel knows no table
	"store/turns":      {},
	"store/plain":      {},
	"store/folder":     {},
	"store/nodes":      {"store/tx"},
	"store/marks":      {"id", "payment", "store/tx"},
	"store/contents":   {"payment", "store/tx"},
	"store/cards":      {"instrument", "payment", "store/tx"},
	"store/signing":    {"store/tx"},
	"store/audit":      {"store/tx"},
	"audit":            {"id", "private", "store", "store/audit", "telemetry"},
	"store/spent":      {"payment", "store/tx"},
	"store/sent":       {"payment", "store/tx"},
	"wallet/accounts":  {"instrument", "money", "payment", "shop", "wallet", "wallet/applepay", "wallet/googlepay"},
	"wallet/sheet":     {"money", "shop"},
	"store/places":     {"store/tx"},
	"store":            {"store/cards", "store/signing", "store/contents", "store/tx", "money", "id", "payment", "instrument", "shop", "vault", "store/marks", "store/nodes", "store/spent", "store/sent", "store/plain", "store/places", "store/audit"}, // vault: what it seals and opens
	"simulator":        {"money", "id", "rescue", "wallet/mint"},                                                                                                                                                                                         // shares nothing with what it judges
	"payer":            {"document", "payment"},
	"connector":        {"money", "id", "nextstep", "payment", "pix", "instrument", "outbound", "payer"}, // pix: the codes that customers are shown
	"provider":         {"money", "payment", "outbound", "connector", "id"},
	"double/frame":     {},
	"double/*":         {"double/frame"}, // shares nothing with what it judges
	// connectors know the shared packages, never each other
	"connector/*":  {"money", "id", "payment", "instrument", "outbound", "connector", "provider", "payer", "pix"},
	"rescue":       {},
	"alarm":        {"id", "payment", "instrument", "store", "telemetry", "rescue"},
	"job":          {"id", "limit", "store", "telemetry", "rescue"},
	"webhook":      {"id", "payment", "instrument", "shop", "store", "job", "outbound", "telemetry", "alarm", "rescue"},
	"resend":       {"instrument", "outbound", "payment", "store", "terminals", "vault"},
	"terminals":    {"connector", "outbound", "shop"},
	"cache":        {"cardrange", "payment", "shop"},
	"issuers":      {"cache", "cardrange", "store"},
	"flight":       {"instrument", "payment", "store", "vault"},
	"certificates": {"alarm", "connector", "job", "shop", "store", "wallet/accounts"},
	"kept":         {"instrument", "job", "payment", "shop", "store", "vault"},
	// outbound: only for the record of messages around a connector's call
	"outbox":        {"alarm", "cache", "id", "job", "payment", "rescue", "shop", "store"},
	"banks":         {"connector", "rescue"},
	"engine":        {"issuers", "money", "id", "nextstep", "payment", "cache", "outbox", "flight", "kept", "resend", "terminals", "instrument", "shop", "store", "job", "connector", "route", "risk", "velocity", "vault", "outbound", "telemetry", "alarm", "rescue", "cardrange", "payer", "wallet", "wallet/accounts", "wallet/googlepay", "banks"},
	"api":           {"address", "money", "id", "payment", "instrument", "private", "shop", "engine", "limit", "web", "telemetry"},
	"records":       {"engine", "payment", "store"},
	"sealing":       {"alarm", "job", "store"},
	"tally":         {"alarm", "job", "payment", "store"},
	"api/gateway":   {"api", "document", "engine", "outbox", "records", "money", "id", "payment", "instrument", "shop", "web", "payer"},
	"api/yandexpay": {"api", "engine", "outbox", "records", "money", "id", "payment", "instrument", "shop", "web"},
	"checkout":      {"address", "qr", "engine", "limit", "money", "id", "payment", "instrument", "private", "shop", "web", "payer", "wallet/sheet"},
	"welcome":       {"api", "web"},
	"inbound":       {"engine", "id", "payment", "instrument", "telemetry", "web"},
	"admin":         {"api", "api/gateway", "backup", "engine", "records", "connector", "money", "id", "outbound", "payment", "instrument", "rescue", "shop", "store", "tally", "telemetry", "vault", "webhook", "cache", "cardrange", "wallet/accounts", "audit"}, // shown by cmd and the back office
	"backoffice":    {"admin", "engine", "money", "id", "payment", "instrument", "shop", "web", "store"},
	"backup":        {"alarm", "id", "store", "vault"},
	// app puts everything together, and is what cmd and tests build
	"app": {"audit", "certificates", "wallet/accounts", "address", "admin", "alarm", "api", "api/gateway", "api/yandexpay", "checkout", "config", "connector", "connector/*", "engine", "id", "inbound",
		"job", "kept", "outbound", "outbox", "payment", "private", "records", "risk", "route", "sealing", "shop", "store", "tally", "telemetry", "vault", "web", "webhook", "welcome", "wallet/googlepay", "walletcalls"},
	"kit":  {}, // it writes code, and runs none
	"arch": {},
}

// isSupport tells the packages that may be imported by tests and by each other only, and may import all but cmd.
func isSupport(pkg string) bool {
	return in(pkg, "testkit", "store/storetest", "connector/connectortest")
}

// pure packages decide; they are given time, chance and data and do no input or output.
var pure = []string{
	"internal/instrument", "internal/payment", "internal/money", "internal/id", "internal/shop", "internal/route", "internal/risk", "internal/velocity", "internal/address",
	"internal/limit", "internal/cardrange", "internal/nextstep", "internal/document", "internal/payer", "internal/pix", "internal/qr",
	"internal/wallet", "internal/wallet/googlepay", "internal/wallet/applepay", "internal/wallet/mint",
	"internal/wallet/sheet",
}

// moneyPath holds the packages through which amounts pass.
var moneyPath = []string{"internal/money", "internal/payment", "internal/store", "internal/engine", "internal/connector", "internal/provider"}

func TestImportsPointDown(t *testing.T) {
	for _, s := range sources(t) {
		pkg, isInternal := strings.CutPrefix(s.dir, "internal/")
		list, known := rulesFor(pkg)
		if isInternal && !known && !isSupport(pkg) {
			t.Errorf("%s: package %s has no place in the table of internal/arch", s.path, pkg)
			continue
		}
		for _, imp := range s.imports() {
			target, ours := strings.CutPrefix(imp, module+"/")
			if !ours {
				continue
			}
			if in(target, "cmd", "e2e", "bench") && (!in(s.dir, "bench") || !in(target, "bench")) { // what a program is made of is its own
				t.Errorf("%s imports %s: nothing imports a program", s.path, target)
			}
			target = strings.TrimPrefix(target, "internal/")
			if isSupport(target) {
				if !s.test && !isSupport(pkg) && !in(s.dir, "e2e", "bench") {
					t.Errorf("%s imports %s, which is for tests only", s.path, target)
				}
				continue
			}
			if isInternal && !s.test && known && target != pkg && !permits(list, target) {
				t.Errorf("%s imports %s, which package %s may not", s.path, target, pkg)
			}
		}
	}
}

// permits reports whether a package is on the list, by its name or as one of a room.
func permits(list []string, target string) bool {
	return slices.Contains(list, target) || slices.Contains(list, path.Dir(target)+"/*")
}

// rulesFor finds the entry of a package in the table.
func rulesFor(pkg string) ([]string, bool) {
	if isSupport(pkg) {
		return nil, false
	}
	if list, ok := allowed[pkg]; ok {
		return list, true
	}
	if at := strings.LastIndexByte(pkg, '/'); at > 0 {
		list, ok := allowed[pkg[:at]+"/*"]
		return list, ok
	}
	return nil, false
}

func TestTableIsSound(t *testing.T) {
	for pkg, list := range allowed {
		for _, target := range list {
			if _, ok := rulesFor(target); !ok {
				t.Errorf("%s may import %s, which is not in the table", pkg, target)
			}
			if slices.Contains(allowed[target], pkg) {
				t.Errorf("%s and %s may import each other", pkg, target)
			}
		}
	}
}

func TestDialectsAndConnectorsStayApartInTestsToo(t *testing.T) {
	for _, s := range sources(t) {
		for _, imp := range s.imports() {
			for _, room := range []string{"internal/api", "internal/connector"} {
				target, ours := strings.CutPrefix(imp, module+"/"+room+"/")
				if ours && strings.HasPrefix(s.dir, room+"/") && s.dir != room+"/"+target && target != "connectortest" {
					t.Errorf("%s imports %s/%s", s.path, room, target)
				}
			}
		}
	}
}

func TestPurePackagesDoNoInputOrOutput(t *testing.T) {
	banned := []string{"net", "net/http", "database/sql", "os", "os/exec", "crypto/rand", "math/rand", "math/rand/v2", "log", "syscall"}
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	for _, s := range sources(t) {
		if s.test || !in(s.dir, pure...) {
			continue
		}
		for _, imp := range s.imports() {
			if slices.Contains(banned, imp) {
				t.Errorf("%s imports %s in a pure package", s.path, imp)
			}
		}
		s.uses("time", func(name string, n *ast.SelectorExpr) {
			if slices.Contains(clock, name) {
				t.Errorf("%s uses time.%s in a pure package: the time is given", s.at(n), name)
			}
		})
	}
}

func TestTheClockIsGiven(t *testing.T) {
	for _, s := range sources(t) {
		pkg := strings.TrimPrefix(s.dir, "internal/")
		if s.test || !in(s.dir, "internal") || isSupport(pkg) {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && isIdent(sel.X, s.localName("time")) {
				if name := sel.Sel.Name; name == "Now" || name == "Since" || name == "Until" {
					t.Errorf("%s calls time.%s: take a now func() time.Time", s.at(n), name)
				}
			}
			return true
		})
	}
}

func TestOnlyTheStoreKnowsADatabase(t *testing.T) {
	for _, s := range sources(t) {
		if in(s.dir, "internal/store", "bench") || (s.test && in(s.dir, "e2e", "internal/testkit")) {
			continue
		}
		for _, imp := range s.imports() {
			if imp == "database/sql" || strings.HasPrefix(imp, "database/sql/") || strings.HasPrefix(imp, "modernc.org/") || strings.HasPrefix(imp, "github.com/jackc/") {
				t.Errorf("%s imports %s, which is the store's alone", s.path, imp)
			}
		}
	}
}

func TestOnlyOutboundMakesCalls(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !in(s.dir, "internal") || in(s.dir, "internal/outbound", "internal/simulator", "internal/double", "internal/testkit") {
			continue
		}
		s.uses("net/http", func(name string, n *ast.SelectorExpr) {
			if slices.Contains([]string{"Client", "DefaultClient", "Transport", "DefaultTransport", "Get", "Post", "PostForm", "Head"}, name) {
				t.Errorf("%s uses http.%s: calls leave through internal/outbound", s.at(n), name)
			}
		})
	}
}

// TestConnectorsReportFactsOnly keeps our states out of connectors: they say what the provider said.
func TestConnectorsReportFactsOnly(t *testing.T) {
	states := map[string]bool{"State": true}
	for _, s := range sources(t) {
		if s.dir != "internal/payment" || s.test {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && isIdent(spec.Type, "State") {
				for _, name := range spec.Names {
					states[name.Name] = true
				}
			}
			return true
		})
	}
	for _, s := range sources(t) {
		if s.test || !in(s.dir, "internal/connector") {
			continue
		}
		s.uses(module+"/internal/payment", func(name string, n *ast.SelectorExpr) {
			if states[name] {
				t.Errorf("%s uses payment.%s: a connector reports facts, not states", s.at(n), name)
			}
		})
	}
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && name != "" && id.Name == name
}
