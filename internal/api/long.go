package api

import (
	"net/http"
	"slices"
	"sync"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/web"
)

// Long writes an answer with a JSON array of any length in it, of which no more than a part is in memory at a time. What fits into
// one part is sent as any other answer is. The memory is the shop's share of what all bodies have, see web.Room: whoever leaves
// answers unread holds no more than that. Close must follow.
type Long struct {
	w    http.ResponseWriter
	room web.Room
	buf  *[]byte
	here int  // elements in the part
	sent bool // elements in parts that are sent
}

const (
	headRoom  = 256       // bytes set aside for what stands before the array
	partBytes = 256 << 10 // from which on a part is sent
	lastRoom  = 128 << 10 // for the element that goes beyond it
	firstRoom = 64 << 10  // what an answer takes before its length is known; most are no longer
)

var longBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

// NewLong begins an answer to a request of the shop. The error is ErrBusy.
func NewLong(w http.ResponseWriter, r *http.Request, s shop.ID) (*Long, error) {
	l := &Long{w: w, room: web.RoomFor(r, string(s))}
	if l.room.Take(firstRoom) != nil {
		return nil, ErrBusy
	}
	l.buf = longBuffers.Get().(*[]byte) //nolint:errcheck // the pool holds nothing else
	l.Reset()
	return l, nil
}

// Close gives back what the answer has taken.
func (l *Long) Close() {
	l.room.Give()
	if cap(*l.buf) <= 2*firstRoom {
		longBuffers.Put(l.buf)
	}
}

// Reset forgets the elements that were not sent.
func (l *Long) Reset() {
	*l.buf = append((*l.buf)[:0], make([]byte, headRoom)...)
	l.here = 0
}

// Add adds an element, and reports that the part is to be sent.
func (l *Long) Add(element func(dst []byte) []byte) (full bool) {
	if l.sent || l.here > 0 {
		*l.buf = append(*l.buf, ',')
	}
	*l.buf = element(*l.buf)
	l.here++
	return len(*l.buf) >= headRoom+partBytes
}

// Send sends the part. Before the first one goes what stands before the array, at most headRoom bytes; after the last one what
// closes it. The error is ErrBusy, with which nothing was sent, or that of a caller who is gone: then nothing more need be read.
func (l *Long) Send(before []byte, last bool) error {
	part := *l.buf
	if last {
		part = append(part, `]}`...)
	}
	start := headRoom
	if before != nil {
		start -= len(before)
		copy(part[start:], before)
		if !last {
			part = slices.Grow(part, headRoom+partBytes+lastRoom-len(part))
		}
	}
	*l.buf = part
	if before != nil {
		if l.room.Take(cap(part)) != nil {
			return ErrBusy
		}
		if last {
			Answer(l.w, http.StatusOK, part[start:])
			return nil
		}
		begin(l.w, http.StatusOK)
	}
	_, err := l.w.Write(part[start:])
	l.sent = true
	return err //nolint:wrapcheck // nobody looks at it
}

// Break ends an answer of which a part is sent and the rest cannot be had: its connection is cut, so that nobody takes half of it for
// the whole.
func (l *Long) Break() { panic(http.ErrAbortHandler) }
