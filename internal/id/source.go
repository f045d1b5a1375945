package id

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	maxSetback = 10 * time.Second // how far the clock may step back before it is followed
	counterTop = 1 << 62          // the counter has 62 bits
	bufferSize = 4096
)

// Source makes identifiers and secrets from a clock and a stream of random bytes. It is safe for concurrent
// use, and reads the stream in blocks, so that a Source sharing its reader with others is not repeatable.
type Source struct {
	now    func() time.Time
	random io.Reader

	mu      sync.Mutex // guards what follows, and calls of random
	last    int64      // the microsecond of the latest id
	counter uint64     // the 62 low bits of the latest id
	unused  []byte     // random bytes read and not yet spent: the tail of block
	block   [bufferSize]byte
}

// NewSource returns a Source on the given clock and random bytes. Secrets are as good as the bytes: pass
// crypto/rand.Reader except in tests and simulations. That reader never fails, so methods of Source return no
// error: they panic if random does.
func NewSource(now func() time.Time, random io.Reader) *Source {
	return &Source{now: now, random: random, last: -1}
}

// New makes an identifier: a UUID of version 7 (RFC 9562) as 32 lower-case hexadecimal digits without dashes.
// It holds the time in milliseconds, the microseconds within (in the field rand_a), and 62 bits that start at
// random and grow by random steps while the microsecond stays the same.
//
// at is the very instant that the id holds, in UTC, so that ordering by id orders by at. The ids of one Source
// always increase; when the clock steps back by up to ten seconds, at stands still until the clock has caught
// up. A larger step is taken for a correction, and followed. An id is unique, yet can be guessed: it is never
// a secret.
func (s *Source) New() (id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	micros := min(max(s.now().UnixMicro(), 0), maxMicros)
	if micros <= s.last && s.last-micros <= maxSetback.Microseconds() {
		s.advance()
	} else {
		s.last, s.counter = micros, s.bits64()>>3 // the top bit is left free, to count upwards
	}
	return encode(s.last, s.counter), time.UnixMicro(s.last).UTC()
}

// advance moves to the next id in the same microsecond, or to the next microsecond if the counter is full.
func (s *Source) advance() {
	s.counter += s.bits64()>>32 + 1
	if s.counter >= counterTop {
		s.last, s.counter = s.last+1, s.bits64()>>3
	}
}

// Letters makes a secret of n characters, each of the 62 digits and ASCII letters being equally likely: about
// 5.95 bits a character. It returns "" when n is not positive.
func (s *Source) Letters(n int) string {
	if n <= 0 {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]byte, n)
	for i := 0; i < n; {
		six := s.take(1)[0] & 63
		if int(six) < len(letters) { // 62 and 63 are thrown away, to favour no letter
			out[i] = letters[six]
			i++
		}
	}
	return string(out)
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (s *Source) bits64() uint64 { return binary.BigEndian.Uint64(s.take(8)) }

// take returns the next n random bytes, n being at most 8, valid until the next call.
func (s *Source) take(n int) []byte {
	if len(s.unused) < n {
		if _, err := io.ReadFull(s.random, s.block[:]); err != nil {
			panic(fmt.Sprintf("id: the source of random bytes does not work: %v", err))
		}
		s.unused = s.block[:]
	}
	taken := s.unused[:n]
	s.unused = s.unused[n:]
	return taken
}
