package telemetry_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/telemetry"
)

func TestMaskSecrets(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"": "", "nothing": "nothing", "sk_test_": "sk_test_", "sk_test_AbCdEf12": "sk_test_AbCdEf12",
		"no key \"sk_live_AbCdEf12345678901234567890\", see":          "no key \"sk_live_AbCdEf12…\", see",
		"sk_test_AbCdEf123 sk_test_AbCdEf129 sk_live_AbCdEf12x":       "sk_test_AbCdEf12… sk_test_AbCdEf12… sk_live_AbCdEf12…",
		"postgres://u:pass@h/db":                                      "postgres://u:***@h/db",
		"open postgresql://u:p/a?s@s@h/db?sslmode=x: no":              "open postgresql://u:***@h/db?sslmode=x: no",
		"https://user:word@shop.example/x and http://a:b@c":           "https://user:***@shop.example/x and http://a:***@c",
		"https://shop.example:8443/~me@home https://h/a@b https://u@": "https://shop.example:8443/~me@home https://h/a@b https://u@",
		"host=h password=secret user=u":                               "host=h password=*** user=u",
		"postgres://h/db?user=u&password=secret&sslmode=x":            "postgres://h/db?user=u&password=***&sslmode=x",
		"password=": "password=",
	} {
		if got := telemetry.MaskSecrets(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
	var out bytes.Buffer
	log := telemetry.Logger(slog.LevelInfo, telemetry.FormatJSON, &out)
	log.Info("said sk_live_AbCdEf12SECRET", "error", "of postgres://u:SECRET@h/db", "stack", "main(sk_test_AbCdEf12SECRET)")
	if strings.Contains(out.String(), "SECRET") || !strings.Contains(out.String(), "u:***@h") {
		t.Error(out.String())
	}
}
