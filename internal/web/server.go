package web

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Limits used where Options leaves a field zero. The write limit is above the longest call to a provider, since an
// answer may wait for one. The head of a request has room for a path that names something by 2048 characters of four
// bytes, each byte escaped (24 KiB): merchants' ids may be that long, and what has such a name must be found by it.
const (
	DefaultReadHeaderTimeout = 5 * time.Second
	DefaultReadTimeout       = 15 * time.Second
	DefaultWriteTimeout      = 60 * time.Second
	DefaultIdleTimeout       = 120 * time.Second
	DefaultDrainTimeout      = 35 * time.Second
	MaxHeaderBytes           = 32 << 10
	DefaultBodyMemory        = 64 << 20
)

// ErrDrain is returned by Serve when requests were still running at the end of the drain time and were cut off.
var ErrDrain = errors.New("requests cut off at the end of the drain time")

// Options configures a Server. Handler and Logger are required; zero durations mean the defaults above.
type Options struct {
	Handler           http.Handler
	Logger            *slog.Logger
	ReadHeaderTimeout time.Duration
	ReadTimeout       time.Duration
	WriteTimeout      time.Duration
	IdleTimeout       time.Duration
	// DrainTimeout is how long Serve waits for running requests once its context has ended.
	DrainTimeout time.Duration
	// Caps bound the connections.
	Caps Caps
	// BodyMemory is how many bytes the bodies that are being read may take together, of which one owner may have as many as
	// it leaves free.
	BodyMemory int64
}

// Server serves one handler on one listener with limits on time and size. Make one for each listener.
type Server struct {
	http   *http.Server
	drain  time.Duration
	caps   Caps
	memory int64
	door   atomic.Pointer[door] // while it serves
}

// New builds a server. Only HTTP/1.1 is spoken: behind a proxy it is what is asked for, and it leaves no streams whose
// number would have to be bounded.
func New(o Options) *Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	if o.BodyMemory <= 0 {
		o.BodyMemory = DefaultBodyMemory
	}
	return &Server{
		http: &http.Server{
			Handler:           plain(announced(o.Handler)),
			ReadHeaderTimeout: or(o.ReadHeaderTimeout, DefaultReadHeaderTimeout),
			ReadTimeout:       or(o.ReadTimeout, DefaultReadTimeout),
			WriteTimeout:      or(o.WriteTimeout, DefaultWriteTimeout),
			IdleTimeout:       or(o.IdleTimeout, DefaultIdleTimeout),
			MaxHeaderBytes:    MaxHeaderBytes,
			ErrorLog:          log.New(&complaints{o.Logger}, "", 0),
			Protocols:         protocols,
			ConnContext:       withConn,
		},
		drain: or(o.DrainTimeout, DefaultDrainTimeout), caps: o.Caps, memory: o.BodyMemory,
	}
}

// Open is how many connections are open.
func (s *Server) Open() int {
	if d := s.door.Load(); d != nil {
		return d.counts()
	}
	return 0
}

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// Serve answers requests from l until ctx ends, then accepts no more, lets running requests finish for the drain time
// and returns nil. It returns an error wrapping ErrDrain if some had to be cut off, or the listener's own error. It
// closes l in every case. The context of a request does not end with ctx but when the request does, or is cut off.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	base, cutOff := context.WithCancel(context.WithoutCancel(ctx))
	defer cutOff()
	s.http.BaseContext = func(net.Listener) context.Context { return base }

	d := newDoor(l, s.caps, s.memory)
	s.http.ConnState = d.state
	s.door.Store(d)
	stopped := make(chan error, 1)
	go func() { stopped <- s.http.Serve(d) }()
	select {
	case err := <-stopped:
		return fmt.Errorf("serving %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}

	deadline, cancel := context.WithTimeout(base, s.drain)
	defer cancel()
	err := s.http.Shutdown(deadline)
	<-stopped //nolint:errcheck // only that it was told to stop
	if err == nil {
		return nil
	}
	cutOff()
	if closeErr := s.http.Close(); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	return fmt.Errorf("%w (%s): %w", ErrDrain, s.drain, err)
}
