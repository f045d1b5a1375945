package outbound

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// ErrNotSent means that no connection was ever obtained, so not one byte of the request can have left: a refused or
// malformed address, a failed lookup, a refused connection, a failed TLS handshake, a context that ended earlier.
// Trying elsewhere is safe.
var ErrNotSent = errors.New("request not sent")

// ErrUnknown means that a connection stood and no complete answer arrived. The other side may have acted on the
// request; only asking it can tell.
var ErrUnknown = errors.New("outcome unknown")

// ErrBlocked is wrapped, together with ErrNotSent, when the guard refused the address that the name resolved to.
var ErrBlocked = errors.New("address not allowed")

var errTooLarge = errors.New("answer body too large")

// maxErrorText bounds the part of an error's text that the other side may have written.
const maxErrorText = 200

// callError joins the class of a failed call with its cause. Its text is safe to log: it is short, and card numbers
// that the other side may have put into a broken answer are masked.
type callError struct {
	class error
	cause error
}

func (e *callError) Error() string {
	text := strings.ToValidUTF8(e.cause.Error(), "?")
	if len(text) > maxErrorText {
		text = truncate(text, maxErrorText)
	}
	return e.class.Error() + ": " + MaskDigits(text)
}

func (e *callError) Unwrap() []error { return []error{e.class, e.cause} }

// truncate cuts s to at most n bytes without splitting a character.
func truncate(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
