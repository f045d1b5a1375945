//go:build setclock

package main

import (
	"os"
	"time"
)

// clock is that of the process: it runs on from the instant that TEST_CLOCK names (RFC 3339), so that a test has the program
// see what there was as it stood then. It ends a process that is not told one.
var clock = func() func() time.Time {
	began := time.Now()
	at, err := time.Parse(time.RFC3339Nano, os.Getenv("TEST_CLOCK"))
	if err != nil {
		panic("TEST_CLOCK: " + err.Error())
	}
	return func() time.Time { return at.Add(time.Since(began)) }
}()
