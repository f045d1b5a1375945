package web

import (
	"net/http"
	"time"
)

// Room is the memory of a long answer, out of what bodies share by their owners (see Options.BodyMemory): whoever does not read
// its answer holds it. Where an owner has all it may, the answer of the same owner that nobody has taken for longest, and for
// slowAnswer at least, makes room: its connection is closed. The zero value counts nothing.
type Room struct {
	memory

	taken int64
}

// RoomFor returns the room of the answer to a request, for whom it is. Give must follow.
func RoomFor(r *http.Request, owner string) Room {
	return Room{memory: memory{conn: connOf(r), owner: owner}}
}

// Take has the answer hold so many bytes in all, or returns ErrBusy. Fewer than it holds are no change.
func (r *Room) Take(whole int) error {
	more := int64(whole) - r.taken
	if more <= 0 {
		return nil
	}
	if !r.take(more) {
		return ErrBusy
	}
	r.taken = int64(whole)
	return nil
}

// Give gives all of it back.
func (r *Room) Give() {
	r.taken = 0
	if r.conn == nil {
		return
	}
	d := r.conn.door
	d.mu.Lock()
	defer d.mu.Unlock()
	r.conn.giveBack()
}

// unread returns the connection whose answer has not been taken for longest, of those beside that one which hold memory of the
// owner and have had the time; nil for none. The caller holds the lock.
func (d *door) unread(beside *conn, owner string, now time.Time) *conn {
	for c := d.answers.first; c != nil && now.Sub(c.since) >= slowAnswer; c = c.next {
		if c != beside && c.kilobytes > 0 && c.owner == owner {
			return c
		}
	}
	return nil
}

// Memory is how many bytes all bodies and long answers hold now.
func (s *Server) Memory() int64 {
	d := s.door.Load()
	if d == nil {
		return 0
	}
	_, taken := d.memory.Held("")
	return int64(taken) << 10
}
