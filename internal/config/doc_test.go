package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/sluicepay/sluice/internal/testkit/golden"
)

func TestGoldenConfigPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Configuration\n\nPrinted from `internal/config/flags.go` by `make golden`; do not edit.\n\n" +
		"Each setting of `sluice serve` can be given as a flag, as an environment variable, or as a member of a JSON file\n" +
		"named by `--config`; a flag wins over the environment, the environment over the file. An empty value counts as not\n" +
		"given. Unknown names, in the file or among variables that begin with `" + envPrefix + "`, are refused, and everything that\n" +
		"is wrong is reported at once with exit code 2. What Kubernetes puts into a container about a Service called `sluice`\n" +
		"(`SLUICE_SERVICE_HOST`, `SLUICE_PORT=tcp://…` and so on) is passed over.\n\n" +
		"| Flag | Environment | File | Default | Meaning |\n|---|---|---|---|---|\n")
	for _, f := range fieldsOf(Flags{}) {
		arg, std, inFile := "", "–", "`"+f.name+"`"
		if f.placeholder != "" {
			arg = " " + f.placeholder
		}
		if f.std != "" {
			std = "`" + f.std + "`"
		}
		if f.name == configName {
			inFile = "–"
		}
		fmt.Fprintf(&b, "| `--%s%s` | `%s` | %s | %s | %s |\n", f.name, arg, envName(f.name), inFile, std, f.help)
	}
	b.WriteString("\nExample of a file:\n\n```json\n{\n  \"listen\": \"0.0.0.0:8080\",\n  \"public-url\": \"https://pay.example\",\n" +
		"  \"trusted-proxies\": [\"10.0.0.0/8\"]\n}\n```\n")
	golden.Check(t, "../../docs/config.md", []byte(b.String()))
}

// TestEverySettingIsDeclaredOnce holds Flags and the table of parse.go together.
func TestEverySettingIsDeclaredOnce(t *testing.T) {
	seen := make(map[string]bool)
	for _, f := range fieldsOf(Flags{}) {
		setting, ok := settings[f.name]
		if !ok || seen[f.name] || f.help == "" {
			t.Errorf("%s: in settings %v, twice %v, help %q", f.name, ok, seen[f.name], f.help)
		}
		if !setting.optional && f.std == "" {
			t.Errorf("%s is required and has no default", f.name)
		}
		seen[f.name] = true
	}
	if len(seen) != len(settings) {
		t.Errorf("%d fields, %d settings", len(seen), len(settings))
	}
}

// TestCommandLineParserReadsFlags keeps the tags in the form that the command line parser understands.
func TestCommandLineParserReadsFlags(t *testing.T) {
	var cli struct {
		Serve struct {
			Flags `embed:""`
		} `cmd:"" help:"x"`
		Migrate struct {
			Common `embed:""`
		} `cmd:"" help:"x"`
	}
	parser, err := kong.New(&cli)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"serve", "--listen", ":0", "--demo", "--data=x"}); err != nil {
		t.Fatal(err)
	}
	if f := cli.Serve.Flags; f.Listen != ":0" || f.Demo == nil || !*f.Demo || f.Data != "x" || f.LogLevel != "" {
		t.Errorf("got %+v", f)
	}
	if _, err := parser.Parse([]string{"migrate", "--database", "postgres://h/d"}); err != nil || cli.Migrate.Database == "" {
		t.Errorf("migrate: %v", err)
	}
}
