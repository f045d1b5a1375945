package private

import "unsafe"

// Wipe overwrites the memory of a text, for all who share it. It is for secrets in texts that were read at run time and of
// which the caller knows everybody who looks at them: what is in the program itself cannot be overwritten, and ends it.
// A text of one byte is left, because the runtime shares those.
func Wipe(text string) {
	if len(text) < 2 {
		return
	}
	clear(unsafe.Slice(unsafe.StringData(text), len(text))) //nolint:gosec // see above
}

// Text is a text that shares the bytes' memory, instead of a copy that nobody could overwrite: it changes with them.
func Text(raw []byte) string {
	return unsafe.String(unsafe.SliceData(raw), len(raw)) //nolint:gosec // as it says
}
