//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package outbound

import (
	"net"
	"syscall"
)

// silence returns a function that reports whether a connection that rests is still open and nothing was sent on it: a
// peer that has closed it would never see the next request.
func silence(conn net.Conn) func() bool {
	source, ok := conn.(syscall.Conn)
	if !ok {
		return func() bool { return false }
	}
	raw, err := source.SyscallConn()
	if err != nil {
		return func() bool { return false }
	}
	var open bool
	var one [1]byte
	look := func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true
	}
	return func() bool { return raw.Read(look) == nil && open }
}
