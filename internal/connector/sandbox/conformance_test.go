package sandbox_test

import (
	"testing"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/testkit/simulated"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Suite{
		Type: sandbox.Type(), Unmapped: "ZZ", UnmappedClass: payment.ClassDeclinedSoft,
		Open: func(t *testing.T) connectortest.Provider { return simulated.Open(t).Provider(t) },
	})
}
