package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/connector"
)

// TestAFolderOfFilesDeclaresConnectors: all that is wrong with all files is told at once, and none takes the name of another.
func TestAFolderOfFilesDeclaresConnectors(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../docs/connectors/declared-sandbox.json")
	if err != nil {
		t.Fatal(err)
	}
	good, dir := string(example), filepath.Join(t.TempDir(), "a[b]*c")
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := app.Connectors(dir); err == nil || !strings.Contains(err.Error(), "there is no file *.json") {
		t.Errorf("an empty folder: %v", err)
	}
	put("one.json", good)
	put("notes.txt", "no connector")
	all, err := app.Connectors(dir)
	if err != nil || !slices.ContainsFunc(all, func(a connector.Abilities) bool {
		return a.Name == "declared-sandbox" && a.Capture && a.Close && !a.Banks
	}) {
		t.Fatalf("%+v, %v", all, err)
	}
	if len(app.ConnectorSettings(dir, "declared-sandbox")) != 4 {
		t.Errorf("%+v", app.ConnectorSettings(dir, "declared-sandbox"))
	}
	stripe, err := os.ReadFile("../../docs/connectors/declared-stripe.json")
	if err != nil {
		t.Fatal(err)
	}
	put("stripe.json", string(stripe))
	if all, err = app.Connectors(dir); err != nil || !slices.ContainsFunc(all, func(a connector.Abilities) bool {
		return a.Name == "declared-stripe" && a.Capture && a.Refund && a.Void && !a.Verify
	}) {
		t.Fatalf("%+v, %v", all, err)
	}
	put("two.json", good)
	put("three.json", strings.Replace(good, `"declared-sandbox"`, `"stripe"`, 1))
	put("four.json", strings.Replace(good, `"body": "json"`, `"body": "xml"`, 1))
	put("five.json", strings.Repeat(" ", 2<<20))
	_, err = app.Connectors(dir)
	for _, want := range []string{"two.json: there is a connector declared-sandbox already", "three.json: there is a connector stripe already", "four.json:\nline 11: body is json or form", "five.json is longer than"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	if _, err := app.Connectors(filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there is taken")
	}
}
