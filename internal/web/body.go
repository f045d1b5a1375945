package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ErrBusy is returned by ReadBody and Room.Take where the memory for bodies is in use; the fitting answer is 429 or 503.
var ErrBusy = errors.New("no memory for one more body now")

// ErrBodyTooLarge is returned by ReadBody; the fitting answer is 413.
var ErrBodyTooLarge = errors.New("request body too large")

// ReadBody reads the whole body of at most limit bytes. A longer one is refused without reading it when its length was
// announced, else after limit bytes, and the connection is closed after the answer in the second case. Other errors
// mean that the caller broke off or was too slow.
//
// Memory is taken as bytes come, not as they are announced, and all bodies that are read at a time share what there is by
// their owners (see Options.BodyMemory): a shop, or whoever else they are for. Where an owner has all it may, the body of
// the same owner that has been on its way for longest, and for slowBody at least, makes room: its connection is closed.
// ErrBusy says that there is none.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64, owner string) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, fmt.Errorf("%w: %d bytes announced, %d allowed", ErrBodyTooLarge, r.ContentLength, limit)
	}
	if r.ContentLength == 0 {
		return nil, nil
	}
	m := memory{conn: connOf(r), owner: owner}
	defer m.arrived()
	b, err := m.read(http.MaxBytesReader(w, r.Body, limit), r.ContentLength, limit)
	if err == nil || errors.Is(err, ErrBusy) {
		return b, err
	}
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, fmt.Errorf("%w: over %d bytes", ErrBodyTooLarge, limit)
	}
	return nil, fmt.Errorf("reading the request body: %w", err)
}

// read reads so many bytes, or with an announced of -1 all there are; from fails where they are more than most.
func (m *memory) read(from io.Reader, announced, most int64) ([]byte, error) {
	whole := announced
	if announced < 0 {
		whole = most + 1
	}
	var b []byte
	for read := 0; ; {
		if read == len(b) {
			longer, err := m.grow(b, whole)
			if err != nil {
				return nil, err
			}
			b = longer
		}
		n, err := from.Read(b[read:])
		read += n
		switch {
		case announced >= 0 && int64(read) == whole:
			return b, nil
		case errors.Is(err, io.EOF) && announced < 0:
			return b[:read], nil
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err //nolint:wrapcheck // by the caller
		}
	}
}

// grow returns the bytes in more room, up to the whole.
func (m *memory) grow(b []byte, whole int64) ([]byte, error) {
	size := min(whole, max(firstPiece, 4*int64(len(b))))
	if !m.take(size - int64(len(b))) {
		return nil, ErrBusy
	}
	longer := make([]byte, size)
	copy(longer, b)
	clear(b) // it may hold a card
	return longer, nil
}

// firstPiece is how much is set aside for a body of which nothing is there yet. Nearly all are shorter.
const firstPiece = 4 << 10

// memory is for whom a body takes memory of its server's, and on which connection it comes.
type memory struct {
	conn  *conn // nil where there is no server of this package: then nothing is counted
	owner string
}

func (m *memory) take(n int64) bool {
	return m.conn == nil || m.conn.door.lend(m.conn, m.owner, int((n+1023)>>10))
}

// arrived says that the body was read, or is read no more.
func (m *memory) arrived() {
	if m.conn == nil {
		return
	}
	d := m.conn.door
	d.mu.Lock()
	defer d.mu.Unlock()
	m.conn.leave()
	m.conn.giveBack()
}

// lend takes so many kilobytes for the body that comes on the connection, or for the answer that goes, if need be by ending another
// one's.
func (d *door) lend(c *conn, owner string, kilobytes int) bool {
	now := d.caps.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.closed {
		return false
	}
	for !d.memory.Take(owner, kilobytes) {
		if slow := d.slowest(c, owner, now); slow != nil {
			d.end(slow, endedSlow)
		} else if unread := d.unread(c, owner, now); unread != nil {
			d.end(unread, endedUnread)
		} else {
			return false
		}
	}
	c.owner, c.kilobytes = owner, c.kilobytes+kilobytes
	return true
}

// slowest returns the connection whose body has been on its way for longest, of the bodies beside that one which hold memory
// of the owner and have taken their time; nil for none. The caller holds the lock.
func (d *door) slowest(beside *conn, owner string, now time.Time) *conn {
	for c := d.bodies.first; c != nil && now.Sub(c.since) >= slowBody; c = c.next {
		if c != beside && c.kilobytes > 0 && c.owner == owner {
			return c
		}
	}
	return nil
}

// giveBack gives back what the body that came on the connection has taken, or the answer that went. The caller holds the lock of the door.
func (c *conn) giveBack() {
	if c.kilobytes > 0 {
		c.door.memory.Give(c.owner, c.kilobytes)
		c.kilobytes = 0
	}
}
