package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Post sends a request as Do does, under the same limits and guard, for callers that make very many calls to few hosts
// and keep a record of their own: no Recorder sees it, and an answer is not asked for in compressed form and is handed
// over as it came. It takes about half of the processor time of Do, because the goroutine of the caller itself writes
// and reads.
//
// Errors are those of Do. Beside ErrUnknown stands a Response without a body where at least the head of the answer came.
func (c *Client) Post(ctx context.Context, r *Request) (*Response, error) {
	u, err := url.Parse(r.URL)
	if err != nil || c.wires == nil || r.Method != http.MethodPost || !plain(u.Host) {
		return c.Do(ctx, r)
	}
	if err := checkURL(u); err != nil {
		return nil, &callError{class: ErrNotSent, cause: err}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	recorderOf(ctx).begin()
	w, err := c.wires.get(ctx, u)
	if err != nil {
		return nil, notSent(err, true)
	}
	res, err := c.converse(ctx, w, u, r)
	if err == nil {
		return res, nil
	}
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	return res, &callError{class: ErrUnknown, cause: err}
}

// plain reports whether the host of an address needs no translation before it is looked up or named in a header.
func plain(host string) bool {
	return strings.IndexFunc(host, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '%' }) < 0
}

// converse sends the request on the connection, reads the answer, and gives the connection back where it can serve again.
func (c *Client) converse(ctx context.Context, w *wire, u *url.URL, r *Request) (*Response, error) {
	again := false
	defer func() { c.wires.put(w, again) }()
	release := context.AfterFunc(ctx, w.interrupt)
	defer release()
	written := w.send(u, r)
	head, err := w.readHead() //nolint:bodyclose // closing would read it to its end, whatever comes
	if err != nil {
		return nil, err
	}
	res := &Response{Status: head.StatusCode, Header: head.Header}
	if res.Body, err = c.readUpTo(head); err != nil {
		res.Body = nil
		return res, fmt.Errorf("status %d, then %w", head.StatusCode, err)
	}
	again = !head.Close && head.StatusCode != http.StatusSwitchingProtocols && w.quiet() && isWritten(written) && release()
	return res, nil
}

// isWritten reports whether the request has left in whole. A large one that was answered before is not waited for.
func isWritten(written <-chan error) bool {
	select {
	case err := <-written:
		return err == nil
	default:
		return false
	}
}

var (
	errHeadTooLarge = errors.New("answer header too large")
	errNoAnswer     = errors.New("the connection was closed before the answer's header was complete")
)

// noAnswer words an end of the stream within the head.
func noAnswer(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errNoAnswer
	}
	return err
}
