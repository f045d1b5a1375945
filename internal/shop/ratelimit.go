package shop

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/limit"
)

// RateLimit is how many API requests of a shop are served in a second by each node; those beyond it are answered 429. Nil
// is no limit.
type RateLimit struct {
	PerSecond int `json:"perSecond"`
	// Burst is how many may come at once after a rest; 0 is PerSecond.
	Burst int `json:"burst,omitempty"`
}

const mostRate = 100_000

// Rate is the limit in the words of package limit; the zero value of it where there is none.
func (r *RateLimit) Rate() limit.Rate {
	if r == nil {
		return limit.Rate{}
	}
	burst := r.Burst
	if burst == 0 {
		burst = r.PerSecond
	}
	return limit.Rate{PerSecond: float64(r.PerSecond), Burst: burst}
}

func (r *RateLimit) check() (faults []error) {
	if r == nil {
		return nil
	}
	if r.PerSecond < 1 || r.PerSecond > mostRate {
		faults = append(faults, fmt.Errorf("rateLimit.perSecond: %d is not between 1 and %d", r.PerSecond, mostRate))
	}
	if r.Burst < 0 || r.Burst > mostRate {
		faults = append(faults, fmt.Errorf("rateLimit.burst: %d is not between 1 and %d", r.Burst, mostRate))
	}
	return faults
}
