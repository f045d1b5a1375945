package private_test

import (
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/private"
)

func TestWipe(t *testing.T) {
	t.Parallel()
	raw := []byte("before 4242 after x")
	shared := private.Text(raw)
	private.Wipe(shared[7:11])
	if string(raw) != "before \x00\x00\x00\x00 after x" || shared != string(raw) {
		t.Errorf("%q, %q", raw, shared)
	}
	kept := strings.Clone(shared)
	clear(raw)
	if !strings.HasSuffix(kept, "after x") || strings.Trim(shared, "\x00") != "" {
		t.Errorf("%q, %q", kept, shared)
	}
	for _, text := range []string{"", strings.Repeat("7", 1)} {
		private.Wipe(text)
	}
	if digit := strings.Repeat("7", 1); digit != "7" {
		t.Errorf("%q", digit)
	}
	if private.Text(nil) != "" {
		t.Error("nothing is not nothing")
	}
}
