package arch

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// detached lists who may begin a context of its own outside of main and tests, and why.
var detached = map[string]string{
	"internal/store/tx":            "a group of writes belongs to no one caller and must not end with one",
	"internal/connector/paypal":    "a notice names the certificate that it is verified by, and reading notices has no context",
	"internal/simulator":           "its notices outlive the request that caused them; Close ends them",
	"internal/connector/yandexpay": "the keys that events are signed by are the connector's, and not one event's",
}

func TestNoFloatsNearMoney(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !in(s.dir, moneyPath...) {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if n.Name == "float64" || n.Name == "float32" || n.Name == "ParseFloat" || n.Name == "Float64" {
					t.Errorf("%s uses %s", s.at(n), n.Name)
				}
			case *ast.BasicLit:
				// 1e18 is an exact way to write an integer; a point is not.
				if n.Kind == token.FLOAT && strings.Contains(n.Value, ".") {
					t.Errorf("%s holds the float %s", s.at(n), n.Value)
				}
			}
			return true
		})
	}
}

func TestNoInitFunctions(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init runs unasked; set things up where the program is wired", s.at(f))
			}
		}
	}
}

func TestCertificatesAreAlwaysChecked(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Name == "Insecure"+"SkipVerify" {
				t.Errorf("%s turns certificate checks off", s.at(n))
			}
			return true
		})
	}
}

func TestContextsComeFromTheCaller(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || detached[s.dir] != "" || !in(s.dir, "internal") || isSupport(strings.TrimPrefix(s.dir, "internal/")) {
			continue
		}
		s.uses("context", func(name string, n *ast.SelectorExpr) {
			if name == "Background" || name == "TODO" {
				t.Errorf("%s uses context.%s: take the caller's ctx", s.at(n), name)
			}
		})
	}
}

func TestPackageNamesSayWhatTheyOwn(t *testing.T) {
	banned := []string{"utils", "util", "common", "models", "model", "helpers", "helper", "services", "service", "misc", "base", "shared", "types"}
	for _, s := range sources(t) {
		name := strings.TrimSuffix(s.ast.Name.Name, "_test")
		if slices.Contains(banned, name) || slices.Contains(banned, path.Base(s.dir)) {
			t.Errorf("%s: %s says nothing about what the package owns", s.path, name)
		}
		if in(s.dir, "internal") && name != "main" && name != path.Base(s.dir) {
			t.Errorf("%s: package %s in a folder of another name", s.path, name)
		}
	}
}

var toDo = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)

func TestNothingIsLeftForLater(t *testing.T) {
	for _, s := range sources(t) {
		for _, group := range s.ast.Comments {
			if word := toDo.FindString(group.Text()); word != "" {
				t.Errorf("%s: %s", s.at(group), word)
			}
		}
	}
}

// makesFiles lists who may make files beside package private, and why.
var makesFiles = map[string]string{
	"internal/store/tx/sqlite.go":                    "the database's own file, 0600, in a folder that is private",
	"internal/store/folder/lock_unix.go":             "a lock, 0600, in a folder that is private",
	"internal/vault/keyring.go":                      "a temporary name of the system, which is then linked, not renamed: who comes second must not replace keys",
	"internal/vault/master.go":                       "a temporary name of the system, 0600, that is linked; or renamed by an operator who wants another key",
	"internal/simulator/journal.go":                  "books that are appended to, 0600; the simulator shares no code with what it judges",
	"cmd/sluice/listen_place.go":                     "the user's folder for state, 0700; the file in it comes by package private",
	"cmd/sluice/admin_lock_unix.go":                  "a lock, 0600, in a folder that is private",
	"internal/backup/files.go":                       "files of a backup and of a folder that is restored: 0600, and none that is there already",
	"internal/backup/restore.go":                     "the folders that a restore makes, 0700",
	"internal/backup/take.go":                        "the folder of a backup while it is taken, 0700",
	"internal/store/tx/backup_sqlite.go":             "the copy of the database in it, 0600, and none that is there already",
	"internal/connector/connectortest/atprovider.go": "what a provider has said to a test, 0600, in a folder that its user names",
	"internal/kit/kit.go":                            "source code in the repository, which is for everybody",
	"internal/testkit/golden/golden.go":              "files of the repository",
	"internal/testkit/built/built.go":                "the program under test, for its user only",
}

// TestFilesAreMadePrivately keeps what the program writes out of the reach of others: files come by package private, which
// follows no link that somebody planted and lets nobody else read.
func TestFilesAreMadePrivately(t *testing.T) {
	makes := []string{"WriteFile", "Create", "CreateTemp", "OpenFile", "Mkdir", "MkdirAll", "MkdirTemp", "Symlink"}
	used := map[string]bool{}
	for _, s := range sources(t) {
		if s.test || !in(s.dir, "internal", "cmd") || in(s.dir, "internal/private", "internal/store/storetest") {
			continue
		}
		s.uses("os", func(name string, n *ast.SelectorExpr) {
			if !slices.Contains(makes, name) {
				return
			}
			if used[s.path] = true; makesFiles[s.path] == "" {
				t.Errorf("%s uses os.%s: write by package private, or say in makesFiles why not", s.at(n), name)
			}
		})
	}
	for path := range makesFiles {
		if !used[path] {
			t.Errorf("%s makes no files any more", path)
		}
	}
}
