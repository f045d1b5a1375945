package web

import (
	"io"
	"net/http"
	"testing"
	"time"
)

const (
	longPath  = "/long"
	longBytes = 64 << 20
)

// long answers with more than any buffers on the way hold, and holds memory for a part of it.
func long(w http.ResponseWriter, r *http.Request) {
	room := RoomFor(r, "somebody")
	defer room.Give()
	for _, n := range []int{8 << 10, 16 << 10, 1 << 10} { // it never shrinks
		if err := room.Take(n); err != nil {
			http.Error(w, err.Error(), http.StatusTooManyRequests)
			return
		}
	}
	_, _ = w.Write(make([]byte, longBytes))
}

// TestAnswersThatNobodyReadsShareMemory: an owner's answers hold half of what there is; one more makes the one go that nobody has
// taken for longest, once that has had its time.
func TestAnswersThatNobodyReadsShareMemory(t *testing.T) {
	t.Parallel()
	i := newInnWith(t, 64<<10, 0, 0)
	ask := func() *guest {
		g := i.dial()
		g.send("GET " + longPath + " HTTP/1.1\r\nHost: h\r\n\r\n")
		return g
	}
	begun := func(g *guest) { // its head is there: the rest is being written
		t.Helper()
		if status, err := g.r.Peek(12); err != nil || string(status) != "HTTP/1.1 200" {
			t.Fatalf("%q, %v", status, err)
		}
	}
	first := ask()
	begun(first)
	i.unread(1)
	i.advance(time.Millisecond)
	second := ask()
	begun(second)
	i.unread(2)
	if held := i.server.Memory(); held != 32<<10 {
		t.Errorf("two answers hold %d bytes", held)
	}
	if status, _ := ask().answer(); status != http.StatusTooManyRequests {
		t.Errorf("one more is answered %d while the others may still be read", status)
	}
	i.advance(slowAnswer)
	third := ask()
	begun(third)
	if n, _ := io.Copy(io.Discard, first.r); n >= longBytes { // however it ends
		t.Error("the first answer is whole")
	}
	if n := i.times(endedUnread); n != 1 {
		t.Errorf("%d connections had to make room", n)
	}
	if held := i.server.Memory(); held != 32<<10 {
		t.Errorf("two answers hold %d bytes", held)
	}
	for _, g := range []*guest{second, third} {
		_ = g.Close()
	}
	i.lent("somebody", 0)
}
