package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestCommandsTakeTheSameFlags: whatever works on an installation is quiet with -q and answers in JSON, and every flag says
// what it takes in a word of its own.
func TestCommandsTakeTheSameFlags(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&commands{}, readInputs(&surroundings{}), kong.Vars{"version": "x"})
	if err != nil {
		t.Fatal(err)
	}
	explain(parser.Model.Node)
	var look func(n *kong.Node)
	look = func(n *kong.Node) {
		for _, child := range n.Children {
			look(child)
		}
		if !n.Leaf() {
			return
		}
		flags := map[string]*kong.Flag{}
		for _, f := range n.Flags {
			flags[f.Name] = f
			if word := f.FormatPlaceHolder(); !f.IsBool() && slices.Contains([]string{"STRING", "INT", "FLOAT64"}, strings.TrimRight(word, ",.")) {
				t.Errorf("%s --%s takes a %s", n.FullPath(), f.Name, word)
			}
		}
		if flags["data"] == nil || n.Name == "serve" {
			return
		}
		if quiet := flags["quiet"]; quiet == nil || quiet.Short != 'q' {
			t.Errorf("%s has no -q", n.FullPath())
		}
		if flags["json"] == nil {
			t.Errorf("%s has no --json", n.FullPath())
		}
		if help := flags["data"].Help; strings.Contains(help, "New or empty") != (n.Name == "restore") || !strings.Contains(help, "./sluice-data") {
			t.Errorf("%s --data: %s", n.FullPath(), help)
		}
	}
	look(parser.Model.Node)
}

func TestMigrateAnswersInJSON(t *testing.T) {
	t.Parallel()
	got := command(t.Context(), nil, "migrate", "-q", "--json", "--data", t.TempDir())
	if got.code != 0 || got.err != "" || !strings.Contains(got.out, `"database": "sqlite"`) {
		t.Errorf("%+v", got)
	}
}
