package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// shellScript runs a shell over the text, which must not complain, and returns what it prints.
func shellScript(t *testing.T, shell, text string, args ...string) string {
	t.Helper()
	path := write(t, filepath.Join(t.TempDir(), "script"), text)
	cmd := exec.CommandContext(t.Context(), shell, append(args, path)...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("%s: %v\n%s", shell, err, errs.String())
	}
	return out.String()
}

// completedByBash runs bash with the script and returns what it offers after each line; the words of a line are cut as bash
// cuts them, the last one is where the cursor stands.
func completedByBash(t *testing.T, lines []string) [][]string {
	t.Helper()
	script := command(t.Context(), nil, "completion", "bash").out
	script += "try() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _sluice; echo \"${COMPREPLY[*]}\"; }\n"
	for _, line := range lines {
		script += "try sluice"
		for word := range strings.SplitSeq(line, " ") {
			script += " " + quote(word)
		}
		script += "\n"
	}
	said := strings.Split(strings.TrimSuffix(shellScript(t, "bash", script, "--norc"), "\n"), "\n")
	if len(said) != len(lines) {
		t.Fatalf("%d answers to %d lines:\n%s", len(said), len(lines), strings.Join(said, "\n"))
	}
	offered := make([][]string, len(said))
	for i := range said {
		offered[i] = strings.Fields(said[i])
	}
	return offered
}

func TestBashCompletes(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"sh":                               "shop",
		"key ":                             "create list revoke",
		"--log-level x key re":             "revoke",
		"--log-level info key re":          "revoke",
		"shop list --log-level ":           "debug info warn error",
		"shop list --log-format = j":       "json",
		"shop list --log-level =":          "debug info warn error",
		"shop list --data shop --log-l":    "--log-level",
		"help key ":                        "create list revoke",
		"serve --no-d":                     "--no-demo",
		"completion ":                      "bash zsh fish",
		"listen --from ":                   "beginning now",
		"key create help ":                 "",
		"key revoke --shop ":               "",
		"serve --dem":                      "--demo",
		"serve --demo --trusted-proxies x": "",
	}
	var lines []string
	for line := range cases {
		lines = append(lines, line)
	}
	for i, got := range completedByBash(t, lines) {
		if want := strings.Fields(cases[lines[i]]); !slices.Equal(got, want) {
			t.Errorf("sluice %s: %q, want %q", lines[i], got, want)
		}
	}
}

// TestBashKnowsEveryCommand: whatever command or flag is added, it is completed.
func TestBashKnowsEveryCommand(t *testing.T) {
	t.Parallel()
	var lines []string
	var want []string
	var walk func(n *kong.Node, path string)
	walk = func(n *kong.Node, path string) {
		for _, f := range n.Flags {
			lines, want = append(lines, path+"--"+f.Name), append(want, "--"+f.Name)
		}
		for _, child := range n.Children {
			lines, want = append(lines, path+child.Name), append(want, child.Name)
			walk(child, path+child.Name+" ")
		}
	}
	parser, err := kong.New(&commands{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	walk(parser.Model.Node, "")
	for i, got := range completedByBash(t, lines) {
		if !slices.Contains(got, want[i]) {
			t.Errorf("sluice %s: %q", lines[i], got)
		}
	}
}

func TestFishCompletes(t *testing.T) {
	t.Parallel()
	fish, err := exec.LookPath("fish")
	if err != nil {
		setting.Missing(t, setting.Programs, "there is no fish")
	}
	script := command(t.Context(), nil, "completion", "fish").out
	for _, line := range []string{"sluice key ", "sluice help sho", "sluice shop list --log-level "} {
		script += "echo (complete -C " + fishQuote(line) + " | string replace -r '\\t.*' '')\n"
	}
	if got, want := shellScript(t, fish, script, "--no-config"), "create list revoke\nshop\ndebug error info warn\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestZshReadsItsCompletion(t *testing.T) {
	t.Parallel()
	zsh, err := exec.LookPath("zsh")
	if err != nil {
		setting.Missing(t, setting.Programs, "there is no zsh")
	}
	shellScript(t, zsh, command(t.Context(), nil, "completion", "zsh").out, "-n")
}

func TestHelpAndVersionAsCommandAndFlag(t *testing.T) {
	t.Parallel()
	if got := command(t.Context(), nil, "--version"); got != (outcome{0, "sluice " + version + "\n", ""}) {
		t.Errorf("--version: %+v", got)
	}
	for words, flag := range map[string]string{"help": "--help", "help key": "key --help", "help key revoke": "key revoke --help"} {
		got, want := command(t.Context(), nil, strings.Fields(words)...), command(t.Context(), nil, strings.Fields(flag)...)
		if got != want || got.code != 0 || got.out == "" {
			t.Errorf("%s: %+v", words, got)
		}
	}
	for _, words := range []string{"help frobnicate", "help key frobnicate", "completion", "completion tcsh"} {
		if got := command(t.Context(), nil, strings.Fields(words)...); got.code != exitUsage || got.out != "" {
			t.Errorf("%s: %+v", words, got)
		}
	}
}
