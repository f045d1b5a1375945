package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// inn is a server with caps, whose clock stands still unless it is moved.
type inn struct {
	t       *testing.T
	server  *Server
	address string

	mu   sync.Mutex
	now  time.Time
	why  map[string]int
	hold chan struct{} // closed, it lets requests for /hold go
	held chan struct{} // hears of each
}

func newInn(t *testing.T, most, perClient int, trusted ...string) *inn {
	t.Helper()
	return newInnWith(t, 0, most, perClient, trusted...)
}

// newInnWith is newInn with so much memory for bodies.
func newInnWith(t *testing.T, memory int64, most, perClient int, trusted ...string) *inn {
	t.Helper()
	i := &inn{t: t, now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), why: map[string]int{}, hold: make(chan struct{}), held: make(chan struct{}, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		owner := "somebody"
		if r.URL.Path == "/other" {
			owner = "other"
		}
		body, err := ReadBody(w, r, 64<<10, owner)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "read %d", len(body))
	})
	mux.HandleFunc("/hold", func(w http.ResponseWriter, _ *http.Request) {
		i.held <- struct{}{}
		<-i.hold
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 64<<20)) // more than any buffers on the way hold
	})
	mux.HandleFunc(longPath, long)
	c := Caps{Most: most, PerClient: perClient, Refused: i.refused, Now: i.clock}
	for _, p := range trusted {
		c.Trusted = append(c.Trusted, netip.MustParsePrefix(p))
	}
	i.server = New(Options{Handler: mux, Logger: slog.New(slog.DiscardHandler), Caps: c, DrainTimeout: time.Minute, BodyMemory: memory,
		ReadHeaderTimeout: time.Hour, ReadTimeout: time.Hour, IdleTimeout: time.Hour}) // nothing ends by itself
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	i.address = l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- i.server.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if n := i.server.Open(); n != 0 {
			t.Errorf("%d connections are counted in the end", n)
		}
	})
	return i
}

func (i *inn) clock() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.now
}

func (i *inn) advance(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.now = i.now.Add(d)
}

func (i *inn) refused(why string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.why[why]++
}

func (i *inn) times(why string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.why[why]
}

// guest is a connection that stays until the end of the test.
type guest struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (i *inn) dial() *guest {
	i.t.Helper()
	c, err := net.Dial("tcp", i.address)
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return &guest{c, i.t, bufio.NewReader(c)}
}

func (g *guest) send(text string) {
	g.t.Helper()
	if _, err := io.WriteString(g, text); err != nil {
		g.t.Fatal(err)
	}
}

// answer reads one answer: its status, and the header Retry-After.
func (g *guest) answer() (int, string) {
	g.t.Helper()
	res, err := http.ReadResponse(g.r, nil)
	if err != nil {
		g.t.Fatalf("no answer: %v", err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode, res.Header.Get("Retry-After")
}

// broken waits until the server has broken the connection off.
func (g *guest) broken() {
	g.t.Helper()
	if n, err := io.Copy(io.Discard, g.r); n != 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		g.t.Errorf("%d bytes and %v instead of the end", n, err)
	}
}

// ended waits until the server has closed the connection.
func (g *guest) ended() {
	g.t.Helper()
	if n, err := io.Copy(io.Discard, g.r); err != nil || n != 0 {
		g.t.Errorf("%d bytes and %v instead of the end", n, err)
	}
}

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

// settle waits until so many connections stand in the line of the quiet ones and of those whose body is not there.
func (i *inn) settle(quiet, bodies int) {
	i.t.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(time.Millisecond) {
		if d := i.server.door.Load(); d != nil {
			d.mu.Lock()
			q, b := d.quiet.count, d.bodies.count
			d.mu.Unlock()
			if q == quiet && b == bodies {
				return
			}
		}
	}
	i.t.Fatalf("never %d quiet connections and %d bodies", quiet, bodies)
}

// lent waits until the owner's bodies hold so many kilobytes.
func (i *inn) lent(owner string, kilobytes int) {
	i.t.Helper()
	held := -1
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(time.Millisecond) {
		if d := i.server.door.Load(); d != nil {
			if held, _ = d.memory.Held(owner); held == kilobytes {
				return
			}
		}
	}
	i.t.Fatalf("the bodies of %s hold %d kilobytes, never %d", owner, held, kilobytes)
}

// unlinger waits until nobody who was refused is waited for.
func (i *inn) unlinger() {
	d := i.server.door.Load()
	for n := 1; n > 0; time.Sleep(time.Millisecond) {
		d.mu.Lock()
		n = d.linger
		d.mu.Unlock()
	}
}

// TestWhoIsQuietForLongestMakesRoom: connections that send nothing, or the head of a request in drops, fill all places;
// whoever comes is served all the same.
func TestWhoIsQuietForLongestMakesRoom(t *testing.T) {
	t.Parallel()
	i := newInn(t, 8, 0)
	var idle []*guest
	for n := range 8 {
		g := i.dial()
		switch n % 3 {
		case 0: // nothing at all
		case 1:
			g.send("GET / HTTP/1.1\r\nHo")
		case 2:
			g.send(get)
			if status, _ := g.answer(); status != 200 {
				t.Errorf("status %d", status)
			}
		}
		i.settle(n+1, 0)
		idle = append(idle, g)
	}
	for n := range 20 {
		g := i.dial()
		g.send(get)
		if status, _ := g.answer(); status != 200 {
			t.Errorf("guest %d: status %d", n, status)
		}
		_ = g.Close()
	}
	idle[0].broken()
	if i.times(refusedFull)+i.times(refusedClient) != 0 || i.times(endedQuiet) == 0 {
		t.Errorf("%v", i.why)
	}
	last := idle[7] // has been quiet for the shortest time
	last.send("st: h\r\n\r\n")
	if status, _ := last.answer(); status != 200 {
		t.Errorf("a head that came in two pieces: status %d", status)
	}
}

// TestWhereAllWorkOneMoreIsRefused, politely and without holding anybody up.
func TestWhereAllWorkOneMoreIsRefused(t *testing.T) {
	t.Parallel()
	i := newInn(t, 4, 0)
	var busy []*guest
	for range 4 {
		g := i.dial()
		g.send("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n")
		<-i.held
		busy = append(busy, g)
	}
	for range 10 {
		g := i.dial()
		g.send(get)
		if status, after := g.answer(); status != 503 || after == "" {
			t.Errorf("one too many: status %d, Retry-After %q", status, after)
		}
		g.broken()
		i.unlinger()
	}
	if i.times(refusedFull) != 10 {
		t.Errorf("%v", i.why)
	}
	close(i.hold)
	for _, g := range busy {
		if status, _ := g.answer(); status != 200 {
			t.Errorf("one that worked: status %d", status)
		}
	}
	i.settle(4, 0)
	g := i.dial()
	g.send(get)
	if status, _ := g.answer(); status != 200 {
		t.Errorf("when there is room again: status %d", status)
	}
}

// TestBodiesInDropsMakeRoom where nobody is quiet: those that have taken their time, and where more than half of all
// places are theirs, the one that has for longest.
func TestBodiesInDropsMakeRoom(t *testing.T) {
	t.Parallel()
	i := newInn(t, 5, 0)
	for range 3 {
		g := i.dial()
		g.send("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n")
		<-i.held
	}
	i.settle(0, 0)
	slow := func(path string) *guest {
		g := i.dial()
		g.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345")
		return g
	}
	first := slow("/")
	i.settle(0, 1)
	second := slow("/")
	i.settle(0, 2)
	g := i.dial()
	g.send(get)
	if status, _ := g.answer(); status != 503 {
		t.Errorf("status %d while bodies have only just begun", status)
	}
	second.send("67890")
	if status, _ := second.answer(); status != 200 {
		t.Errorf("a body that is there: status %d", status)
	}
	second.send("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n1") // nobody reads it
	<-i.held
	i.settle(0, 2)
	i.advance(slowBody)
	hold := func() {
		g := i.dial()
		g.send("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n")
		<-i.held
	}
	hold()
	first.broken()
	if i.times(endedSlow) != 1 || i.times(refusedFull) != 1 {
		t.Errorf("%v", i.why)
	}
	close(i.hold)  // all that wait are answered, and quiet
	i.settle(4, 1) // but for the one whose body is not there
	for n := range 4 {
		slow("/")
		i.settle(3-n, n+2)
	}
	for n := range 10 {
		g := i.dial()
		g.send(get)
		if status, _ := g.answer(); status != 200 {
			t.Errorf("guest %d beside five bodies: status %d", n, status)
		}
		_ = g.Close()
	}
}

// unread waits until so many connections have an answer that the other side does not take.
func (i *inn) unread(n int) {
	i.t.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(time.Millisecond) {
		if d := i.server.door.Load(); d != nil {
			d.mu.Lock()
			now := d.answers.count
			d.mu.Unlock()
			if now == n {
				return
			}
		}
	}
	i.t.Fatalf("never %d unread answers", n)
}

const large = "GET /large HTTP/1.1\r\nHost: h\r\n\r\n"

// TestAnswersThatNobodyReadsMakeRoom: who asks and takes no answer holds its place only as long as there are others.
func TestAnswersThatNobodyReadsMakeRoom(t *testing.T) {
	t.Parallel()
	i := newInn(t, 4, 0)
	for n := range 4 {
		i.dial().send(large)
		i.unread(n + 1)
	}
	for n := range 10 {
		g := i.dial()
		g.send(get)
		if status, _ := g.answer(); status != 200 {
			t.Errorf("guest %d beside answers that nobody reads: status %d", n, status)
		}
		i.settle(1, 0) // its answer is written
		g.send(large)
		i.settle(0, 0)
		i.unread(4)
	}
	if i.times(refusedFull) != 0 || i.times(endedUnread) != 10 {
		t.Errorf("%v", i.why)
	}
	fresh := i.dial() // has had no time to ask when the next one comes
	i.settle(1, 0)
	g := i.dial()
	i.settle(2, 0)
	for _, g := range []*guest{fresh, g} {
		g.send(get)
		if status, _ := g.answer(); status != 200 {
			t.Errorf("one that had only just come: status %d", status)
		}
	}
}

// TestOneUnreadAnswerHasItsTime where the others work.
func TestOneUnreadAnswerHasItsTime(t *testing.T) {
	t.Parallel()
	i := newInn(t, 4, 0)
	defer close(i.hold)
	for range 3 {
		i.dial().send("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n")
		<-i.held
	}
	i.dial().send(large)
	i.unread(1)
	ask := func() int {
		g := i.dial()
		g.send(get)
		status, _ := g.answer()
		return status
	}
	if status := ask(); status != 503 {
		t.Errorf("status %d while the answer has only just begun", status)
	}
	i.advance(slowAnswer)
	if status := ask(); status != 200 {
		t.Errorf("status %d", status)
	}
	if i.times(endedUnread) != 1 {
		t.Errorf("%v", i.why)
	}
}

// TestContinueLeavesABodyInItsLine: a sender of drops who is told to go on has to make room all the same.
func TestContinueLeavesABodyInItsLine(t *testing.T) {
	t.Parallel()
	i := newInn(t, 1, 0)
	g := i.dial()
	g.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	if line, err := g.r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("%q, %v", line, err)
	}
	i.settle(0, 1)
	i.unread(0)
}

// TestQuietOnesEndSoonerUnderPressure: above three quarters of the places, whoever comes ends those that have been quiet
// for a while.
func TestQuietOnesEndSoonerUnderPressure(t *testing.T) {
	t.Parallel()
	i := newInn(t, 40, 0)
	var idle []*guest
	for n := range 31 {
		idle = append(idle, i.dial())
		i.settle(n+1, 0)
	}
	idle = append(idle, i.dial()) // there are 31 others: no pressure by those that are not quiet for long
	i.settle(32, 0)
	if i.times(endedQuiet) != 0 {
		t.Errorf("%v", i.why)
	}
	i.advance(pressedQuiet)
	i.dial()
	i.settle(31, 0) // down to three quarters and the new one
	idle[0].ended()
	idle[1].ended()
	if i.times(endedQuiet) != 2 {
		t.Errorf("%v", i.why)
	}
}

func TestOneAddressHasItsShare(t *testing.T) {
	t.Parallel()
	i := newInn(t, 100, 3)
	for n := range 3 {
		i.dial()
		i.settle(n+1, 0)
	}
	g := i.dial()
	g.send(get)
	if status, after := g.answer(); status != 503 || after == "" {
		t.Errorf("status %d, Retry-After %q", status, after)
	}
	if i.times(refusedClient) != 1 {
		t.Errorf("%v", i.why)
	}
	proxied := newInn(t, 100, 3, "127.0.0.0/8")
	for n := range 20 {
		g := proxied.dial()
		g.send(get)
		if status, _ := g.answer(); status != 200 {
			t.Errorf("connection %d of a trusted proxy: status %d", n, status)
		}
	}
}

func TestNetworksOfClients(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "2001:db8:1:2::9": "2001:db8:1:2::", "::1": "::",
	} {
		if got := Network(netip.MustParseAddr(text)).String(); got != want {
			t.Errorf("%s counts as %s, want %s", text, got, want)
		}
	}
}

// TestBodiesShareTheirMemory: what one owner's bodies take is bounded, and another's are read.
func TestBodiesShareTheirMemory(t *testing.T) {
	t.Parallel()
	d := newDoor(nil, Caps{}, 64<<10) // room for 64 kilobytes
	in := func(text string) *http.Request {
		r, err := http.NewRequest("POST", "/", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return r.WithContext(context.WithValue(t.Context(), connKey{}, &conn{door: d}))
	}
	d.memory.Take("hog", 32) // half: all that one may have
	if _, err := ReadBody(nil, in("x"), 1000, "hog"); err == nil {
		t.Error("a body beyond the share was read")
	}
	text := strings.Repeat("0123456789", 1500)
	got, err := ReadBody(nil, in(text), 64<<10, "other")
	if err != nil || !bytes.Equal(got, []byte(text)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if held, taken := d.memory.Held("other"); held != 0 || taken != 32 {
		t.Errorf("%d of %d kilobytes are kept", held, taken)
	}
}

// TestSlowBodiesMakeRoomForThoseOfTheirOwner: of whom anybody may send bodies, somebody takes all the memory by bodies in
// drops. Whoever comes is read all the same, and those of others stay.
func TestSlowBodiesMakeRoomForThoseOfTheirOwner(t *testing.T) {
	t.Parallel()
	i := newInnWith(t, 64<<10, 0, 0) // 64 kilobytes, of which one owner has half of what the other leaves
	slow := func(path string) *guest {
		g := i.dial()
		g.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 4096\r\n\r\nslow")
		return g
	}
	ask := func() int {
		g := i.dial()
		g.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nfull")
		status, _ := g.answer()
		return status
	}
	other := slow("/other") // the first of all
	i.settle(0, 1)
	var held []*guest
	for n := range 7 {
		held = append(held, slow("/"))
		i.settle(0, n+2)
		i.lent("somebody", 4*(n+1))
	}
	for range 2 { // the rest of its share, in whole kilobytes
		g := i.dial()
		g.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1024\r\n\r\nslow")
		held = append(held, g)
	}
	i.lent("somebody", 30)
	i.settle(0, 10)
	if status := ask(); status != 400 {
		t.Errorf("beside bodies that have only just begun: status %d", status)
	}
	if i.times(endedSlow) != 0 {
		t.Errorf("%v", i.why)
	}
	i.advance(slowBody)
	for n := range 3 {
		if status := ask(); status != 200 {
			t.Errorf("body %d: status %d", n, status)
		}
	}
	if i.times(endedSlow) != 1 { // one made room for all three
		t.Errorf("%v", i.why)
	}
	held[0].broken()
	held[1].send(strings.Repeat("x", 4092))
	if status, _ := held[1].answer(); status != 200 {
		t.Errorf("a slow body beside which there is room: status %d", status)
	}
	other.send(strings.Repeat("x", 4092))
	if status, _ := other.answer(); status != 200 {
		t.Errorf("a body of another owner: status %d", status)
	}
	for _, g := range held[2:] {
		_ = g.Close()
	}
	i.lent("somebody", 0)
}
