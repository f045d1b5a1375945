package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// idHeader tells events apart, however often one comes.
const idHeader = "Webhook-Id"

// message is what a receiver has got.
type message struct {
	ID   string `json:"id"`
	Body []byte `json:"body"`
}

// receiver is a merchant's server that accepts everything and keeps it. While it is shut it takes requests and does
// not answer.
type receiver struct {
	url  string
	srv  *http.Server
	mu   sync.Mutex
	gate chan struct{} // closed while the receiver is open
	got  map[string][]byte
	more chan struct{} // holds one when something has come
}

func openReceiver(ctx context.Context) (*receiver, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("%w: receiver: %w", errSetup, err)
	}
	r := &receiver{url: "http://" + l.Addr().String() + "/", more: make(chan struct{}, 1)}
	r.shut()
	r.srv = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.srv.Serve(l) }() // ends when it is closed
	return r, nil
}

func (r *receiver) close() { _ = r.srv.Close() } // nothing is left to lose

// ServeHTTP takes a message.
func (r *receiver) ServeHTTP(_ http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	gate := r.gate
	r.mu.Unlock()
	select {
	case <-gate:
	case <-q.Context().Done():
		return
	}
	r.mu.Lock()
	r.got[q.Header.Get(idHeader)] = body
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// shut holds answers back from now on and forgets what has come.
func (r *receiver) shut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gate, r.got = make(chan struct{}), map[string][]byte{}
}

// open lets all answers go. It must be shut.
func (r *receiver) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.gate)
}

// await returns when so many messages have come.
func (r *receiver) await(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		r.mu.Lock()
		got := len(r.got)
		r.mu.Unlock()
		if got >= n {
			return nil
		}
		select {
		case <-r.more:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d events came: %w", got, n, ctx.Err())
		}
	}
}

// messages returns what has come.
func (r *receiver) messages() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]message, 0, len(r.got))
	for id, body := range r.got {
		all = append(all, message{id, body})
	}
	return all
}
