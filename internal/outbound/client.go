package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Limits used where Options leaves a field zero.
const (
	DefaultTimeout = 30 * time.Second
	DefaultMaxBody = 1 << 20
)

const userAgent = "Sluice"

// Options configures a Client. The zero value is a client that may only reach public addresses, records nothing but
// the shape of messages, and uses the limits above.
type Options struct {
	// Transport replaces the one built here. A given transport decides by itself which addresses it reaches (Guard is
	// not applied), and only an error that wraps ErrNotSent counts as proof that nothing left, unless it is an
	// *http.Transport, whose connections can be observed.
	Transport http.RoundTripper
	// Certificate is what the client shows of itself to servers that ask who it is; nil for nothing. Authorities are whom
	// servers' certificates lead to; nil for those of the system. A given transport uses neither.
	Certificate *tls.Certificate
	Authorities *x509.CertPool
	// Timeout bounds one call from the first lookup to the last byte of the answer.
	Timeout time.Duration
	// MaxBody is the largest answer body accepted, in bytes after decompression.
	MaxBody int64
	// Guard chooses which addresses may be connected to. Its zero value refuses everything that is not public.
	Guard Guard
	// Now is the clock for the record of messages. It is required.
	Now func() time.Time
	// Loggable names what the record of messages may show.
	Loggable Allowlist
}

// Client makes calls. It is safe for concurrent use; create it with New and keep it, since it pools connections.
type Client struct {
	pooled   http.RoundTripper
	fresh    http.RoundTripper // never reuses a connection; nil where the transport was given
	wires    *wires            // connections of Post; nil where the transport was given
	observed bool              // whether the transport reports the connection it obtained
	timeout  time.Duration
	maxBody  int64
	now      func() time.Time
	allow    *allowSet
	made     Options // of which
}

// Request is one call. Body is sent as given and may be empty; it must not be changed until Do returns.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
	// Wipe has Do overwrite the body once nothing reads it any more: when it was sent, or when it never will be. Then it
	// must not be used again. A transport that was given is not waited for, and gets a body that stays.
	Wipe bool
	// Once says that the request does something that the provider does once under a key of ours, and answers as before when the
	// same comes again. It names the headers that belong to what is asked for, such as the key and the account; those that are
	// other ones each time, such as signatures, are left out. Nil for all other requests. See WithSums and OnlyAgain.
	Once []string
}

// Response is a complete answer: the body was read to its end and is within the limit.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// New builds a client. It panics without a clock, which is a mistake of the program and not of its input.
func New(o Options) *Client {
	if o.Now == nil {
		panic("outbound: Options.Now is required")
	}
	c := &Client{timeout: o.Timeout, maxBody: o.MaxBody, now: o.Now, allow: newAllowSet(o.Loggable), made: o}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.maxBody <= 0 {
		c.maxBody = DefaultMaxBody
	}
	if o.Transport != nil {
		c.pooled = o.Transport
		_, c.observed = o.Transport.(*http.Transport)
		return c
	}
	c.pooled, c.fresh, c.observed = newTransport(&o, false), newTransport(&o, true), true
	c.wires = newWires(newDialer(o.Guard), newTLSConfig(&o))
	return c
}

// WithLoggable returns a client that shares this one's connections and limits but records messages by another list.
func (c *Client) WithLoggable(a Allowlist) *Client {
	other := *c
	other.allow = newAllowSet(a)
	return &other
}

// WithIdentity returns a client like this one with connections of its own, on which it shows the certificate to servers that ask for one, and
// goes by these authorities; nil for those that this one has. A transport that was given stays as it is.
func (c *Client) WithIdentity(own *tls.Certificate, authorities *x509.CertPool) *Client {
	o := c.made
	o.Certificate = own
	if authorities != nil {
		o.Authorities = authorities
	}
	other := New(o)
	other.allow = c.allow
	return other
}

// CloseIdle closes the connections that no call is using.
func (c *Client) CloseIdle() {
	if t, ok := c.pooled.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	if c.wires != nil {
		c.wires.closeIdle(0)
	}
}

// Do sends the request once and reads the whole answer. It follows no redirect, keeps no cookie and never sends again.
// Any status is an answer and not an error. An error wraps ErrNotSent when nothing can have left this process, then also
// ErrOurs where that is our own doing, and ErrUnknown when the other side may have received the request.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var connected, tried atomic.Bool
	if c.observed {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			DNSStart:     func(httptrace.DNSStartInfo) { tried.Store(true) },
			ConnectStart: func(string, string) { tried.Store(true) },
			GotConn:      func(httptrace.GotConnInfo) { connected.Store(true) },
			WroteRequest: func(httptrace.WroteRequestInfo) { r.wipe() },
		})
	}
	req, err := newHTTPRequest(ctx, r)
	if err != nil {
		return nil, &callError{class: ErrNotSent, cause: err}
	}
	if err := ctx.Err(); err != nil {
		r.wipe()
		return nil, notSent(err, false)
	}
	if err := r.sum(ctx, req.URL); err != nil {
		r.wipe()
		return nil, &callError{class: ErrNotSent, cause: err}
	}

	rec := recorderOf(ctx)
	rec.begin()
	started := c.now()
	rec.recordRequest(started, req.URL, r, c.allow)
	res, err := c.transportFor(req).RoundTrip(req)
	if err != nil {
		if errors.Is(err, ErrNotSent) || c.observed && !connected.Load() {
			r.wipe() // no connection was there to read it
			return nil, notSent(err, tried.Load() || !c.observed)
		}
		return nil, &callError{class: ErrUnknown, cause: err}
	}
	body, err := c.readBody(res)
	rec.recordAnswer(c.now(), started, req, answer{res: res, body: body, err: err}, c.allow)
	if err != nil {
		return nil, &callError{class: ErrUnknown, cause: fmt.Errorf("status %d, then %w", res.StatusCode, err)}
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

// wipe overwrites a body that is to be wiped.
func (r *Request) wipe() {
	if r.Wipe {
		clear(r.Body)
	}
}

// transportFor gives a command without a body a connection of its own, where the standard library never repeats a
// request. On a shared connection it could only be kept from that by a body, and would then frame the empty body as
// chunks, which some servers refuse; this way they see Content-Length: 0.
func (c *Client) transportFor(req *http.Request) http.RoundTripper {
	if c.fresh == nil || req.ContentLength > 0 || isRead(req.Method) {
		return c.pooled
	}
	req.Body = nil
	return c.fresh
}

// newHTTPRequest always leaves GetBody nil and Body set. The standard library
// repeats a request whose reused connection broke when it can produce the body again or when there is none, for reads
// and for anything that carries an Idempotency-Key; a body that can be read once is what takes that choice from it.
func newHTTPRequest(ctx context.Context, r *Request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, nil)
	if err != nil {
		// The parser's message repeats the address, which may hold a secret.
		return nil, errors.New("malformed method or address")
	}
	if err := checkURL(req.URL); err != nil {
		return nil, err
	}
	if h := r.Header.Clone(); h != nil {
		req.Header = h
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", userAgent)
	}
	// A NopCloser over a bytes.Reader is recognised as in-memory, so headers and body leave in one write.
	req.Body = io.NopCloser(bytes.NewReader(r.Body))
	req.ContentLength = int64(len(r.Body))
	if req.ContentLength == 0 && isRead(req.Method) {
		// Without this an empty body of unknown length would be probed for 200 ms or framed as chunks.
		req.TransferEncoding = []string{"identity"}
	}
	return req, nil
}

func checkURL(u *url.URL) error {
	if u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("address is neither http nor https")
	}
	if u.Host == "" {
		return errors.New("address has no host")
	}
	if u.User != nil {
		return errors.New("address holds a user name or password")
	}
	return nil
}

func isRead(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	return false
}

func (c *Client) readBody(res *http.Response) ([]byte, error) {
	defer res.Body.Close()
	return c.readUpTo(res)
}

// readUpTo reads at most one byte more than allowed, so a small compressed answer cannot grow without bound.
func (c *Client) readUpTo(res *http.Response) ([]byte, error) {
	var buf bytes.Buffer
	if n := res.ContentLength; n > 0 && n <= c.maxBody {
		buf.Grow(int(n) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(res.Body, c.maxBody+1))
	if err != nil {
		return buf.Bytes(), fmt.Errorf("the body broke off after %d bytes: %w", n, err)
	}
	if n > c.maxBody {
		return nil, fmt.Errorf("%w: over %d bytes", errTooLarge, c.maxBody)
	}
	return buf.Bytes(), nil
}
