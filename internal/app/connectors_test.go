package app_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/testkit/golden"
)

// between compares what stands between two marks of a page with what the code says, or writes it there.
func between(t *testing.T, path, name, want string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+": printed from code -->\n", "<!-- /"+name+" -->"
	before, rest, found := strings.Cut(string(raw), begin)
	got, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no marks for %s", path, name)
	}
	if got == want {
		return
	}
	if !golden.Updating() {
		t.Errorf("%s is stale, run the test with -update:\n%s", path, want)
		return
	}
	if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

func TestTheReadmeSaysWhatConnectorsCanDo(t *testing.T) {
	all, err := app.Connectors("")
	if err != nil {
		t.Fatal(err)
	}
	text := row(app.AbilityHeads...) + "|---|---|---|---|---|\n"
	for i := range all {
		cells := app.AbilityCells(&all[i])
		if all[i].Name != "sandbox" { // its page is that of the simulator
			cells[0] = fmt.Sprintf("[%s](docs/connectors/%s.md)", cells[0], cells[0])
		}
		text += row(cells...)
	}
	between(t, "../../README.md", "connectors", text)
}

// TestEachConnectorsPageListsItsSettings, and that they are read as the page says.
func TestEachConnectorsPageListsItsSettings(t *testing.T) {
	all, err := app.Connectors("")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Name == "sandbox" {
			continue
		}
		text := row("setting", "example", "what it is", "shown to operators") + "|---|---|---|---|\n"
		for _, s := range app.ConnectorSettings("", a.Name) {
			name, shown := "`"+s.Name+"`", "no"
			if s.Needed {
				name += ", needed"
			}
			if s.Shown {
				shown = "yes"
			}
			text += row(name, "`"+s.Example+"`", s.Text, shown)
		}
		between(t, "../../docs/connectors/"+a.Name+".md", "settings", text)
	}
}

// TestEachConnectorsPageSaysWhatNobodyHasConfirmed: what a connector assumes of its provider, and no public document says.
func TestEachConnectorsPageSaysWhatNobodyHasConfirmed(t *testing.T) {
	all, err := app.Connectors("")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Name == "sandbox" {
			continue // its provider is ours
		}
		page, err := os.ReadFile("../../docs/connectors/" + a.Name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		_, told, found := strings.Cut(string(page), "\n## Not confirmed by a public document\n")
		told, _, _ = strings.Cut(told, "\n## ")
		facts := strings.Count(told, "\n- ")
		if !found || facts == 0 {
			t.Errorf("the page of %s lists nothing that no public document has confirmed", a.Name)
		}
		t.Logf("%s: %d facts", a.Name, facts)
	}
}
