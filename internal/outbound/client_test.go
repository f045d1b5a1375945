package outbound_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
)

func newClient(t *testing.T, change func(*outbound.Options)) *outbound.Client {
	t.Helper()
	o := outbound.Options{Guard: outbound.GuardNone, Timeout: time.Minute, Now: time.Now}
	if change != nil {
		change(&o)
	}
	c := outbound.New(o)
	t.Cleanup(c.CloseIdle)
	return c
}

// dropper is a server that reads each request to its end and counts it. Every second request of a connection, which by
// then is a reused one, is dropped without an answer.
type dropper struct {
	net.Listener
	seen atomic.Int64
}

func newDropper(t *testing.T) *dropper {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &dropper{Listener: l}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go d.serve(conn)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return d
}

func (d *dropper) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for n := range 2 {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		d.seen.Add(1)
		if n == 0 {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}
}

func (d *dropper) url() string { return "http://" + d.Addr().String() + "/pay" }

// way is Do or Post.
type way func(*outbound.Client, context.Context, *outbound.Request) (*outbound.Response, error)

var ways = map[string]way{"Do": (*outbound.Client).Do, "Post": (*outbound.Client).Post}

func TestRequestReachesTheServerAtMostOnce(t *testing.T) {
	t.Parallel()
	const calls = 500
	key := http.Header{"Idempotency-Key": {"k"}, "Content-Type": {"application/json"}}
	for _, tc := range []struct {
		name, method string
		body         []byte
	}{
		{"POST with a body and a key", "POST", []byte(`{"amount":1}`)},
		{"POST with an empty body and a key", "POST", nil},
		{"PUT with an empty body and a key", "PUT", []byte{}},
		{"DELETE", "DELETE", nil},
		{"GET", "GET", nil},
		{"by Post with a body and a key", "POST", []byte(`{"amount":1}`)},
		{"by Post with an empty body and a key", "POST", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv, c := newDropper(t), newClient(t, nil)
			unknown, call := 0, ways["Do"]
			if strings.HasPrefix(tc.name, "by Post") {
				call = ways["Post"]
			}
			for i := range calls {
				_, err := call(c, context.Background(), &outbound.Request{Method: tc.method, URL: srv.url(), Header: key, Body: tc.body})
				if errors.Is(err, outbound.ErrUnknown) {
					unknown++
				} else if err != nil {
					t.Fatalf("call %d: %v", i, err)
				}
			}
			if got := srv.seen.Load(); got != calls {
				t.Errorf("the server saw %d requests of %d calls", got, calls)
			}
			t.Logf("%d calls, %d requests seen, %d unknown", calls, srv.seen.Load(), unknown)
		})
	}
}

// TestDropperShowsResends keeps the test above honest: the standard client does send twice to that server.
func TestDropperShowsResends(t *testing.T) {
	t.Parallel()
	srv := newDropper(t)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	const calls = 10
	for range calls {
		req, err := http.NewRequest("POST", srv.url(), strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Idempotency-Key", "k")
		if res, err := client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	}
	if got := srv.seen.Load(); got <= calls {
		t.Fatalf("saw %d requests of %d calls: this server would not show a request sent twice", got, calls)
	}
}

func TestEmptyCommandIsFramedWithALength(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %q %v", r.Method, r.Header.Get("Content-Length"), r.TransferEncoding)
	}))
	defer srv.Close()
	c := newClient(t, nil)
	for method, want := range map[string]string{"POST": `POST "0" []`, "GET": `GET "" []`} {
		res, err := c.Do(context.Background(), &outbound.Request{Method: method, URL: srv.URL})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(res.Body); got != want {
			t.Errorf("server saw %s, want %s", got, want)
		}
	}
}

func TestNoRedirectAndNoCookieIsFollowed(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		if r.Header.Get("Cookie") != "" {
			t.Error("a cookie came back")
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	c := newClient(t, nil)
	for range 2 {
		res, err := c.Do(context.Background(), &outbound.Request{Method: "POST", URL: srv.URL, Body: []byte("{}")})
		if err != nil || res.Status != http.StatusTemporaryRedirect {
			t.Fatalf("got %v, %v; want the 307 itself", res, err)
		}
	}
	if seen.Load() != 2 {
		t.Errorf("%d requests of 2 calls", seen.Load())
	}
}

// TestOurOwnTroubleIsTold: what this process or its machine lacked is no word about the other side, and what happened on
// the way there is one.
func TestOurOwnTroubleIsTold(t *testing.T) {
	t.Parallel()
	dial := func(cause error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: cause} }
	call := func(name string, err error) error { return dial(os.NewSyscallError(name, err)) }
	lookup := func(d net.DNSError) error { return dial(&d) }
	for name, c := range map[string]struct {
		err  error
		ours bool
	}{
		"no descriptor":             {call("socket", syscall.EMFILE), true},
		"no descriptor anywhere":    {call("socket", syscall.ENFILE), true},
		"no memory":                 {call("socket", syscall.ENOMEM), true},
		"no buffers":                {call("connect", syscall.ENOBUFS), true},
		"no free port":              {call("connect", syscall.EADDRNOTAVAIL), true},
		"the resolver has none":     {lookup(net.DNSError{Err: call("socket", syscall.EMFILE).Error(), Name: "x", IsTemporary: true}), true},
		"the resolver is away":      {lookup(net.DNSError{Err: "i/o timeout", Name: "x", IsTimeout: true}), true},
		"no certificates":           {x509.SystemRootsError{Err: errors.New("not read")}, true},
		"ended before it was tried": {context.DeadlineExceeded, true},
		"ended by ourselves":        {dial(context.Canceled), true},
		"refused":                   {call("connect", syscall.ECONNREFUSED), false},
		"unreachable":               {call("connect", syscall.ENETUNREACH), false},
		"no answer":                 {dial(os.ErrDeadlineExceeded), false},
		"a name that is not there":  {lookup(net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}), false},
		"a stranger's certificate":  {x509.UnknownAuthorityError{}, false},
	} {
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, c.err }}
		given := newClient(t, func(o *outbound.Options) { o.Transport = transport })
		_, err := given.Do(t.Context(), &outbound.Request{Method: "POST", URL: "http://x.example/", Body: []byte("x")})
		if !errors.Is(err, outbound.ErrNotSent) || errors.Is(err, outbound.ErrUnknown) || errors.Is(err, outbound.ErrOurs) != c.ours {
			t.Errorf("%s: %v, want ErrNotSent and ours: %t", name, err, c.ours)
		}
	}
}

// TestTimeThatRanOutOnTheWay: who was being connected to did not answer in time; who waited for a connection of ours never
// tried.
func TestTimeThatRanOutOnTheWay(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	late, stop := context.WithDeadline(ctx, time.Unix(1, 0))
	defer stop()
	for name, call := range ways {
		_, err := call(newClient(t, nil), late, &outbound.Request{Method: "POST", URL: "http://127.0.0.1:1", Body: []byte("x")})
		if !errors.Is(err, outbound.ErrNotSent) || !errors.Is(err, outbound.ErrOurs) {
			t.Errorf("%s before it was tried: %v, want ours", name, err)
		}
	}
	began := newClient(t, func(o *outbound.Options) {
		o.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			httptrace.ContextClientTrace(ctx).ConnectStart("tcp", "192.0.2.1:80")
			return nil, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
		}}
	})
	_, err := began.Do(t.Context(), &outbound.Request{Method: "POST", URL: "http://192.0.2.1/", Body: []byte("x")})
	if !errors.Is(err, outbound.ErrNotSent) || errors.Is(err, outbound.ErrOurs) {
		t.Errorf("while it was tried: %v, want not ours", err)
	}
}

func TestFailureBeforeAConnectionIsNotSent(t *testing.T) {
	t.Parallel()
	tlsServer := httptest.NewTLSServer(http.NotFoundHandler())
	defer tlsServer.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	ended, cancel := context.WithCancel(context.Background())
	cancel()

	for _, tc := range []struct {
		name, url string
		ctx       context.Context
		guard     outbound.Guard
		blocked   bool
	}{
		{name: "refused", url: "http://127.0.0.1:1", guard: outbound.GuardNone}, // no system gives this port to anybody
		{name: "name that does not exist", url: "http://nowhere.invalid/", guard: outbound.GuardNone},
		{name: "certificate of a stranger", url: tlsServer.URL, guard: outbound.GuardNone},
		{name: "TLS spoken to a plain server", url: "https://" + plain.Listener.Addr().String(), guard: outbound.GuardNone},
		{name: "context ended before", url: plain.URL, ctx: ended, guard: outbound.GuardNone},
		{name: "guard refuses loopback", url: plain.URL, guard: outbound.GuardPublicOnly, blocked: true},
		{name: "guard refuses a name of loopback", url: "http://localhost:1/", guard: outbound.GuardPublicOnly, blocked: true},
		{name: "no host", url: "http:///path", guard: outbound.GuardNone},
		{name: "other scheme", url: "file:///etc/passwd", guard: outbound.GuardNone},
		{name: "password in the address", url: "http://user:secret@" + plain.Listener.Addr().String(), guard: outbound.GuardNone},
		{name: "unparsable", url: "http://a b/?token=secret", guard: outbound.GuardNone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx := tc.ctx
			if ctx == nil {
				ctx = context.Background()
			}
			c := newClient(t, func(o *outbound.Options) { o.Guard = tc.guard })
			for name, call := range ways {
				_, err := call(c, ctx, &outbound.Request{Method: "POST", URL: tc.url, Body: []byte("x")})
				if !errors.Is(err, outbound.ErrNotSent) || errors.Is(err, outbound.ErrUnknown) {
					t.Errorf("%s: got %v, want ErrNotSent alone", name, err)
				}
				if errors.Is(err, outbound.ErrBlocked) != tc.blocked {
					t.Errorf("%s: got %v, blocked should be %v", name, err, tc.blocked)
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("%s: the error tells a secret: %v", name, err)
				}
			}
		})
	}
}

func TestFailureAfterAConnectionIsUnknown(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for _, tc := range []struct{ name, answer string }{
		{"closed without an answer", ""},
		{"not HTTP", "hello " + card + "\r\n\r\n"},
		{"header cut", "HTTP/1.1 200 OK\r\nContent-Le"},
		{"body cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"},
		{"chunk broken", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"},
		{"chunks without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
		{"body over the limit", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("a", 5000)},
		{"compressed body over the limit", gzipAnswer(strings.Repeat("a", 1<<20))},
		{"compression broken", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"},
		{"header over the limit", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 70<<10) + "\r\n\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			url := rawServer(t, tc.answer)
			c := newClient(t, func(o *outbound.Options) { o.MaxBody = 4096 })
			for name, call := range ways {
				if name == "Post" && strings.HasPrefix(tc.name, "compress") {
					continue // handed over as it came
				}
				_, err := call(c, context.Background(), &outbound.Request{Method: "POST", URL: url, Body: []byte("x")})
				if !errors.Is(err, outbound.ErrUnknown) || errors.Is(err, outbound.ErrNotSent) {
					t.Errorf("%s: got %v, want ErrUnknown alone", name, err)
				}
				if err != nil && strings.Contains(err.Error(), card) {
					t.Errorf("%s: the error shows a card number: %v", name, err)
				}
			}
		})
	}
}

func TestTimeoutAndCancelWhileWaitingAreUnknown(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-release
	}))
	defer srv.Close()
	defer close(release)
	for name, call := range ways {
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-arrived; cancel() }()
		_, err := call(newClient(t, nil), ctx, &outbound.Request{Method: "POST", URL: srv.URL, Body: []byte("x")})
		if !errors.Is(err, outbound.ErrUnknown) || !errors.Is(err, context.Canceled) {
			t.Errorf("cancel of %s: got %v", name, err)
		}
		timesOut(t, name, call)
	}
}

// timesOut makes a call whose time is over before the answer, and longer than the request takes to arrive: where the machine
// was slower than that, nothing is shown, and the next call has more.
func timesOut(t *testing.T, name string, call way) {
	t.Helper()
	for limit := 100 * time.Millisecond; limit < 5*time.Minute; limit *= 4 {
		var arrived atomic.Bool
		release := make(chan struct{})
		srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			arrived.Store(true)
			<-release
		}))
		c := newClient(t, func(o *outbound.Options) { o.Timeout = limit })
		began := time.Now()
		_, err := call(c, context.Background(), &outbound.Request{Method: "POST", URL: srv.URL, Body: []byte("x")})
		took, came := time.Since(began), arrived.Load()
		close(release)
		srv.Close()
		if err == nil || took < limit {
			t.Errorf("timeout of %s: %v after %s of %s", name, err, took, limit)
		}
		if !came {
			continue
		}
		if !errors.Is(err, outbound.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("timeout of %s: got %v", name, err)
		}
		return
	}
	t.Errorf("timeout of %s: no request arrived", name)
}

func TestCompressedAnswerWithinTheLimitIsRead(t *testing.T) {
	t.Parallel()
	want := strings.Repeat("a", 4096)
	c := newClient(t, func(o *outbound.Options) { o.MaxBody = 4096 })
	res, err := c.Do(context.Background(), &outbound.Request{Method: "GET", URL: rawServer(t, gzipAnswer(want))})
	if err != nil || string(res.Body) != want {
		t.Fatalf("got %v, %v", res, err)
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestGivenTransportProvesNotSentOnlyByTheError(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		give, want error
	}{
		{"plain error", errors.New("lost"), outbound.ErrUnknown},
		{"told not sent", fmt.Errorf("down: %w", outbound.ErrNotSent), outbound.ErrNotSent},
	} {
		c := newClient(t, func(o *outbound.Options) {
			o.Transport = roundTripFunc(func(r *http.Request) (*http.Response, error) {
				if r.GetBody != nil || r.Body == nil {
					t.Error("the body can be sent twice")
				}
				return nil, tc.give
			})
		})
		_, err := c.Do(context.Background(), &outbound.Request{Method: "POST", URL: "http://provider.example/"})
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

// rawServer answers every connection with the same bytes after reading one whole request, then closes it.
func rawServer(t *testing.T, answer string) string {
	t.Helper()
	url, _ := rawServerThatTells(t, answer)
	return url
}

// rawServerThatTells is rawServer that counts the connections that it has closed.
func rawServerThatTells(t *testing.T, answer string) (string, *atomic.Int64) {
	t.Helper()
	closed := new(atomic.Int64)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(conn, answer)
			}
			_ = conn.Close()
			closed.Add(1)
		}
	}()
	return "http://" + l.Addr().String() + "/", closed
}

func gzipAnswer(body string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, body)
	_ = w.Close()
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", b.Len(), b.String())
}
