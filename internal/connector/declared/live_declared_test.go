//go:build live

package declared_test

import (
	"cmp"
	"os"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/money"
)

// TestLive makes each kind of call of a file at the address that the settings name: make live CONNECTOR=declared.
func TestLive(t *testing.T) {
	file, settings := os.Getenv("SLUICE_LIVE_FILE"), os.Getenv("SLUICE_LIVE_SETTINGS")
	if file == "" || settings == "" {
		t.Fatal(`SLUICE_LIVE_FILE and SLUICE_LIVE_SETTINGS have to be set: the file, by its whole path, and the settings of a test account, as {"url":"…","apiKey":"…"}`)
	}
	amount, currency, _ := strings.Cut(cmp.Or(os.Getenv("SLUICE_LIVE_SUM"), "11.12 EUR"), " ")
	connectortest.Live(t, fileAt(t, file, settings, connectortest.Sandbox{
		Sum: money.Sum{Amount: money.MustParse(amount), Currency: money.Currency(currency)}, Record: os.Getenv("SLUICE_LIVE_RECORD"),
		Good: connectortest.Card(t, cmp.Or(os.Getenv("SLUICE_LIVE_CARD"), "4242424242424242")),
	}))
}
