package job

import (
	"io"
	"time"
)

// CheckFor is how long a provider is asked about one attempt; then a human has to look.
const CheckFor = 14 * 24 * time.Hour

// HoldWait is how long a hold is trusted before the provider is asked whether it still
// stands. Most schemes hold for seven days.
const HoldWait = 24 * time.Hour

// NoticeWait is how long a notice about something unknown waits before it is tried
// again, after so many tries: soon, because our own record may just be late.
func NoticeWait(tries int, random io.Reader) time.Duration {
	return CheckWait(false, min(tries, 9), random)
}
