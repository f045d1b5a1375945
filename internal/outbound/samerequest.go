package outbound

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// ErrOther is wrapped, together with ErrNotSent, when a call that was to be the same as an earlier one would have sent something else.
var ErrOther = errors.New("it is not the request that was sent before")

// Sums are the hashes of what a call has sent under keys of ours, by which it can be told later whether another call is the same to the
// byte. They say nothing about what was sent to whoever has not the key of the hash.
type Sums struct {
	keyed func(sum []byte) []byte
	only  []string // what may be sent; nil for anything

	mu   sync.Mutex
	made []string
}

type sumsKey struct{}

// WithSums returns a context under which the hash of every request that says what it does Once is noted before it leaves. keyed makes
// a keyed hash of a plain one.
func WithSums(ctx context.Context, keyed func(sum []byte) []byte) (context.Context, *Sums) {
	s := &Sums{keyed: keyed}
	return context.WithValue(ctx, sumsKey{}, s), s
}

// OnlyAgain returns a context under which requests that say what they do Once leave only where they are among those that the text of
// Sums names; any other is not sent, and its error is ErrNotSent and ErrOther. keyed has to be the one of before.
func OnlyAgain(ctx context.Context, keyed func(sum []byte) []byte, sums string) context.Context {
	only := strings.Fields(sums)
	return context.WithValue(ctx, sumsKey{}, &Sums{keyed: keyed, only: append(make([]string, 0, len(only)), only...)})
}

// String names what was sent; empty for nothing. It is what OnlyAgain reads.
func (s *Sums) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.made, " ")
}

// sum notes what the request is, or says that it may not leave.
func (r *Request) sum(ctx context.Context, to *url.URL) error {
	s, _ := ctx.Value(sumsKey{}).(*Sums)
	if s == nil || r.Once == nil {
		return nil
	}
	name := base64.RawStdEncoding.EncodeToString(s.keyed(r.plainSum(to)))
	if s.only != nil && !slices.Contains(s.only, name) {
		return ErrOther
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = append(s.made, name)
	return nil
}

// plainSum is a hash of all that the request asks for, each part with its length before it.
func (r *Request) plainSum(to *url.URL) []byte {
	h := sha256.New()
	add := func(part []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	add([]byte(r.Method))
	add([]byte(to.String()))
	for _, name := range r.Once {
		add([]byte(name))
		for _, value := range r.Header.Values(name) {
			add([]byte(value))
		}
	}
	add(r.Body)
	sum := h.Sum(nil)
	h.Write(make([]byte, sha256.BlockSize)) // it keeps the end of what it was given until then
	return sum
}
