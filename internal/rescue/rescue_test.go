package rescue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/rescue"
)

var errOwn = errors.New("own")

func TestAPanicIsAnError(t *testing.T) {
	t.Parallel()
	if err := rescue.Call(func() error { return errOwn }); !errors.Is(err, errOwn) || rescue.From(err) != nil {
		t.Errorf("got %v", err)
	}
	if err := rescue.Run(func() {}); err != nil {
		t.Errorf("got %v", err)
	}
	var none []int
	err := fmt.Errorf("around: %w", rescue.Run(func() { _ = none[3] }))
	if p := rescue.From(err); p == nil || !strings.Contains(err.Error(), "index out of range") ||
		!strings.Contains(rescue.Stack(err), "TestAPanicIsAnError") {
		t.Errorf("got %v", err)
	}
}

// TestThePanicsValueIsNotTold keeps card numbers and the like out of logs.
func TestThePanicsValueIsNotTold(t *testing.T) {
	t.Parallel()
	err := rescue.Run(func() { panic("4000000000000408") })
	if text := err.Error() + rescue.Stack(err); !strings.Contains(text, "string") || strings.Contains(text, "4000000000000408") {
		t.Errorf("it says %q", text)
	}
}
