package api_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sent is a request as it goes over the wire, which no client of a library would let pass.
type sent struct {
	area           string // whose shape the answer has to have
	method, target string
	header         []string // lines
	body           []byte
	chunked        bool
	length         string // what Content-Length says in place of the truth
	broken         bool   // the body may end too early, and the caller with it
}

func (q *sent) set(name, value string) { q.header = append(q.without(name), name+": "+value) }

func (q *sent) without(name string) []string {
	var kept []string
	for _, line := range q.header {
		if !strings.HasPrefix(strings.ToLower(line), strings.ToLower(name)+":") {
			kept = append(kept, line)
		}
	}
	return kept
}

// wire is the whole request. It asks for the connection to be closed, so that a second answer is seen.
func (q *sent) wire() []byte {
	var b bytes.Buffer
	b.WriteString(q.method + " " + q.target + " HTTP/1.1\r\n")
	for _, line := range q.header {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("Connection: close\r\n")
	switch {
	case q.chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		for rest := q.body; len(rest) > 0; {
			n := min(len(rest), 1000)
			fmt.Fprintf(&b, "%x;ext=1\r\n%s\r\n", n, rest[:n])
			rest = rest[n:]
		}
		b.WriteString("0\r\n\r\n")
	case q.length != "":
		b.WriteString("Content-Length: " + q.length + "\r\n\r\n")
		b.Write(q.body)
	default:
		b.WriteString("Content-Length: " + strconv.Itoa(len(q.body)) + "\r\n\r\n")
		b.Write(q.body)
	}
	return b.Bytes()
}

// got is the answer.
type got struct {
	status int
	header http.Header
	body   []byte
}

// mostPatient is when an answer that has not come counts as none: longer than any machine stands still.
const mostPatient = 5 * time.Minute

// errSecond is returned where more than one answer came.
var errSecond = errors.New("something follows the answer")

// send sends a request over a connection of its own and reads to its end.
func (s *scene) send(q *sent) (*got, error) {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.app.URL, "http://"), mostPatient)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // read to its end
	if err := conn.SetDeadline(time.Now().Add(mostPatient)); err != nil {
		return nil, err
	}
	// A server that has heard enough may answer and hang up while the rest is being written.
	_, writeErr := conn.Write(q.wire())
	if n, err := strconv.Atoi(q.length); err == nil && n > len(q.body) {
		q.broken = true
	}
	if tcp, ok := conn.(*net.TCPConn); ok && q.broken {
		_ = tcp.CloseWrite() // nothing more will come
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, &http.Request{Method: q.method})
	for err == nil && resp.StatusCode < 200 {
		resp, err = http.ReadResponse(in, &http.Request{Method: q.method})
	}
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return &got{}, nil // what is no HTTP may be left unread, so that the answer to it is lost; the log tells if it was a panic
	}
	if err != nil {
		return nil, errors.Join(err, writeErr)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	a := &got{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); errors.Is(err, syscall.ECONNRESET) && a.header.Get("X-Request-Id") == "" {
		a.body = nil // likewise
	} else if err != nil {
		return nil, fmt.Errorf("body of %d: %w", a.status, err)
	}
	if rest, _ := io.ReadAll(in); bytes.Contains(rest, []byte("HTTP/1.")) { // a reset tells no more than the end
		return nil, fmt.Errorf("%w %d: %.200q", errSecond, a.status, rest)
	}
	return a, nil
}
