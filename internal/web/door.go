package web

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/limit"
	"github.com/sluicepay/sluice/internal/rescue"
)

// Caps bound the connections of one Server. The zero value bounds nothing.
//
// Whoever comes when there is no more room takes the place of the connection that has been quiet for longest: one that
// sends no request, or the head of one in drops; then of one that has sent a body in drops for slowBody, or for longest where
// more than half of all do. One whose answer has not been taken for slowAnswer, or the first of more than half of all, goes
// last, but before one that has been quiet for less than slowBody: that has only just come. So it is those who hold a place
// without using it that lose it, whoever they are. Only where everybody works is somebody refused.
type Caps struct {
	// Most is how many connections may be open at a time.
	Most int
	// PerClient is how many of them one client address may have; a network of 64 bits counts as one of IP version 6.
	PerClient int
	// Trusted are proxies: everybody behind one shares its address, so PerClient does not hold for it.
	Trusted []netip.Prefix
	// Refused is told why a connection was refused ("full", "client") or had to make room ("quiet", "slow", "unread"); nil drops it.
	Refused func(reason string)
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Why a connection is refused, or ended before its time.
const (
	refusedFull   = "full"
	refusedClient = "client"
	endedQuiet    = "quiet"
	endedSlow     = "slow"
	endedUnread   = "unread"
)

const (
	pressedQuiet = 5 * time.Second        // how long a connection may be quiet while more than three quarters of the places are taken
	slowBody     = 250 * time.Millisecond // how long a body may take before its connection has to make room where there is none
	slowAnswer   = time.Second            // how long the other side may leave its answer unread before likewise
	pressedEnds  = 4                      // how many that are quiet for longer are ended when one comes
	mostLinger   = 32                     // refused ones that are waited for at a time, so that they hear the answer
	lingerFor    = 500 * time.Millisecond // and how long
	lingerBytes  = 64 << 10               // and how much of what they sent is read
)

// refusal is all that one who is refused hears.
const refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\n" +
	"Retry-After: 1\r\nConnection: close\r\n" + plainLines + "\r\nToo many connections\n"

// door is a listener that lets so many in.
type door struct {
	net.Listener
	caps Caps

	mu      sync.Mutex
	open    int                // connections that are not closed
	leaving int                // of them, told to end
	clients map[netip.Addr]int // open ones by address, of those that PerClient holds for
	quiet   line               // those without a whole head of a request
	bodies  line               // those whose body is not read
	answers line               // those whose answer is being written: what the buffers hold leaves this line at once
	linger  int

	wall   func() time.Time      // the system's, by which deadlines of connections go
	memory *limit.Places[string] // kilobytes of bodies that are being read, by owner
}

func newDoor(l net.Listener, c Caps, memory int64) *door {
	if c.Refused == nil {
		c.Refused = func(string) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &door{Listener: l, caps: c, clients: make(map[netip.Addr]int), wall: time.Now, memory: limit.NewPlaces[string](int(memory >> 10))}
}

// Accept returns the next connection for which there is room. Those for which there is none never hold it up.
func (d *door) Accept() (net.Conn, error) {
	for {
		raw, err := d.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // the server looks at what it is
		}
		c, reason := d.admit(raw)
		if c != nil {
			return c, nil
		}
		d.caps.Refused(reason)
		d.refuse(raw)
	}
}

// admit lets the connection in, or says why not.
func (d *door) admit(raw net.Conn) (*conn, string) {
	c := &conn{Conn: raw, door: d, client: d.clientOf(raw)}
	now := d.caps.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.client.IsValid() && d.clients[c.client] >= d.caps.PerClient {
		return nil, refusedClient
	}
	d.relieve(now)
	if !d.makeRoom(now) {
		return nil, refusedFull
	}
	d.open++
	if c.client.IsValid() {
		d.clients[c.client]++
	}
	c.since = now
	d.quiet.push(c)
	return c, ""
}

// relieve tells some that have been quiet for a while to end, while more than three quarters of the places are taken. The
// caller holds the lock.
func (d *door) relieve(now time.Time) {
	most := d.caps.Most
	for n := 0; n < pressedEnds && most > 0 && d.open-d.leaving > most-most/4; n++ {
		c := d.quiet.first
		if c == nil || now.Sub(c.since) < pressedQuiet {
			return
		}
		c.leave()
		c.leaving = true
		d.leaving++
		d.caps.Refused(endedQuiet)
		c.stopReading()
	}
}

// makeRoom reports whether one more may come in. Where there is no place, one that does not use its own loses it at once:
// its descriptor is free for the next. The caller holds the lock.
func (d *door) makeRoom(now time.Time) bool {
	most := d.caps.Most
	if most <= 0 || d.open < most {
		return true
	}
	c, why := d.quiet.first, endedQuiet
	if c == nil {
		c, why = d.bodies.late(now, slowBody, most), endedSlow
	}
	if c == nil || why == endedQuiet && now.Sub(c.since) < slowBody { // it has only just come, and had no time to ask
		if unread := d.answers.late(now, slowAnswer, most); unread != nil {
			c, why = unread, endedUnread
		}
	}
	if c == nil {
		return false
	}
	d.end(c, why)
	return true
}

// end closes a connection that has to make room. The caller holds the lock.
func (d *door) end(c *conn, why string) {
	d.caps.Refused(why)
	_ = c.Conn.Close() // it ends for its server, too, which reads nothing more
	c.gone()
}

// clientOf is the address under which a connection counts; none where PerClient does not hold.
func (d *door) clientOf(raw net.Conn) netip.Addr {
	tcp, ok := raw.RemoteAddr().(*net.TCPAddr)
	if !ok || d.caps.PerClient <= 0 {
		return netip.Addr{}
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	if contains(d.caps.Trusted, addr) {
		return netip.Addr{}
	}
	return Network(addr)
}

// Network is the address by which one client is told from others: of IP version 6 the network of 64 bits, which is what
// one client is given.
func Network(addr netip.Addr) netip.Addr {
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Masked().Addr()
		}
	}
	return addr
}

// refuse answers in one short write, which the empty buffer of a new connection takes at once.
func (d *door) refuse(raw net.Conn) {
	_ = raw.SetWriteDeadline(d.wall().Add(lingerFor)) // nobody waits for it
	_, err := raw.Write([]byte(refusal))
	d.mu.Lock()
	stays := err == nil && d.linger < min(mostLinger, max(d.caps.Most/8, 1))
	if stays {
		d.linger++
	}
	d.mu.Unlock()
	if !stays {
		_ = raw.Close() // nothing is owed any more
		return
	}
	go func() {
		err := rescue.Run(func() { d.hearOut(raw) })
		_ = raw.Close() // likewise
		d.mu.Lock()
		d.linger--
		d.mu.Unlock()
		_ = err // a connection that cannot be heard out is closed
	}()
}

// hearOut reads what the other side sends for a moment: a connection that is closed with something unread is reset, and
// the other side may lose the answer.
func (d *door) hearOut(raw net.Conn) {
	if half, ok := raw.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // it ends soon in any case
	}
	_ = raw.SetReadDeadline(d.wall().Add(lingerFor)) // likewise
	var buf [1024]byte
	for left := lingerBytes; left > 0; {
		n, err := raw.Read(buf[:])
		if err != nil {
			return
		}
		left -= n
	}
}

// state follows what the server says about its connections.
func (d *door) state(c net.Conn, s http.ConnState) {
	mine, ok := c.(*conn)
	if !ok {
		return
	}
	switch s {
	case http.StateActive:
		mine.begins()
	case http.StateIdle:
		mine.rests()
	case http.StateNew, http.StateHijacked, http.StateClosed: // counted by Accept and Close
	}
}

// counts returns how many connections are open.
func (d *door) counts() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}
