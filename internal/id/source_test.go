package id

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"
)

// stopped is a clock that a test moves by hand.
type stopped struct{ t time.Time }

func (c *stopped) now() time.Time { return c.t }

func seeded(seed byte) *mathrand.ChaCha8 { return mathrand.NewChaCha8([32]byte{seed}) }

var noon = time.Date(2026, 11, 20, 12, 0, 0, 123_456_000, time.UTC)

func TestNewLaysOutAVersion7UUID(t *testing.T) {
	t.Parallel()
	clock := &stopped{noon.Add(789 * time.Nanosecond)}
	id, at := NewSource(clock.now, seeded(1)).New()
	if !at.Equal(noon) || at.Location() != time.UTC {
		t.Errorf("at = %v, want %v", at, noon)
	}
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != 16 || !Valid(id) {
		t.Fatalf("id = %q: %v", id, err)
	}
	var millis int64
	for _, b := range raw[:6] {
		millis = millis<<8 | int64(b)
	}
	if millis != noon.UnixMilli() {
		t.Errorf("%d ms, want %d", millis, noon.UnixMilli())
	}
	if version, micros := raw[6]>>4, int(raw[6]&0xf)<<8|int(raw[7]); version != 7 || micros != 456 {
		t.Errorf("version %d with %d microseconds, want 7 with 456", version, micros)
	}
	if raw[8]>>6 != 0b10 {
		t.Errorf("variant bits %02b, want 10", raw[8]>>6)
	}
	if back, ok := Time(id); !ok || !back.Equal(at) {
		t.Errorf("Time = %v, %t, want %v", back, ok, at)
	}
}

func TestNewRepeatsUnderOneSeed(t *testing.T) {
	t.Parallel()
	clock := &stopped{noon}
	a, b, c := NewSource(clock.now, seeded(1)), NewSource(clock.now, seeded(1)), NewSource(clock.now, seeded(2))
	for range 100 {
		x, _ := a.New()
		y, _ := b.New()
		z, _ := c.New()
		if x != y || x == z {
			t.Fatalf("%s, %s of one seed and %s of another", x, y, z)
		}
	}
}

func TestAMillionIDsIncrease(t *testing.T) {
	t.Parallel()
	for name, now := range map[string]func() time.Time{
		"running clock": time.Now,
		"stopped clock": (&stopped{noon}).now,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewSource(now, rand.Reader)
			last, lastAt := "", time.Time{}
			for range 1_000_000 {
				id, at := s.New()
				if id <= last || at.Before(lastAt) {
					t.Fatalf("%s at %v came after %s at %v", id, at, last, lastAt)
				}
				last, lastAt = id, at
			}
		})
	}
}

func TestNewWhenTheClockMovesBack(t *testing.T) {
	t.Parallel()
	clock := &stopped{noon}
	s := NewSource(clock.now, seeded(1))
	first, firstAt := s.New()
	clock.t = noon.Add(-maxSetback)
	second, secondAt := s.New()
	if second <= first || !secondAt.Equal(firstAt) {
		t.Errorf("a small step back: %s at %v after %s at %v", second, secondAt, first, firstAt)
	}
	clock.t = noon.Add(-maxSetback - time.Microsecond)
	if _, at := s.New(); !at.Equal(clock.t) {
		t.Errorf("a large step back: at %v, want %v", at, clock.t)
	}
}

func TestNewOnImpossibleTimes(t *testing.T) {
	t.Parallel()
	clock := &stopped{}
	s := NewSource(clock.now, seeded(1))
	if id, at := s.New(); !Valid(id) || at.UnixMicro() != 0 {
		t.Errorf("before 1970: %s at %v", id, at)
	}
	clock.t = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	id, at := s.New()
	if back, ok := Time(id); !ok || !back.Equal(at) || at.UnixMicro() != maxMicros {
		t.Errorf("after the last year: %s at %v", id, at)
	}
}

// A counter fills up after half a thousand million ids in one microsecond at the least, so it is set by hand.
func TestNewMovesOnWhenTheCounterIsFull(t *testing.T) {
	t.Parallel()
	clock := &stopped{noon}
	s := NewSource(clock.now, allOnes{})
	_, _ = s.New()
	s.counter = counterTop - 1
	id, at := s.New()
	if want := noon.Add(time.Microsecond); !at.Equal(want) {
		t.Errorf("at %v, want the next microsecond %v", at, want)
	}
	if back, ok := Time(id); !ok || !back.Equal(at) {
		t.Errorf("%s holds %v, %t", id, back, ok)
	}
}

type allOnes struct{}

func (allOnes) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0xff
	}
	return len(p), nil
}

func TestSourceIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	const workers, each = 8, 5000
	s := NewSource(time.Now, rand.Reader)
	var wg sync.WaitGroup
	made := make([][]string, workers)
	for w := range workers {
		wg.Go(func() {
			for range each {
				id, _ := s.New()
				made[w] = append(made[w], id)
				_ = s.Letters(3)
			}
		})
	}
	wg.Wait()
	seen := make(map[string]bool, workers*each)
	for _, ids := range made {
		for i, id := range ids {
			if seen[id] || (i > 0 && id <= ids[i-1]) {
				t.Fatalf("%s is repeated or out of order", id)
			}
			seen[id] = true
		}
	}
}

func TestSourcePanicsWithoutRandomness(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*Source{
		"failing": NewSource(time.Now, iotest.ErrReader(errors.New("no entropy"))),
		"ended":   NewSource(time.Now, bytes.NewReader(make([]byte, 100))),
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, "random bytes") {
					t.Errorf("%s: panic %q", name, text)
				}
			}()
			s.New()
			t.Errorf("%s: no panic", name)
		}()
	}
}

func TestLetters(t *testing.T) {
	t.Parallel()
	s := NewSource(time.Now, seeded(1))
	if s.Letters(0) != "" || s.Letters(-1) != "" {
		t.Error("letters out of nothing")
	}
	const each = 2000
	counts := map[rune]int{}
	for _, c := range s.Letters(each * len(letters)) {
		counts[c]++
	}
	if len(counts) != len(letters) {
		t.Fatalf("%d different characters, want %d", len(counts), len(letters))
	}
	// The spread of a fair count of 2000 is about 45. A bias by modulo 62 of a byte gives 10 of the letters a
	// quarter more: 2400.
	for c, n := range counts {
		if n < each-250 || n > each+250 || !strings.ContainsRune(letters, c) {
			t.Errorf("%q came up %d times, want about %d", c, n, each)
		}
	}
}

func TestFloorIsTheBorderOfTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.OneOf(
			rapid.Int64Range(0, maxMicros),
			rapid.Int64Range(0, 5000),
			rapid.Int64Range(maxMicros-5000, maxMicros),
			rapid.Int64Range(noon.UnixMicro()-5000, noon.UnixMicro()+5000),
		).Draw(t, "instant")
		at := time.UnixMicro(micros)
		// Borders close to the instant are where a mistake would show, on either side and between microseconds.
		border := at.Add(time.Duration(rapid.OneOf(
			rapid.Int64Range(-3000, 3000), rapid.Int64(), rapid.Just(int64(0)),
		).Draw(t, "distance")))
		clock := &stopped{at}
		id, got := NewSource(clock.now, seeded(byte(micros))).New()
		if !got.Equal(at) {
			t.Fatalf("at = %v, want %v", got, at)
		}
		if (id >= Floor(border)) != !at.Before(border) {
			t.Fatalf("%s of %v against %s of %v", id, at, Floor(border), border)
		}
		for _, extreme := range []uint64{0, counterTop - 1} {
			if id := encode(micros, extreme); (id >= Floor(border)) != !at.Before(border) {
				t.Fatalf("%s of %v against %s of %v", id, at, Floor(border), border)
			}
		}
	})
}

func TestFloorOfExtremeTimes(t *testing.T) {
	t.Parallel()
	lowest, highest := encode(0, 0), encode(maxMicros, counterTop-1)
	for _, early := range []time.Time{{}, time.UnixMicro(-1), time.UnixMicro(0), time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if f := Floor(early); len(f) != textLen || f > lowest {
			t.Errorf("Floor(%v) = %s leaves %s out", early, f, lowest)
		}
	}
	for _, late := range []time.Time{time.UnixMicro(maxMicros + 1), time.UnixMicro(maxMicros).Add(1), time.Date(900000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if f := Floor(late); len(f) != textLen || f <= highest {
			t.Errorf("Floor(%v) = %s lets %s in", late, f, highest)
		}
	}
	if f := Floor(time.UnixMicro(maxMicros)); f > encode(maxMicros, 0) {
		t.Errorf("Floor of the last microsecond is %s", f)
	}
	zone := time.FixedZone("", -12*3600)
	if Floor(noon) != Floor(noon.In(zone)) {
		t.Error("Floor depends on the time zone")
	}
}

func BenchmarkNew(b *testing.B) {
	s := NewSource(time.Now, rand.Reader)
	b.ReportAllocs()
	for b.Loop() {
		s.New()
	}
}
