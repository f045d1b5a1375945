// Package folder holds the data folder of an embedded database for one process, so that no two write one file. It knows nothing of what
// is in the folder.
package folder

import "errors"

// ErrInUse says that another process, or another part of this one, holds the folder.
var ErrInUse = errors.New("data folder is in use")
