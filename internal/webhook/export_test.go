package webhook

// What tests outside the package look into.
var (
	RetryAfter = retryAfter
	Printable  = printable
)

// Bounds of what those two return.
const (
	MaxRetryAfter = maxRetryAfter
	MaxKept       = maxKept
)
