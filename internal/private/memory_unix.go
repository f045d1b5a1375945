//go:build unix

package private

import (
	"fmt"
	"syscall"
)

// Memory keeps the memory of this process to itself: it is written to no core dump, and on Linux no other process of the
// same user can attach to it or read it, nor see its environment and open files. The administrator still can.
func Memory() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("switch core dumps off: %w", err)
	}
	if err := undumpable(); err != nil {
		return fmt.Errorf("keep debuggers away: %w", err)
	}
	return nil
}
