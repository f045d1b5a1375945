package setting_test

import (
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

func TestNumber(t *testing.T) {
	const name = "SLUICE_TEST_OF_SETTINGS"
	t.Setenv(name, "")
	if got := setting.Number(t, name, 7); got != 7 {
		t.Errorf("without a value %d", got)
	}
	t.Setenv(name, "12")
	if got := setting.Number(t, name, 7); got != 12 {
		t.Errorf("12 is %d", got)
	}
}
