//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package folder

import "errors"

// Lock is never held here.
type Lock struct{}

// Hold refuses: without an exclusive lock two processes could write one file.
func Hold(string) (*Lock, error) {
	return nil, errors.New("the embedded database is not supported on this system; give the URL of a PostgreSQL database")
}

// Release does nothing.
func (*Lock) Release() {}
