//go:build unix

package private

import (
	"io/fs"
	"os"
	"syscall"
)

const modes = true // this system has owners and modes

// ownerOf is the user id that a file belongs to.
func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return os.Geteuid()
}
