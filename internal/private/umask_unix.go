//go:build unix

package private

import "syscall"

// Umask has everything that this process makes from now on belong to its owner only. It is for the whole process.
func Umask() { syscall.Umask(0o077) }
