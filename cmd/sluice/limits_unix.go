//go:build unix

package main

import (
	"math"
	"syscall"
)

// descriptors is how many file descriptors this process may have. The soft limit was raised to the hard one when the
// process began, as every Go program does.
func descriptors() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return int(min(uint64(l.Cur), math.MaxInt32)) //nolint:unconvert // it is signed on some systems
}
