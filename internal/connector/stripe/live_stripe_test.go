//go:build live

package stripe_test

import (
	"os"
	"testing"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
)

// TestLive asks Stripe itself, with a test key: make live CONNECTOR=stripe.
func TestLive(t *testing.T) {
	settings := os.Getenv("SLUICE_LIVE_SETTINGS")
	if settings == "" {
		t.Fatal(`SLUICE_LIVE_SETTINGS is not set: the settings of a test account, as {"apiKey":"sk_test_…","testCards":true}`)
	}
	connectortest.Live(t, sandboxOf(t, settings, os.Getenv("SLUICE_LIVE_RECORD")))
}
