package declared_test

import (
	"encoding/json"
	"testing"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
)

// fileAt is the connector of a file, at an account with such settings.
func fileAt(t *testing.T, file, settings string, s connectortest.Sandbox) connectortest.Sandbox {
	t.Helper()
	s.Type, s.Settings = fromFile(t, file), json.RawMessage(settings)
	return s
}

// TestAFileIsTriedAtAnAddress: the checks that are made of a file at its provider itself run against the double here.
func TestAFileIsTriedAtAnAddress(t *testing.T) {
	t.Parallel()
	s := openStripe(t)
	connectortest.Live(t, fileAt(t, stripeFile, string(stripeSettings(s.URL)), connectortest.Sandbox{
		Sum: money.Sum{Amount: money.MustParse("11.12"), Currency: "EUR"}, Guard: outbound.GuardNone,
		Good: connectortest.Card(t, "4242424242424242"), Refused: connectortest.Card(t, "4000000000000002"),
	}))
	if books := s.Books(); len(books) < 5 {
		t.Errorf("not each kind of call was made: %v", books)
	}
}
