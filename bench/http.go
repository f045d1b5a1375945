package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// answerLimit bounds the body of one answer; a list of fifty payments has some 60 kB.
const answerLimit = 4 << 20

// client is one kept-alive HTTP/1.1 connection. It sends requests that were rendered beforehand and understands just
// enough of answers to know where they end, so that it takes little of the processors it shares with the server.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte // of the latest answer, reused
}

// dial connects to host:port. Everything on the connection must be over at the deadline.
func dial(ctx context.Context, address string, deadline time.Time) (*client, error) {
	conn, err := (&net.Dialer{Timeout: 30 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}, nil
}

func (c *client) close() { _ = c.conn.Close() } // nothing is left to lose

// do sends a whole request and returns status and body of its answer; the body is valid until the next call.
func (c *client) do(request []byte) (status int, body []byte, err error) {
	if _, err = c.conn.Write(request); err != nil {
		return 0, nil, fmt.Errorf("send: %w", err)
	}
	return c.read()
}

// read returns the next answer on the connection.
func (c *client) read() (status int, body []byte, err error) {
	h, err := c.readHead()
	if err != nil {
		return 0, nil, fmt.Errorf("answer: %w", err)
	}
	c.body = c.body[:0]
	switch {
	case h.chunked:
		err = c.readChunks()
	case h.length >= 0:
		err = c.readPart(h.length)
	default:
		err = errors.New("neither length nor chunks")
	}
	if err != nil {
		return h.status, nil, fmt.Errorf("body of answer: %w", err)
	}
	return h.status, c.body, nil
}

// head is what counts of an answer's status line and fields.
type head struct {
	status  int
	length  int // -1 where none is told
	chunked bool
}

func (c *client) readHead() (head, error) {
	h := head{length: -1}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return h, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return h, fmt.Errorf("no status line: %.40q", line)
	}
	if h.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return h, fmt.Errorf("no status: %.40q", line)
	}
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return h, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			return h, nil
		}
		if value, ok := field(line, "content-length:"); ok {
			if h.length, err = strconv.Atoi(string(value)); err != nil || h.length < 0 {
				return h, fmt.Errorf("length %.20q", value)
			}
		} else if value, ok := field(line, "transfer-encoding:"); ok {
			h.chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
}

// field returns the value of a header line that begins with name, which is in lower case and ends in a colon.
func field(line []byte, name string) ([]byte, bool) {
	if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name):]), true
}

// readPart appends the next n bytes to the body.
func (c *client) readPart(n int) error {
	old := len(c.body)
	if n > answerLimit-old {
		return fmt.Errorf("more than %d bytes", answerLimit)
	}
	if need := old + n; need > cap(c.body) {
		c.body = append(make([]byte, 0, need+need/4), c.body...)
	}
	c.body = c.body[:old+n]
	_, err := io.ReadFull(c.in, c.body[old:])
	return err
}

// readChunks reads a chunked body; trailers are not expected.
func (c *client) readChunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(";"))
		size, err := strconv.ParseUint(string(digits), 16, 31)
		if err != nil {
			return fmt.Errorf("size of a chunk: %.20q", digits)
		}
		if err := c.readPart(int(size)); err != nil {
			return err
		}
		if _, err := c.in.Discard(2); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}
