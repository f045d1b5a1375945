//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package tx

import "errors"

type folderLock struct{}

// lockFolder refuses: without an exclusive lock two processes could write one file.
func lockFolder(string) (*folderLock, error) {
	return nil, errors.New("the embedded database is not supported on this system; give the URL of a PostgreSQL database")
}

func (*folderLock) release() {}
