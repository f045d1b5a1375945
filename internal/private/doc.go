// Package private keeps what Sluice writes to disk for its owner alone: the data folder and all that is in it, ready files,
// places in a feed; and its memory to itself. It owns the rules for that: which folder may be used, what is tightened and what is refused, and how a
// file appears whole under its name. It does not know what is in the files. On systems without owners and modes it only
// writes.
//
// Read folder.go for the data folder, write_file.go for single files, memory_unix.go for core dumps and debuggers,
// wipe.go for secrets in texts.
package private
