package admin

import (
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/api/gateway"
)

// bound is a time that an operator has given, or left out, to bound a list.
type bound struct {
	flag, text string
	into       *time.Time
}

// readBounds reads the times that were given.
func readBounds(bounds []bound) error {
	for _, b := range bounds {
		if b.text == "" {
			continue
		}
		at, ok := gateway.ReadInstant(b.text)
		if !ok {
			return fmt.Errorf("--%s: %q is no time such as 2030-12-25T10:00:00Z", b.flag, b.text)
		}
		*b.into = at
	}
	return nil
}
