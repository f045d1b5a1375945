package declared_test

import (
	"os"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/declared"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/testkit/simulated"
)

const example = "../../../docs/connectors/declared-sandbox.json"

func sandbox(t testing.TB) connector.Type {
	t.Helper()
	return fromFile(t, example)
}

func fromFile(t testing.TB, file string) connector.Type {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	kind, err := declared.Load(raw)
	if err != nil {
		t.Fatal(err)
	}
	return kind
}

// TestConformance holds the declared connector to what the one in Go is held to, at the same provider.
func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Suite{
		Type: sandbox(t), Unmapped: "ZZ", UnmappedClass: payment.ClassDeclinedHard, Codes: []string{"05", "51", "54", "61", "65", "91", "96", "R0", "R1", "R3"},
		Open: func(t *testing.T) connectortest.Provider { return simulated.Open(t).Provider(t) },
	})
}
