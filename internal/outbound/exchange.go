package outbound

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// timeLayout is the form of instants in recorded messages; they are always in UTC.
const timeLayout = "2006-01-02T15:04:05.000+00:00"

// Recorder collects the masked messages of one operation. It is safe for concurrent use. Nothing unmasked is kept:
// each message is masked when it is recorded, the request before it leaves.
type Recorder struct {
	begun    atomic.Bool
	mu       sync.Mutex
	outgoing []byte
	incoming []byte
}

type recorderKey struct{}

// WithRecorder returns a context under which every Do leaves its request and answer in the returned recorder.
func WithRecorder(ctx context.Context) (context.Context, *Recorder) {
	rec := new(Recorder)
	return context.WithValue(ctx, recorderKey{}, rec), rec
}

func recorderOf(ctx context.Context) *Recorder {
	rec, _ := ctx.Value(recorderKey{}).(*Recorder)
	return rec
}

// begin notes that a request is about to leave.
func (r *Recorder) begin() {
	if r != nil {
		r.begun.Store(true)
	}
}

// Begun reports whether any request was made, of which something may have left.
func (r *Recorder) Begun() bool { return r.begun.Load() }

// Outgoing returns the recorded requests as the text of a JSON array, "[]" when there are none.
func (r *Recorder) Outgoing() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return "[" + string(r.outgoing) + "]"
}

// Incoming returns the recorded answers and notices as the text of a JSON array, "[]" when there are none.
func (r *Recorder) Incoming() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return "[" + string(r.incoming) + "]"
}

// Incoming is a message that the other side began: a provider's notice. URL is where it arrived and may be nil.
type Incoming struct {
	At     time.Time
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte
}

// RecordIncoming adds a notice, masked by the given list, to the incoming messages.
func (r *Recorder) RecordIncoming(in Incoming, allow Allowlist) {
	set := newAllowSet(allow)
	m := message{at: in.At, method: in.Method, url: in.URL, header: in.Header}
	m.body = set.maskBody(in.Body, in.Header.Get("Content-Type"))
	r.add(&r.incoming, m, set)
}

func (r *Recorder) recordRequest(at time.Time, u *url.URL, req *Request, allow *allowSet) {
	if r == nil {
		return
	}
	m := message{at: at, method: req.Method, url: u, header: req.Header}
	m.body = allow.maskBody(req.Body, req.Header.Get("Content-Type"))
	r.add(&r.outgoing, m, allow)
}

// answer is what came back; err says why body is not complete.
type answer struct {
	res  *http.Response
	body []byte
	err  error
}

func (r *Recorder) recordAnswer(at, started time.Time, req *http.Request, a answer, allow *allowSet) {
	if r == nil {
		return
	}
	m := message{
		at: at, method: req.Method, url: req.URL, header: a.res.Header,
		status: a.res.StatusCode, took: at.Sub(started), answered: true,
	}
	if a.err != nil {
		m.body = "[no complete body]"
	} else {
		m.body = allow.maskBody(a.body, a.res.Header.Get("Content-Type"))
	}
	r.add(&r.incoming, m, allow)
}

// message is one entry before it is written; status and duration belong to answers only.
type message struct {
	at       time.Time
	method   string
	url      *url.URL
	header   http.Header
	body     string
	status   int
	took     time.Duration
	answered bool
}

func (r *Recorder) add(list *[]byte, m message, allow *allowSet) {
	b := make([]byte, 0, 256+2*len(m.body))
	b = append(b, `{"at":"`...)
	b = m.at.UTC().AppendFormat(b, timeLayout)
	b = append(b, `","method":`...)
	b = appendString(b, m.method)
	b = append(b, `,"url":`...)
	b = appendString(b, allow.maskURL(m.url))
	if m.answered {
		b = append(b, `,"status":`...)
		b = strconv.AppendInt(b, int64(m.status), 10)
	}
	b = append(b, `,"headers":{`...)
	b = allow.appendHeaders(b, m.header)
	b = append(b, `},"body":`...)
	b = appendString(b, m.body)
	if m.answered {
		b = append(b, `,"durationMs":`...)
		b = strconv.AppendInt(b, m.took.Milliseconds(), 10)
	}
	b = append(b, '}')

	r.mu.Lock()
	defer r.mu.Unlock()
	if len(*list) > 0 {
		*list = append(*list, ',')
	}
	*list = append(*list, b...)
}

// appendHeaders appends the members of the headers object: allowed names in order, several values joined by commas.
func (a *allowSet) appendHeaders(b []byte, h http.Header) []byte {
	first := true
	for _, name := range a.headers {
		values := h[name]
		if len(values) == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendString(b, name)
		b = append(b, ':')
		b = appendString(b, MaskDigits(strings.Join(values, ", ")))
	}
	return b
}
