package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/store"
)

const (
	postTimeout = 15 * time.Second
	maxAnswer   = 64 << 10 // bytes of an answer that are read
	maxKept     = 1 << 10  // and kept in the log
	idPrefix    = "evt_"
)

// NewClient returns the client for posts. The guard says which addresses they may reach;
// its zero value allows the public internet only.
func NewClient(guard outbound.Guard, now func() time.Time) *outbound.Client {
	return outbound.New(outbound.Options{Timeout: postTimeout, MaxBody: maxAnswer, Guard: guard, Now: now})
}

// result is what became of one post.
type result struct {
	item       *item
	protocol   *Protocol
	at         time.Time
	took       time.Duration
	status     int
	err        string // empty when the receiver accepted
	answer     string
	retryAfter time.Duration
	stack      string
	ours       bool // the fault is on our side: it says nothing about the endpoint
	aborted    bool // the run was told to end: nothing is known and nothing recorded
}

func (r *result) delivered() bool { return r.err == "" && !r.aborted }

// inBurst reports that the delivery, if it failed, is tried again at once.
func (r *result) inBurst() bool { return r.item.Rung+1 < r.protocol.Burst }

// post makes one try.
func (r *run) post(ctx context.Context, it *item) result {
	res := result{item: it, protocol: r.d.protocol(it.Dialect), at: r.d.c.Now()}
	header := http.Header{"Content-Type": {it.ContentType}}
	if res.protocol.Sign == nil {
		res.err, res.ours = fmt.Sprintf("no signer for dialect %q", it.Dialect), true
		return res
	}
	message := Message{ID: idPrefix + it.Event, At: res.at, Body: []byte(it.Body), Try: it.Tries + 1, Keys: r.keys}
	body, err := res.protocol.Sign(ctx, header, message)
	if err != nil {
		res.err, res.ours = "sign: "+err.Error(), true
		return res
	}
	answer, err := r.d.c.Client.Post(ctx, &outbound.Request{Method: http.MethodPost, URL: r.url, Header: header, Body: body})
	ended := r.d.c.Now()
	res.took = ended.Sub(res.at)
	switch {
	case err == nil:
		res.read(answer, ended)
	case ctx.Err() != nil:
		res.aborted = true
	default:
		if answer != nil {
			res.readHead(answer, ended)
		}
		if !res.protocol.Accepts(res.status) { // an answer whose head accepts is enough, whatever its body
			res.err = err.Error()
		}
	}
	return res
}

// read judges a complete answer.
func (r *result) read(a *outbound.Response, now time.Time) {
	r.readHead(a, now)
	r.answer = printable(a.Body)
	if !r.protocol.Accepts(a.Status) {
		r.err = "answered " + strconv.Itoa(a.Status)
	}
}

// readHead takes what is asked for, which counts even where the body is too long or breaks off.
func (r *result) readHead(a *outbound.Response, now time.Time) {
	r.status = a.Status
	if a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable {
		r.retryAfter = retryAfter(a.Header.Get("Retry-After"), now)
	}
}

// retryAfter reads the header of that name: seconds, or a date. What cannot be read asks
// for nothing.
func retryAfter(text string, now time.Time) time.Duration {
	wait := time.Duration(0)
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseUint(text, 10, 63); err == nil {
		wait = time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		wait = maxRetryAfter
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// printable is the beginning of an answer as the log keeps it: no control characters, no
// broken text, no card numbers.
func printable(body []byte) string {
	if len(body) > maxKept {
		body = body[:maxKept]
		for range utf8.UTFMax - 1 { // a character cut in two
			if c, n := utf8.DecodeLastRune(body); c != utf8.RuneError || n != 1 {
				break
			}
			body = body[:len(body)-1]
		}
	}
	text := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(string(body), "?"))
	return outbound.MaskDigits(strings.TrimSpace(text))
}

// entry is the result as the delivery log keeps it.
func (r *result) entry() store.Try {
	return store.Try{
		DeliveryKey: r.item.DeliveryKey, Number: r.item.Tries + 1, At: r.at, Took: r.took, Status: r.status,
		Error: r.err, Answer: r.answer,
	}
}
