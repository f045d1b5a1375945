package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
)

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

// wires keeps the connections of Post, within the bounds that the other transport has.
type wires struct {
	dialer *net.Dialer
	tls    *tls.Config

	mu       sync.Mutex
	to       map[string]*destination
	idle     int
	sweeping bool // a timer is set
}

// destination is a scheme, host and port. It is forgotten when nobody uses it and nothing is kept for it.
type destination struct {
	name  string
	slots chan struct{} // one for each connection in use
	users int
	idle  []*wire // the one that rested last at the end
}

func newWires(dialer *net.Dialer, config *tls.Config) *wires {
	return &wires{dialer: dialer, tls: config, to: make(map[string]*destination)}
}

// sweepLooks is how often the sweeper finds a connection at rest before it closes it.
const sweepLooks = 2

// get returns a connection on which not a byte was sent for this call.
func (p *wires) get(ctx context.Context, u *url.URL) (*wire, error) {
	d := p.enter(u.Scheme + "://" + u.Host)
	if err := d.wait(ctx); err != nil {
		p.leave(d, nil)
		return nil, err
	}
	for w := p.pop(d); w != nil; w = p.pop(d) {
		if w.peek() {
			return w, nil
		}
		_ = w.conn.Close() // it is of no use
	}
	w, err := p.dial(ctx, u)
	if err != nil {
		<-d.slots
		p.leave(d, nil)
		return nil, err
	}
	w.to = d
	return w, nil
}

// wait takes a slot.
func (d *destination) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrOurs, err)
	}
	select {
	case d.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case d.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: waiting for one of %d connections: %w", ErrOurs, maxConnsPerHost, ctx.Err())
	}
}

// put takes a connection back: to rest if it can serve again, else to be closed.
func (p *wires) put(w *wire, again bool) {
	<-w.to.slots
	if again {
		w.looks = 0
		p.leave(w.to, w)
		return
	}
	_ = w.conn.Close() // it has failed already or is not wanted
	p.leave(w.to, nil)
}

func (p *wires) enter(name string) *destination {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.to[name]
	if d == nil {
		d = &destination{name: name, slots: make(chan struct{}, maxConnsPerHost)}
		p.to[name] = d
	}
	d.users++
	return d
}

// leave ends a use of the destination and keeps the connection, unless it is nil or there are enough.
func (p *wires) leave(d *destination, w *wire) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.users--
	if w != nil && (p.idle >= maxIdle || len(d.idle) >= maxIdlePerHost) {
		_ = w.conn.Close() // it is not wanted
		w = nil
	}
	if w != nil {
		d.idle = append(d.idle, w)
		p.idle++
		p.sweepLater()
	}
	p.forget(d)
}

// forget drops a destination that is not in use. The caller holds the lock.
func (p *wires) forget(d *destination) {
	if d.users == 0 && len(d.idle) == 0 {
		delete(p.to, d.name)
	}
}

// pop returns the connection that has rested for the shortest time, or nil.
func (p *wires) pop(d *destination) *wire {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(d.idle) - 1
	if last < 0 {
		return nil
	}
	w := d.idle[last]
	d.idle[last] = nil
	d.idle = d.idle[:last]
	p.idle--
	return w
}

// sweepLater sets the timer that closes what has rested too long. The caller holds the lock.
func (p *wires) sweepLater() {
	if p.sweeping || p.idle == 0 {
		return
	}
	p.sweeping = true
	time.AfterFunc(idleTimeout/sweepLooks, func() {
		p.closeIdle(sweepLooks)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sweeping = false
		p.sweepLater()
	})
}

// closeIdle closes the connections at rest that it finds for so many times; 0 means all.
func (p *wires) closeIdle(looks int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.to {
		kept := d.idle[:0]
		for _, w := range d.idle {
			if w.looks++; w.looks >= looks {
				_ = w.conn.Close() // nothing is under way on it
				continue
			}
			kept = append(kept, w)
		}
		p.idle -= len(d.idle) - len(kept)
		clear(d.idle[len(kept):])
		d.idle = kept
		p.forget(d)
	}
}

// dial connects to the host of the address; the dialer judges what its name resolves to.
func (p *wires) dial(ctx context.Context, u *url.URL) (*wire, error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	bare, err := p.dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	conn := bare
	if u.Scheme == "https" {
		if conn, err = p.secure(ctx, bare, u.Hostname()); err != nil {
			return nil, errors.Join(err, bare.Close())
		}
	}
	return newWire(conn, bare), nil
}

func (p *wires) secure(ctx context.Context, bare net.Conn, host string) (net.Conn, error) {
	config := p.tls.Clone()
	config.ServerName = host
	conn := tls.Client(bare, config)
	ctx, cancel := context.WithTimeout(ctx, tlsHandshakeWithin)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return conn, nil
}
