package setting_test

import (
	"runtime"
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

// verdict is a test that only notes how it ends.
type verdict struct {
	testing.TB

	failed, skipped bool
}

func (v *verdict) Helper() {}

func (v *verdict) Fatal(...any) {
	v.failed = true
	runtime.Goexit()
}

func (v *verdict) Skip(...any) {
	v.skipped = true
	runtime.Goexit()
}

// TestMissing: what the build machine has to have fails its tests, and only there.
func TestMissing(t *testing.T) {
	for required, want := range map[string]bool{"1": true, "": false, "0": false} {
		t.Setenv(setting.Strace, required)
		v := &verdict{TB: t}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			setting.Missing(v, setting.Strace, "it is not there")
		}()
		<-ended
		if v.failed != want || v.skipped == want {
			t.Errorf("required %q: failed %t, skipped %t", required, v.failed, v.skipped)
		}
	}
}
