package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// conn is a connection that counts. Its fields are guarded by the lock of its door, but for those of reading.
type conn struct {
	net.Conn
	door    *door
	client  netip.Addr // that it counts for; none where it counts for nobody
	leaving bool       // told to end
	closed  bool

	in         *line // in which it stands, or nil
	since      time.Time
	prev, next *conn

	owner     string // of the memory that the body of its request has taken
	kilobytes int    // of it

	reading sync.Mutex
	stopped bool // no read comes back with anything any more
}

// lastBody is how long the body of a last request may take.
const lastBody = 2 * time.Second

// past is a deadline that is over.
var past = time.Unix(1, 0)

// stopReading ends the read that is under way, and all that follow. What is being answered is answered: only then does
// the server find that nothing more comes.
func (c *conn) stopReading() {
	c.reading.Lock()
	defer c.reading.Unlock()
	c.stopped = true
	_ = c.Conn.SetReadDeadline(past) // of one that is closed already
}

// SetReadDeadline is how the server says how long it waits.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.stopped {
		t = past
	}
	return c.Conn.SetReadDeadline(t) //nolint:wrapcheck // the server looks at what it is
}

// CloseWrite lets the server close its half first, and wait a moment. Of a connection that has to make room nobody waits
// for the end.
func (c *conn) CloseWrite() error {
	c.door.mu.Lock()
	leaving := c.leaving
	c.door.mu.Unlock()
	if leaving {
		return c.Close()
	}
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite() //nolint:wrapcheck // the server looks at what it is
	}
	return nil
}

// Close closes the connection, which counts no more.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.door.mu.Lock()
	defer c.door.mu.Unlock()
	c.gone()
	return err //nolint:wrapcheck // the server looks at what it is
}

// gone says, once, that the connection counts no more. The caller holds the lock.
func (c *conn) gone() {
	if c.closed {
		return
	}
	d := c.door
	c.closed = true
	c.leave()
	c.giveBack()
	d.open--
	if c.leaving {
		d.leaving--
	}
	if c.client.IsValid() {
		if d.clients[c.client]--; d.clients[c.client] == 0 {
			delete(d.clients, c.client)
		}
	}
}

// begins says that the head of a request is there. One that came in the very moment in which its connection was told to
// end is served, as the last one.
func (c *conn) begins() {
	d := c.door
	d.mu.Lock()
	c.leave()
	last := c.leaving
	d.mu.Unlock()
	if !last {
		return
	}
	c.reading.Lock()
	defer c.reading.Unlock()
	c.stopped = false
	_ = c.Conn.SetReadDeadline(d.wall().Add(lastBody)) // of one that is closed already
}

// Write sends a part of an answer. It takes long only where the other side does not read and the buffers are full.
func (c *conn) Write(b []byte) (int, error) {
	c.door.answering(c)
	defer c.door.answered(c)
	if whole := dressed(b); whole != nil {
		n, err := c.Conn.Write(whole)
		return min(n, len(b)), err //nolint:wrapcheck // the server looks at what it is
	}
	return c.Conn.Write(b) //nolint:wrapcheck // likewise
}

// answering puts the connection into the line of those, unless its body is not there either: then it stays where it is,
// so that a "100 Continue" does not take it out.
func (d *door) answering(c *conn) {
	now := d.caps.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.in == nil && !c.closed {
		c.since = now
		d.answers.push(c)
	}
}

func (d *door) answered(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.in == &d.answers {
		c.leave()
	}
}

// rests says that a request was answered and the next one is waited for.
func (c *conn) rests() { c.stand(&c.door.quiet) }

// stand puts the connection at the end of a line, from now on.
func (c *conn) stand(in *line) {
	d := c.door
	now := d.caps.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.closed {
		return
	}
	c.leave()
	if c.leaving {
		c.stopReading()
		return
	}
	c.since = now
	in.push(c)
}

// leave takes the connection out of its line, if it stands in one. The caller holds the lock of the door.
func (c *conn) leave() {
	if c.in != nil {
		c.in.remove(c)
	}
}

// line holds connections, the one that has stood in it for longest first.
type line struct {
	first, last *conn
	count       int
}

// late returns the connection that has stood in the line for longest, if for so long, or if more than half of most do.
func (l *line) late(now time.Time, after time.Duration, most int) *conn {
	if c := l.first; c != nil && (l.count > most/2 || now.Sub(c.since) >= after) {
		return c
	}
	return nil
}

func (l *line) push(c *conn) {
	c.in, c.prev, c.next = l, l.last, nil
	l.count++
	if l.last != nil {
		l.last.next = c
	} else {
		l.first = c
	}
	l.last = c
}

func (l *line) remove(c *conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		l.last = c.prev
	}
	c.in, c.prev, c.next = nil, nil, nil
	l.count--
}

type connKey struct{}

// withConn lets the body of a request find its connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if mine, ok := c.(*conn); ok {
		return context.WithValue(ctx, connKey{}, mine)
	}
	return ctx
}

func connOf(r *http.Request) *conn {
	c, _ := r.Context().Value(connKey{}).(*conn)
	return c
}

// announced puts connections that have a body to send into the line of those, until it is read.
func announced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			if c := connOf(r); c != nil {
				c.stand(&c.door.bodies)
			}
		}
		next.ServeHTTP(w, r)
	})
}
