package job

import (
	"encoding/binary"
	"io"
	"time"
)

// checkLadder is how long to wait before asking a provider about an attempt whose
// outcome is unknown; the last wait repeats.
var checkLadder = []time.Duration{
	2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second,
	1 * time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	1 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// customerRung is where the ladder starts for an attempt that waits for a customer:
// people are slower than machines.
const customerRung = 4

// How long to wait before making a call again that never left: as long again as it has waited before.
const (
	sendLeast = 2 * time.Second
	sendMost  = 10 * time.Minute
)

// failLadder is how long to wait before running work again that failed on our side; past
// its end the work is parked. Its sum, a little over two days, outlasts a weekend outage.
var failLadder = []time.Duration{
	1 * time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute,
	1 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// CheckWait is how long to wait before the next status query of an attempt that was
// queried so many times before. customer says that it waits for a customer's step.
// Up to a fifth of the wait is taken off at random, so that checks that started
// together spread out; without random bytes nothing is taken off.
func CheckWait(customer bool, checks int, random io.Reader) time.Duration {
	rung := checks
	if customer {
		rung += customerRung
	}
	return early(checkLadder[min(rung, len(checkLadder)-1)], random)
}

// FailWait is how long to wait before running work again that failed so many times in a
// row, the last one included; not ok means never, until somebody has looked at it. Up to
// a fifth is taken off like in CheckWait.
func FailWait(fails int, random io.Reader) (wait time.Duration, ok bool) {
	rung := max(fails, 1) - 1
	if rung >= len(failLadder) {
		return 0, false
	}
	return early(failLadder[rung], random), true
}

// SendWait is how long to wait before making a call again that never left this process and has waited that long before.
// long is true about once, when the waits have grown to their full length: a human should know. Up to a fifth is taken off
// like in CheckWait.
func SendWait(waited time.Duration, random io.Reader) (wait time.Duration, long bool) {
	const full = sendMost - sendMost/5
	wait = min(max(2*waited, sendLeast), sendMost)
	return early(wait, random), wait >= full && waited < full
}

// early takes up to a fifth off a wait.
func early(wait time.Duration, random io.Reader) time.Duration {
	var b [2]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return wait
	}
	fifth := int64(wait / 5)
	return wait - time.Duration(fifth/(1<<16)*int64(binary.BigEndian.Uint16(b[:])))
}
