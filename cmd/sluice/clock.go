//go:build !setclock

package main

import "time"

// clock is that of the process. A program built with the tag setclock, for tests, has one that starts when it is told to.
var clock = time.Now
