package outbound_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/outbound"
)

func TestPostArrivesAsDoDoes(t *testing.T) {
	t.Parallel()
	type seen struct {
		Method, URI, Host, Body string
		Length                  int64
		Header                  http.Header
	}
	var got seen
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, r.Host, string(body), r.ContentLength, r.Header}
		w.Header().Set("X-Seen", "yes")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "noted")
	}))
	defer srv.Close()
	for _, tc := range []struct {
		name, path, body string
		header           http.Header
	}{
		{name: "no body", path: ""},
		{name: "path and query", path: "/a%20b/ü?x=1&y=%2F#part", body: "{}"},
		{name: "headers", path: "/", body: "{}", header: http.Header{
			"Content-Type": {"application/json"}, "X-Two": {"1", "2"}, "User-Agent": {"own"},
			"Host": {"other"}, "Content-Length": {"1"}, "Connection": {"close"},
		}},
		{name: "line breaks", path: "/", body: "{}", header: http.Header{
			"X-Evil": {"a\r\nX-More: b"}, "User-Agent": {"a\r\nX-Again: b"}, "X-Na\r\nme": {"c"},
		}},
		{name: "a large body", path: "/", body: strings.Repeat("x", 1<<20)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClient(t, nil)
			r := &outbound.Request{Method: "POST", URL: srv.URL + tc.path, Header: tc.header, Body: []byte(tc.body)}
			answer, err := c.Post(context.Background(), r)
			if err != nil || answer.Status != http.StatusAccepted || string(answer.Body) != "noted" || answer.Header.Get("X-Seen") != "yes" {
				t.Fatalf("got %+v, %v", answer, err)
			}
			posted := got
			for name := range tc.header { // what the standard client refuses
				if strings.ContainsAny(name+tc.header.Get(name), "\r\n") {
					for name := range posted.Header {
						if name == "X-More" || name == "X-Again" || name == "Me" {
							t.Errorf("a line break got through: %v", posted.Header)
						}
					}
					return
				}
			}
			if _, err := c.Do(context.Background(), r); err != nil {
				t.Fatal(err)
			}
			for _, unlike := range []string{"Accept-Encoding", "Connection"} {
				got.Header.Del(unlike)
				posted.Header.Del(unlike)
			}
			if diff := cmp.Diff(got, posted); diff != "" {
				t.Errorf("Do and Post differ: %s", diff)
			}
		})
	}
}

// counting counts the connections of a server.
func counting(srv *httptest.Server) *atomic.Int64 {
	n := new(atomic.Int64)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			n.Add(1)
		}
	}
	return n
}

func TestPostKeepsItsConnections(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = w.Write(body)
		}))
		opened := counting(srv)
		c := newClient(t, nil)
		if secure {
			srv.StartTLS()
			outbound.TrustForTest(c, srv.Certificate())
		} else {
			srv.Start()
		}
		defer srv.Close()
		for i := range 100 {
			want := strings.Repeat("x", i*50)
			res, err := c.Post(context.Background(), &outbound.Request{Method: "POST", URL: srv.URL, Body: []byte(want)})
			if err != nil || string(res.Body) != want {
				t.Fatalf("TLS %v, post %d: %d of %d bytes, %v", secure, i, len(res.Body), len(want), err)
			}
		}
		if opened.Load() != 1 {
			t.Errorf("TLS %v: %d connections for posts one after the other", secure, opened.Load())
		}
		c.CloseIdle()
		if n := outbound.KeptForTest(c); n != 0 {
			t.Errorf("TLS %v: %d destinations are remembered after all was closed", secure, n)
		}
	}
}

// TestPostSeesThatAConnectionWasClosed: the server closes each connection after its answer without saying so.
func TestPostSeesThatAConnectionWasClosed(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil)
	url, closed := rawServerThatTells(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	for i := range 20 {
		res, err := c.Post(context.Background(), &outbound.Request{Method: "POST", URL: url, Body: []byte("x")})
		if err != nil || string(res.Body) != "ok" {
			t.Fatalf("post %d: %v", i, err)
		}
		for closed.Load() <= int64(i) {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(5 * time.Millisecond) // the system brings the end to us at once
	}
}

func TestPostReadsWhatServersSay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, answer string
		status       int
		body         string
		whole        bool
	}{
		{"hints before the answer", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
		{"hints without an end", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 50), 103, "", true},
		{"until the connection ends", "HTTP/1.0 200 OK\r\n\r\nold", 200, "old", true},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, "abc", true},
		{"more than the answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n", 200, "ok", true},
		{"body cut", "HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nshort", 202, "", false},
		{"body over the limit", "HTTP/1.1 503 No\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("a", 5000), 503, "", false},
		{"chunk broken", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", 200, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, func(o *outbound.Options) { o.MaxBody = 4096 })
			url := rawServer(t, tc.answer)
			for range 2 {
				res, err := c.Post(context.Background(), &outbound.Request{Method: "POST", URL: url, Body: []byte("x")})
				if (err == nil) != tc.whole || !tc.whole && !errors.Is(err, outbound.ErrUnknown) {
					t.Fatalf("error %v", err)
				}
				if res == nil || res.Status != tc.status || string(res.Body) != tc.body {
					t.Fatalf("got %+v", res)
				}
			}
		})
	}
}

// TestPostIsAnsweredBeforeItIsRead: a server that turns down a large body without reading it.
func TestPostIsAnsweredBeforeItIsRead(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	defer close(done)
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			go func() {
				_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
				<-done
				_ = conn.Close()
			}()
		}
	}()
	c := newClient(t, nil)
	for range 3 {
		res, err := c.Post(context.Background(), &outbound.Request{
			Method: "POST", URL: "http://" + l.Addr().String(), Body: make([]byte, 32<<20),
		})
		if err != nil || res.Status != http.StatusRequestEntityTooLarge {
			t.Fatalf("got %v, %v", res, err)
		}
	}
}

// TestManyPosts: many at a time, some of which are broken off. Each answer belongs to its request, and nothing is left.
func TestManyPosts(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.HasSuffix(string(body), "7") {
			time.Sleep(time.Millisecond)
		}
		_, _ = w.Write(body)
	}))
	defer srv.Close()
	c := newClient(t, nil)
	var wg sync.WaitGroup
	var answered, broken atomic.Int64
	for worker := range 300 { // more than there may be connections
		wg.Go(func() {
			for i := range 20 {
				ctx, cancel := context.WithCancel(context.Background())
				want := fmt.Sprintf("%d-%d", worker, i)
				if i%5 == 4 {
					time.AfterFunc(time.Duration(worker)*10*time.Microsecond, cancel)
				}
				res, err := c.Post(ctx, &outbound.Request{Method: "POST", URL: srv.URL, Body: []byte(want)})
				switch {
				case err == nil && string(res.Body) == want:
					answered.Add(1)
				case err != nil && ctx.Err() != nil:
					broken.Add(1)
				default:
					t.Errorf("%s: got %v, %v", want, res, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	c.CloseIdle()
	if n := outbound.KeptForTest(c); n != 0 {
		t.Errorf("%d destinations are remembered after all was closed", n)
	}
	t.Logf("%d answered, %d broken off", answered.Load(), broken.Load())
}
