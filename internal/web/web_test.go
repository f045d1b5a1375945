package web_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/web"
)

func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func common(log io.Writer) web.Common {
	now := time.Unix(0, 0)
	return web.Common{
		Logger: logTo(log), NewID: func() string { return "made" },
		Now: func() time.Time { now = now.Add(time.Millisecond); return now },
	}
}

func TestRequestIDIsTakenOrMadeAndAnswered(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, given, want string }{
		{"none", "", "made"},
		{"good", "Order-1_2.3", "Order-1_2.3"},
		{"longest", strings.Repeat("a", 64), strings.Repeat("a", 64)},
		{"too long", strings.Repeat("a", 65), "made"},
		{"space", "a b", "made"},
		{"line end", "a\r\nX: y", "made"},
		{"not ASCII", "é", "made"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var inside string
			h := web.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				inside = web.RequestID(r.Context())
			}), common(io.Discard))
			r := httptest.NewRequest("GET", "/", nil)
			if tc.given != "" {
				r.Header["X-Request-Id"] = []string{tc.given}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got := w.Header().Get("X-Request-Id"); got != tc.want || inside != tc.want {
				t.Errorf("answered %q, inside %q, want %q", got, inside, tc.want)
			}
		})
	}
	if got := web.RequestID(context.Background()); got != "" {
		t.Errorf("outside of a request the id is %q", got)
	}
}

func TestAccessLogNamesTheRouteAndNothingPersonal(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var observed []string
	c := common(&log)
	c.Observe = func(route string, status int, took time.Duration) {
		observed = append(observed, route+" "+http.StatusText(status)+" "+took.String())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /payment/{token}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	mux.HandleFunc("POST /down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	h := web.Wrap(mux, c)
	for _, target := range []string{"GET /payment/secret-token?card=4111111111111111", "POST /down", "BREW /nowhere/4111111111111111"} {
		method, path, _ := strings.Cut(target, " ")
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
	}
	want := `level=INFO msg=request request_id=made method=GET route=/payment/{token} status=200 took=1ms bytes=5
level=ERROR msg=request request_id=made method=POST route=/down status=503 took=1ms bytes=0
level=INFO msg=request request_id=made method=other route="" status=404 took=1ms bytes=19
`
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/payment/{token} OK 1ms", "/down Service Unavailable 1ms", " Not Found 1ms"}, observed); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestPanicIsAnsweredInTheShapeOfItsArea(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	area := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "internal error")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/early", func(http.ResponseWriter, *http.Request) { panic("at the wrong moment") })
	mux.HandleFunc("/late", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic("late")
	})
	srv := httptest.NewServer(web.Wrap(web.Recover(mux, logTo(&log), area), common(io.Discard)))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)

	res, err := http.Get(srv.URL + "/early")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != 500 || string(body) != "internal error" {
		t.Errorf("got %d %q", res.StatusCode, body)
	}
	res, err = http.Get(srv.URL + "/late")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("half an answer was read as whole: %q", body)
	}
	_ = res.Body.Close()
	srv.Close()
	if !strings.Contains(log.String(), "at the wrong moment") || !strings.Contains(log.String(), "web_test.go") {
		t.Errorf("the log does not tell the cause and the place:\n%s", log.String())
	}
}

func TestServeDrains(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		drain   time.Duration
		release bool
		want    error
	}{
		{"a running request finishes", time.Minute, true, nil},
		{"a stuck one is cut off", 30 * time.Millisecond, false, web.ErrDrain},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			entered, release, cut := make(chan struct{}), make(chan struct{}), make(chan struct{})
			s := web.New(web.Options{DrainTimeout: tc.drain, Logger: logTo(io.Discard),
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					close(entered)
					select {
					case <-release:
						_, _ = io.WriteString(w, "done")
					case <-r.Context().Done():
						close(cut)
					}
				})})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(context.Background())
			served := make(chan error, 1)
			go func() { served <- s.Serve(ctx, l) }()
			answer := make(chan string, 1)
			go func() {
				res, err := http.Get("http://" + l.Addr().String())
				if err != nil {
					answer <- err.Error()
					return
				}
				b, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				answer <- string(b)
			}()
			<-entered
			stop()
			if tc.release {
				waitRefused(t, l.Addr().String())
				close(release)
			}
			if err := <-served; !errors.Is(err, tc.want) {
				t.Errorf("Serve returned %v, want %v", err, tc.want)
			}
			got := <-answer
			if tc.release && got != "done" {
				t.Errorf("the running request got %q", got)
			}
			if !tc.release {
				<-cut
			}
		})
	}
}

// waitRefused returns once the address takes no connections.
func waitRefused(t *testing.T, addr string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		_ = conn.Close()
	}
	t.Fatal("the draining server still accepts")
}

func TestOversizedHeaderIsRefused(t *testing.T) {
	t.Parallel()
	srv := web.New(web.Options{Handler: http.NotFoundHandler(), Logger: logTo(io.Discard)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// In one piece: the server hangs up on who is still writing half a second after its answer.
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nX: "+strings.Repeat("a", 2*web.MaxHeaderBytes)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d", res.StatusCode)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestClientIP(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tc := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"direct", "198.51.100.7:1", nil, "198.51.100.7"},
		{"a stranger's header is ignored", "198.51.100.7:1", []string{"203.0.113.1"}, "198.51.100.7"},
		{"one proxy", "10.0.0.1:1", []string{"203.0.113.1"}, "203.0.113.1"},
		{"rightmost untrusted", "10.0.0.1:1", []string{"1.1.1.1, 203.0.113.1, 10.0.0.2"}, "203.0.113.1"},
		{"several lines", "10.0.0.1:1", []string{"1.1.1.1", "203.0.113.1", "10.0.0.2"}, "203.0.113.1"},
		{"garbage ends at its proxy", "10.0.0.1:1", []string{"203.0.113.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"empty header", "10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"all trusted", "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"proxy without a header", "10.0.0.1:1", nil, "10.0.0.1"},
		{"with ports", "[fd00::1]:1", []string{"[2001:db8::1]:8080"}, "2001:db8::1"},
		{"brackets without a port", "10.0.0.1:1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"quotes", "10.0.0.1:1", []string{`"[2001:db8::1]:4711"`}, "2001:db8::1"},
		{"quotes around an address", "10.0.0.1:1", []string{`"203.0.113.1"`}, "203.0.113.1"},
		{"quotes and blanks", "10.0.0.1:1", []string{"\t\" 203.0.113.1:80 \" "}, "203.0.113.1"},
		{"port of IP version 4", "10.0.0.1:1", []string{"203.0.113.1:49152"}, "203.0.113.1"},
		{"empty parts", "10.0.0.1:1", []string{"1.1.1.1, 203.0.113.1,, 10.0.0.2 ,", ""}, "203.0.113.1"},
		{"nothing but empty parts", "10.0.0.1:1", []string{" , ,"}, "10.0.0.1"},
		{"empty parts at a stranger", "198.51.100.7:1", []string{","}, "198.51.100.7"},
		{"zone", "10.0.0.1:1", []string{"[fe80::1%eth0]:1"}, "fe80::1"},
		{"brackets around another version", "10.0.0.1:1", []string{"203.0.113.1, [10.0.0.2]"}, "10.0.0.1"},
		{"a quote that does not end", "10.0.0.1:1", []string{`203.0.113.1, "10.0.0.2`}, "10.0.0.1"},
		{"obfuscated", "10.0.0.1:1", []string{"203.0.113.1, _hidden"}, "10.0.0.1"},
		{"mapped peer", "[::ffff:10.0.0.1]:1", []string{"::ffff:203.0.113.1"}, "203.0.113.1"},
		{"no peer", "pipe", []string{"203.0.113.1"}, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tc.peer
		r.Header["X-Forwarded-For"] = tc.forwarded
		if got := web.ClientIP(r, trusted).String(); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestReadBodyIsBounded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		body   io.Reader
		length int64
		want   string
		err    error
	}{
		{"within", strings.NewReader("12345"), 5, "12345", nil},
		{"empty", strings.NewReader(""), 0, "", nil},
		{"unannounced within", strings.NewReader("12345"), -1, "12345", nil},
		{"announced too large", strings.NewReader("123456"), 6, "", web.ErrBodyTooLarge},
		{"unannounced too large", strings.NewReader("123456"), -1, "", web.ErrBodyTooLarge},
		{"shorter than announced", strings.NewReader("123"), 5, "", io.ErrUnexpectedEOF},
	} {
		r := httptest.NewRequest("POST", "/", tc.body)
		r.ContentLength = tc.length
		got, err := web.ReadBody(httptest.NewRecorder(), r, 5, "")
		if string(got) != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s: got %q, %v", tc.name, got, err)
		}
	}
}

func TestPageHeaders(t *testing.T) {
	t.Parallel()
	const start = "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; object-src 'none'; script-src "
	const end = "; require-trusted-types-for 'script'"
	nonce := "0123456789abcdefghijkl"
	for _, tc := range []struct {
		name, want, frame string
		policy            web.PagePolicy
	}{
		{"closed", start + "'none'; frame-ancestors 'none'; form-action 'self'" + end, "DENY", web.PagePolicy{}},
		{"open", start + "'nonce-" + nonce + "'; frame-ancestors https://shop.example:8443; form-action 'self' https://acs.example" + end, "",
			web.PagePolicy{Nonce: nonce, FrameAncestors: []string{"https://shop.example:8443"}, FormAction: []string{"https://acs.example"}}},
		{"one script", start + "'sha256-n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg='; frame-ancestors 'none'; form-action 'self'" + end, "DENY",
			web.PagePolicy{Scripts: []string{"sha256-n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}}},
		{"a form that leads away", start + "'none'; frame-ancestors 'none'; form-action 'self' https: http:" + end, "DENY", web.PagePolicy{FormLeads: true}},
		{"a guest", "default-src 'none'; style-src 'self' 'nonce-" + nonce + "'; img-src 'self' https://img.example; connect-src 'self' https://pay.example; " +
			"frame-src https://pay.example; base-uri 'none'; object-src 'none'; script-src 'sha256-n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=' https://pay.example 'nonce-" + nonce +
			"'; frame-ancestors 'none'; form-action 'self'", "DENY",
			web.PagePolicy{Scripts: []string{"sha256-n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}, Guest: &web.Guest{Nonce: nonce, Scripts: []string{"https://pay.example"},
				Frames: []string{"https://pay.example"}, Calls: []string{"https://pay.example"}, Images: []string{"https://img.example"}}}},
		{"a bad guest closes", "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'none'; base-uri 'none'; object-src 'none'; script-src 'none'; " +
			"frame-ancestors 'none'; form-action 'self'", "DENY", web.PagePolicy{Guest: &web.Guest{Nonce: "short'", Scripts: []string{"*"}, Frames: []string{"https://*.example"}, Calls: []string{"https:"}, Images: []string{"data:"}}}},
		{"a bad script closes", start + "'none'; frame-ancestors 'none'; form-action 'self'" + end, "DENY", web.PagePolicy{Scripts: []string{"unsafe-inline"}, Styles: []string{"unsafe-inline"}}},
		{"bad values close", start + "'none'; frame-ancestors 'none'; form-action 'self'" + end, "DENY",
			web.PagePolicy{Nonce: "short", FrameAncestors: []string{"*", "https://a.example; script-src *", "javascript:1", "https://"},
				FormAction: []string{"https://*.example", "https://a.example/path"}}},
	} {
		h := http.Header{}
		web.SetPageHeaders(h, tc.policy)
		if diff := cmp.Diff(tc.want, h.Get("Content-Security-Policy")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		if got := h.Get("X-Frame-Options"); got != tc.frame {
			t.Errorf("%s: X-Frame-Options %q, want %q", tc.name, got, tc.frame)
		}
		opener, referrer := "same-origin", "no-referrer"
		if tc.policy.Guest != nil {
			opener, referrer = "same-origin-allow-popups", "strict-origin"
		}
		if h.Get("Cross-Origin-Opener-Policy") != opener || h.Get("Referrer-Policy") != referrer {
			t.Errorf("%s: %v", tc.name, h)
		}
	}
}

type nullWriter struct{ header http.Header }

func (n *nullWriter) Header() http.Header         { return n.header }
func (n *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (n *nullWriter) WriteHeader(int)             {}

func BenchmarkWrap(b *testing.B) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo} {
		b.Run("log at "+level.String(), func(b *testing.B) {
			c := web.Common{
				Logger: slog.New(slog.NewJSONHandler(io.Discard, nil)), AccessLevel: level,
				Now: time.Now, NewID: func() string { return "made" },
			}
			h := web.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }), c)
			r, w := httptest.NewRequest("GET", "/", nil), &nullWriter{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
