package stripe_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/stripe"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
)

// sandboxOf is an account with such settings.
func sandboxOf(t *testing.T, settings, record string) connectortest.Sandbox {
	t.Helper()
	return connectortest.Sandbox{
		Type: stripe.Type(), Settings: json.RawMessage(settings), Record: record, Sum: money.Sum{Amount: money.MustParse("11.12"), Currency: "EUR"},
		Good: connectortest.Card(t, "4242424242424242"), Refused: connectortest.Card(t, "4000000000000002"),
	}
}

// TestWhatIsRecordedLiveIsScrubbed: the checks that are made at Stripe itself run against the double here.
func TestWhatIsRecordedLiveIsScrubbed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := sandboxOf(t, string(settingsFor(open(t).URL)), dir)
	s.Guard = outbound.GuardNone
	connectortest.Live(t, s)
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 6 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(raw) || !strings.Contains(string(raw), "payment_intents") && !strings.Contains(string(raw), "refunds") {
			t.Errorf("%s: %s", f, raw)
		}
		for _, secret := range []string{apiKey, webhookSecret, "4242424242424242", "4000000000000002", "737", "pm_", "client_secret\":\"pi"} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("%s shows %s", f, secret)
			}
		}
	}
}
