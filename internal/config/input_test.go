package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/config"
)

func TestReadInput(t *testing.T) {
	t.Parallel()
	environ := []string{"PATH=/bin", "KEY=from=environment", "EMPTY=", "config.Input=x"}
	for name, c := range map[string]struct{ given, stdin, want, fault string }{
		"the text itself":       {given: `{"apiKey":"x"}`, want: `{"apiKey":"x"}`},
		"nothing":               {},
		"a variable":            {given: "env:KEY", want: "from=environment"},
		"no such variable":      {given: "env:KEYS", fault: "no variable KEYS"},
		"an empty variable":     {given: "env:EMPTY", fault: "no variable EMPTY"},
		"a file":                {given: "@" + file(t, "\ufeff{\"a\":1}\r\n"), want: `{"a":1}`},
		"a file of many lines":  {given: "@" + file(t, "a\n\n"), want: "a\n"},
		"no such file":          {given: "@" + filepath.Join(t.TempDir(), "none"), fault: "none: no such file"},
		"a folder":              {given: "@" + t.TempDir(), fault: "cannot be read"},
		"an empty file":         {given: "@" + file(t, "\n"), fault: "is empty"},
		"a file that is no end": {given: "@" + file(t, strings.Repeat("topsecret", 200_000)), fault: "longer than 1048576 bytes"},
		"standard input":        {given: "-", stdin: "sk_live_x\n", want: "sk_live_x"},
		"no standard input":     {given: "-", stdin: "", fault: "standard input is empty"},
	} {
		got, err := config.ReadInput(c.given, environ, strings.NewReader(c.stdin))
		switch {
		case c.fault == "" && (err != nil || got != c.want):
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault) || strings.Contains(err.Error(), "topsecret")):
			t.Errorf("%s: %v; want a word on %q", name, err, c.fault)
		}
		if wantLiteral := strings.HasPrefix(c.given, "{") || c.given == ""; config.Literal(c.given) != wantLiteral {
			t.Errorf("%s: literal %v", name, !wantLiteral)
		}
	}
	if _, err := config.ReadInput("-", nil, nil); err == nil {
		t.Error("read from nowhere")
	}
}

// TestDatabaseIsReadFromElsewhere holds for every way in which a setting is given.
func TestDatabaseIsReadFromElsewhere(t *testing.T) {
	t.Parallel()
	const url = "postgres://u:hunter2@h/d"
	path := file(t, url+"\n")
	for name, c := range map[string]struct {
		flag, variable, inFile string
	}{
		"flag": {flag: "@" + path}, "flag with a variable": {flag: "env:PG"}, "variable": {variable: "SLUICE_DATABASE=@" + path},
		"config file": {inFile: `{"database":"@` + path + `"}`},
	} {
		flags := config.Flags{}
		flags.Database = c.flag
		if c.inFile != "" {
			flags.Config = file(t, c.inFile)
		}
		got, err := config.Load(flags, []string{"PG=" + url, c.variable})
		if err != nil || got.Database.Reveal() != url || len(got.Warnings) != 0 {
			t.Errorf("%s: %q, %v, %v", name, got.Database.Reveal(), got.Warnings, err)
		}
	}
	flags := config.Flags{}
	flags.Database = "@" + filepath.Join(t.TempDir(), "none")
	if _, err := config.Load(flags, nil); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "--database") {
		t.Errorf("no such file: %v", err)
	}
}

func TestAFileWithASecretThatEverybodyMayReadIsToldOf(t *testing.T) {
	t.Parallel()
	open := func(text string) string {
		path := file(t, text)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret, plain := open("postgres://u:hunter2@h/d"), open(`{"log-level":"debug"}`)
	holding := open(`{"database":"postgres://u:hunter2@h/d"}`)
	for name, c := range map[string]struct{ database, config, want string }{
		"the secret's own": {"@" + secret, "", secret}, "a config file with the secret": {"", holding, holding},
		"a config file without": {"", plain, ""}, "a config file whose secret another holds": {"@" + file(t, "postgres://u@h/d"), holding, ""},
	} {
		flags := config.Flags{}
		flags.Database, flags.Config = c.database, c.config
		got, err := config.Load(flags, nil)
		if err != nil {
			t.Fatal(err)
		}
		said := strings.Join(got.Warnings, "\n")
		if (c.want == "") != (said == "") || !strings.Contains(said, c.want) || strings.Contains(said, "hunter2") {
			t.Errorf("%s: %q", name, said)
		}
	}
}
