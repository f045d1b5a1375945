package testkit

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"syscall"

	"github.com/sluicepay/sluice/internal/outbound"
)

// WayOut is the way to the providers, for Options.Transport. While it is shut there is no descriptor left for a connection.
type WayOut struct {
	http.Transport
	Shut atomic.Bool
}

// RoundTrip implements http.RoundTripper.
func (o *WayOut) RoundTrip(r *http.Request) (*http.Response, error) {
	if o.Shut.Load() {
		return nil, fmt.Errorf("%w: socket: %w", outbound.ErrNotSent, syscall.EMFILE)
	}
	return o.Transport.RoundTrip(r)
}
