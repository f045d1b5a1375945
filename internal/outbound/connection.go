package outbound

import (
	"bufio"
	"bytes"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	wireBuffer = 4 << 10
	// writeAhead is the largest request that is written before its answer is read. It fits into the buffers of the
	// system, so that a peer that answers without reading cannot hold the writer.
	writeAhead = 8 << 10
	maxInterim = 5 // answers of status 1xx
)

// ownHeaders are written from the request itself.
var ownHeaders = map[string]bool{
	"Host": true, "User-Agent": true, "Content-Length": true, "Transfer-Encoding": true, "Trailer": true, "Connection": true,
}

// wire is a connection on which one request and its answer are under way at a time.
type wire struct {
	conn  net.Conn
	peek  func() bool // whether the connection is open and silent
	to    *destination
	in    *bufio.Reader
	out   bytes.Buffer
	left  int64 // bytes that may still be read
	looks int   // of the sweeper since it rests
}

// newWire reads from conn and looks at the state of bare, which is below it.
func newWire(conn, bare net.Conn) *wire {
	w := &wire{conn: conn, peek: silence(bare)}
	w.in = bufio.NewReaderSize(bounded{w}, wireBuffer)
	return w
}

// bounded keeps an endless head from filling the memory.
type bounded struct{ *wire }

func (b bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errHeadTooLarge
	}
	n, err := b.conn.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// interrupt ends whatever the connection is waiting for.
func (w *wire) interrupt() { _ = w.conn.SetDeadline(time.Unix(1, 0)) } // a connection that is closed waits for nothing

// quiet reports whether nothing came after the answer.
func (w *wire) quiet() bool { return w.in.Buffered() == 0 }

// send writes the request and tells how it went; the error may come while the answer is read already.
func (w *wire) send(u *url.URL, r *Request) <-chan error {
	b := &w.out
	b.Reset()
	b.WriteString("POST " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\nUser-Agent: ")
	if agent := r.Header.Get("User-Agent"); agent != "" {
		b.WriteString(lineBreaks.Replace(agent))
	} else {
		b.WriteString(userAgent)
	}
	b.WriteString("\r\nContent-Length: " + strconv.Itoa(len(r.Body)) + "\r\n")
	_ = r.Header.WriteSubset(b, ownHeaders) // a buffer takes everything
	b.WriteString("\r\n")
	b.Write(r.Body)
	written := make(chan error, 1)
	if b.Len() <= writeAhead {
		_, err := w.conn.Write(b.Bytes())
		written <- err
		return written
	}
	large := bytes.Clone(b.Bytes())
	w.out = bytes.Buffer{}
	go func() {
		_, err := w.conn.Write(large)
		written <- err
	}()
	return written
}

// readHead reads up to the body of the final answer.
func (w *wire) readHead() (*http.Response, error) {
	w.left = maxAnswerHeader
	for n := 0; ; n++ {
		res, err := http.ReadResponse(w.in, &http.Request{Method: http.MethodPost})
		if err != nil {
			return nil, noAnswer(err)
		}
		if res.StatusCode >= http.StatusOK || res.StatusCode == http.StatusSwitchingProtocols || n == maxInterim {
			w.left = math.MaxInt64 // the body has a limit of its own
			return res, nil
		}
	}
}
