package outbound

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"
)

// ErrNotSent means that no connection was ever obtained, so not one byte of the request can have left: a refused or
// malformed address, a failed lookup, a refused connection, a failed TLS handshake, a context that ended earlier.
// Trying elsewhere is safe.
var ErrNotSent = errors.New("request not sent")

// ErrOurs is wrapped, together with ErrNotSent, when nothing left because of this process or its machine: no descriptor, no
// memory, no free port, no answer from the resolver, a call that was ended before anything was tried. It says nothing about
// the other side, and the same request may leave another time.
var ErrOurs = errors.New("for want of our own means")

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

// notSent is the error of a call of which nothing left. tried says that the way to the other side had been entered.
func notSent(cause error, tried bool) error {
	if !tried && isEnd(cause) || ours(cause) {
		return &callError{class: errNotSentOurs, cause: cause}
	}
	return &callError{class: ErrNotSent, cause: cause}
}

var errNotSentOurs = fmt.Errorf("%w %w", ErrNotSent, ErrOurs)

// isEnd reports the end of the caller's patience or of a limit, which before anything was tried is no word about anybody.
func isEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// ownFailures are what a system call says when this process or its machine has run out of something.
var ownFailures = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRNOTAVAIL, syscall.EAGAIN,
}

// Ours reports that something failed for a reason of this process or its machine, or for one that wraps ErrOurs.
func Ours(err error) bool { return err != nil && ours(err) }

// ours reports that the connection was not made for a reason on our own side. That a name does not exist is the word of
// whoever answers for it; that nobody could be asked is not.
func ours(err error) bool {
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return !lookup.IsNotFound
	}
	_, roots := errors.AsType[x509.SystemRootsError](err)
	return roots || errors.Is(err, ErrOurs) || errors.Is(err, context.Canceled) ||
		slices.ContainsFunc(ownFailures, func(own error) bool { return errors.Is(err, own) })
}

// truncate cuts s to at most n bytes without splitting a character.
func truncate(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
