package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluicepay/sluice/internal/config"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sluice.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got, err := config.Load(config.Flags{}, []string{"PATH=/bin", "SLUICE_TEST_POSTGRES=postgres://x", "SLUICE_LISTEN="})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Data: "./sluice-data", Listen: "127.0.0.1:8080", SimulatorListen: "127.0.0.1:0", LogLevel: slog.LevelInfo,
		LogFormat: "json", DrainTimeout: 35 * time.Second,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFlagWinsOverEnvironmentOverFile(t *testing.T) {
	t.Parallel()
	yes := true
	flags := config.Flags{Listen: ":1", Demo: &yes}
	flags.Config = file(t, `{"listen":":3","data":"from-file","log-level":"debug","demo":false,"trusted-proxies":["10.1.2.3/8","fd00::1"],
		"simulator-listen":"127.0.0.1:7","public-url":"https://Pay.Example/","drain-timeout":"1m"}`)
	got, err := config.Load(flags, []string{"SLUICE_LISTEN=:2", "SLUICE_LOG_LEVEL=warn", "SLUICE_CONFIG=/nowhere", "SLUICE_DATABASE=postgres://u:p@h/d"})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Data: "from-file", Listen: ":1", SimulatorListen: "127.0.0.1:7", LogLevel: slog.LevelWarn, LogFormat: "json",
		DrainTimeout: time.Minute, Demo: true, PublicURL: "https://pay.example", Database: "postgres://u:p@h/d",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::1/128")},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	flags := config.Flags{Listen: "8080", PublicURL: "ftp://x"}
	flags.Config = file(t, `{"log-level":"loud","lisen":":1","data":"a","data":"b","drain-timeout":30,"demo":{}}`)
	_, err := config.Load(flags, []string{
		"SLUICE_DATABSE=x", "SLUICE_DATABASE=mysql://root:hunter2@h/d", "SLUICE_METRICS_LISTEN=0.0.0.0:9090",
		"SLUICE_TRUSTED_PROXIES=10.0.0.0/8,proxy", "SLUICE_SIMULATOR_LISTEN=:99999",
	})
	var faults config.Faults
	if !errors.Is(err, config.ErrInvalid) || !errors.As(err, &faults) {
		t.Fatalf("got %v", err)
	}
	var names []string
	for _, f := range faults {
		names = append(names, f.Setting)
	}
	want := []string{"SLUICE_DATABSE", "lisen", "data", "demo", "database", "log-level", "listen", "public-url",
		"simulator-listen", "trusted-proxies", "drain-timeout", "simulator-listen", "metrics-listen"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("faults (-want +got):\n%s\n%v", diff, err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the password is shown: %v", err)
	}
	line := `log-level: must be debug, info, warn or error, not "loud" (from ` + flags.Config + `; set by --log-level, SLUICE_LOG_LEVEL, "log-level" in the file)`
	if !strings.Contains(err.Error(), line) {
		t.Errorf("no line %q in\n%v", line, err)
	}
}

func TestOneWrongSetting(t *testing.T) {
	t.Parallel()
	for setting, values := range map[string][]string{
		"listen":          {"8080", "h:http", "h:-1", "h:65536", "h:080", "http://h:1", "a b:1"},
		"database":        {"sqlite://x", "postgres://", "postgres://h", "postgres://h/", "/path", "postgres://%zz@h/d"},
		"public-url":      {"pay.example", "https://", "https://u@h", "https://h?x", "https://h/path", "https://h#f", "://", "https://h:0", "https://h:65536", "https://sh<op", "http://0.0.0.0:8080", "https://[::]"},
		"metrics-listen":  {"9090", ":9090", "10.0.0.1:9090", "example.org:9090", "127.0.0.1:8080"},
		"trusted-proxies": {"0.0.0.0/0", "::/0", "10.0.0.0/33", "a", "10.0.0.1,,10.0.0.2"},
		"private-webhooks": {"yes", "10.0.0.0/33", "private", "10.0.0.0/8,", "0.0.0.0/0", "::/0", "169.254.169.254", "169.254.0.0/16", "fe80::/64",
			"fd00:ec2::254", "0.0.0.0", "224.0.0.1", "10.0.0.0/8,ff02::/16", "100.100.100.200", "::ffff:10.0.0.1", "::ffff:10.0.0.0/104"},
		"drain-delay":   {"5", "-1s", "11m", "soon"},
		"drain-timeout": {"30", "0s", "-1s", "11m", "soon"},
		"demo":          {"yes", "1", "TRUE"},
		"log-format":    {"xml"},
		"config":        {"/nowhere/at/all.json"},
	} {
		for _, v := range values {
			name := "SLUICE_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
			_, err := config.Load(config.Flags{}, []string{name + "=" + v})
			var faults config.Faults
			if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Setting != setting {
				t.Errorf("%s=%s: got %v", setting, v, err)
			}
		}
	}
}

// TestMetricsListenElsewhereWhenAskedTo: in so many words only.
func TestMetricsListenElsewhereWhenAskedTo(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"10.0.0.1:9090", ":9090", "example.org:9090", "127.0.0.1:9090"} {
		got, err := config.Load(config.Flags{}, []string{"SLUICE_METRICS_LISTEN=" + address, "SLUICE_METRICS_LISTEN_ANYWHERE=true"})
		if err != nil || got.MetricsListen != address {
			t.Errorf("%s: %q, %v", address, got.MetricsListen, err)
		}
	}
	_, err := config.Load(config.Flags{}, []string{"SLUICE_METRICS_LISTEN=10.0.0.1:9090"})
	if err == nil || !strings.Contains(err.Error(), "metrics-listen-anywhere") {
		t.Errorf("the error does not name the setting: %v", err)
	}
}

func TestMarkOfTheByteOrderIsSkipped(t *testing.T) {
	t.Parallel()
	flags := config.Flags{}
	flags.Config = file(t, "\ufeff{\"listen\":\":3\"}")
	if got, err := config.Load(flags, nil); err != nil || got.Listen != ":3" {
		t.Errorf("%q, %v", got.Listen, err)
	}
}

func TestBrokenFileIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "array": "[]", "text": "listen: x", "cut": `{"listen":":1"`, "two": `{} {}`, "comma": `{"data":"a",}`,
		"two marks": "\ufeff\ufeff{}", "itself": `{"config":"x"}`, "null": `{"data":null}`, "mixed list": `{"trusted-proxies":["10.0.0.1",1]}`,
	} {
		flags := config.Flags{}
		flags.Config = file(t, text)
		if _, err := config.Load(flags, nil); !errors.Is(err, config.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	c := config.Config{Database: "postgres://u:hunter2@h/d"}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("start", "config", c, "database", c.Database)
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %s %q", c, c, c.Database, c.Database), string(encoded), log.String()} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("shown in %s", text)
		}
	}
	if c.Database.Reveal() != "postgres://u:hunter2@h/d" || config.Secret("").String() != "" {
		t.Error("Reveal or the empty text is wrong")
	}
}

func FuzzFile(f *testing.F) {
	f.Add(`{"listen":":1","demo":true}`)
	f.Add(`{"trusted-proxies":["10.0.0.1"],"listen":1}`)
	f.Fuzz(func(t *testing.T, text string) {
		flags := config.Flags{}
		flags.Config = file(t, text)
		if _, err := config.Load(flags, nil); err != nil && !errors.Is(err, config.ErrInvalid) {
			t.Fatalf("an error of another kind: %v", err)
		}
	})
}

// TestAServerOnAllAddressesNeedsItsPublicURL: none of them is one that customers could be sent to. Other commands listen on
// nothing.
func TestAServerOnAllAddressesNeedsItsPublicURL(t *testing.T) {
	t.Parallel()
	for listen, refused := range map[string]bool{
		":8080": true, "0.0.0.0:8080": true, "[::]:8080": true, "[::ffff:0.0.0.0]:8080": true, "[0:0::0]:0": true, "[::%lo]:1": true,
		"127.0.0.1:8080": false, "[::1]:8080": false, "10.0.0.1:80": false, "pay.example:443": false,
	} {
		env := []string{"SLUICE_LISTEN=" + listen}
		_, err := config.LoadServer(config.Flags{}, env)
		var faults config.Faults
		if errors.As(err, &faults) != refused || refused && (len(faults) != 1 || faults[0].Setting != "listen" || !strings.Contains(err.Error(), "public-url") || strings.Contains(err.Error(), "it: must")) {
			t.Errorf("%s: %v", listen, err)
		}
		if _, err := config.LoadServer(config.Flags{PublicURL: "https://pay.example"}, env); err != nil {
			t.Errorf("%s with its public address: %v", listen, err)
		}
		if _, err := config.Load(config.Flags{}, env); err != nil {
			t.Errorf("%s for another command: %v", listen, err)
		}
	}
	_, err := config.LoadServer(config.Flags{Listen: ":8080"}, []string{"SLUICE_PUBLIC_URL=ftp://x"})
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Setting != "public-url" {
		t.Errorf("a public address that is wrong is none that is missing: %v", err)
	}
}
