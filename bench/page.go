package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

const (
	// pagesOpened are payments whose pages are opened in turns: each may be opened four times a second and eighty times at once.
	pagesOpened = 2_000
	// firstViewMark is the limit of what a browser loads before it shows the form, compressed.
	firstViewMark = 60_000
)

// measurePages opens payment pages with the form for a card, over and over, in turns with a handler of the standard library that
// answers with the same bytes and looks for nothing. Then it compares what a first view weighs with its limit.
func (l *lab) measurePages(ctx context.Context) error {
	bare, err := newBareHandler()
	if err != nil {
		return err
	}
	defer bare.close()
	for _, kind := range l.kinds() {
		if err := l.pages(ctx, kind, bare); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) pages(ctx context.Context, kind store.Kind, bare *bareHandler) error {
	h, err := l.newHome(ctx, kind)
	if err != nil {
		return err
	}
	s, err := l.serve(ctx, h)
	if err != nil {
		return err
	}
	defer s.stop()
	opened, err := l.openPages(ctx, s)
	if err != nil {
		return err
	}
	views, err := opened.view(ctx)
	if err != nil {
		return err
	}
	bare.body = views[0]
	found, own, other := results{}, key{"page", "Sluice on " + title(kind), mostConnections}, key{"page", "a bare handler", mostConnections}
	for range l.opts.rounds {
		for _, in := range []struct {
			turn key
			work work
		}{{own, opened.opening}, {other, bare.opening}} {
			one, err := (&load{work: in.work, conns: mostConnections}).closedLoop(ctx, l.opts.timing())
			if err != nil {
				return fmt.Errorf("%s: %w", in.turn.who, err)
			}
			found[in.turn] = append(found[in.turn], one)
		}
	}
	l.report.keep(found)
	t := &tally{found, l.report}
	ratio, _ := t.pairs(own, other, func(a, b sample) float64 { return a.Rate / b.Rate })
	l.report.add(line{Section: pageSection, Name: fmt.Sprintf("pages opened, %s, %d connections", own.who, own.conns), Value: perSecond(t.middle(own, rateOf)),
		Against: "a bare handler with the same bytes, " + perSecond(t.middle(other, rateOf)), Ratio: ratio})
	if kind != l.kinds()[0] {
		return nil
	}
	return l.weigh(views)
}

const pageSection = "Payment page"

// weigh compares a first view, which is the page and what it loads, with its limit.
func (l *lab) weigh(views [][]byte) error {
	plain, packed := 0, 0
	for _, view := range views {
		var to bytes.Buffer
		w := gzip.NewWriter(&to)
		if _, err := w.Write(view); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		plain, packed = plain+len(view), packed+to.Len()
	}
	n := line{Section: pageSection, Name: fmt.Sprintf("first view, %d requests, compressed", len(views)), Value: fmt.Sprintf("%.1f kB of %.1f kB", float64(packed)/1e3, float64(plain)/1e3),
		Against: fmt.Sprintf("the mark, %.0f kB", float64(firstViewMark)/1e3), Ratio: float64(packed) / firstViewMark}
	l.report.add(n.atMost(1))
	return nil
}

// openedPages are addresses of pages on one server.
type openedPages struct {
	*server

	paths []string
	last  atomic.Int64
}

// openPages makes payments and opens the page of each once: the first look at a page is written down, later ones are not.
func (l *lab) openPages(ctx context.Context, s *server) (*openedPages, error) {
	c, err := dial(ctx, s.address, time.Now().Add(5*time.Minute))
	if err != nil {
		return nil, err
	}
	defer c.close()
	o, create := &openedPages{server: s}, s.createRequest("")
	for range pagesOpened {
		_, body, err := c.do(create.number(l.refs.next()))
		if err != nil {
			return nil, err
		}
		var made struct {
			Result struct {
				RedirectURL string `json:"redirectUrl"`
			} `json:"result"`
		}
		if err = json.Unmarshal(body, &made); err != nil {
			return nil, fmt.Errorf("%w: %w", errSetup, err)
		}
		at, err := url.Parse(made.Result.RedirectURL)
		if err != nil || at.Path == "" {
			return nil, fmt.Errorf("%w: no page in %.200s", errSetup, body)
		}
		o.paths = append(o.paths, at.Path)
		if _, err := o.get(c, at.Path); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *openedPages) get(c *client, path string) ([]byte, error) {
	status, body, err := c.do(getRequest(path))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the page answered %d: %.200s", status, body)
	}
	return body, err
}

func getRequest(path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: en\r\n\r\n")
}

// opening is one connection that opens one page after the other.
func (o *openedPages) opening(ctx context.Context, _ int, deadline time.Time) (step, func(), error) {
	c, err := dial(ctx, o.address, deadline)
	if err != nil {
		return nil, nil, err
	}
	return func() (int, error) {
		body, err := o.get(c, o.paths[o.last.Add(1)%int64(len(o.paths))])
		if err == nil && !bytes.Contains(body, []byte(`id="number"`)) {
			err = errors.New("a page has no form")
		}
		return 1, err
	}, c.close, nil
}

// loaded finds what a page has a browser load.
var loaded = regexp.MustCompile(`<link rel="(?:icon|stylesheet)"[^>]* href="([^"]+)"`)

// view is a page and the files that it loads.
func (o *openedPages) view(ctx context.Context) ([][]byte, error) {
	c, err := dial(ctx, o.address, time.Now().Add(time.Minute))
	if err != nil {
		return nil, err
	}
	defer c.close()
	page, err := o.get(c, o.paths[0])
	if err != nil {
		return nil, err
	}
	views := [][]byte{bytes.Clone(page)}
	for _, at := range loaded.FindAllStringSubmatch(string(views[0]), -1) {
		file, err := o.get(c, at[1])
		if err != nil {
			return nil, err
		}
		views = append(views, bytes.Clone(file))
	}
	return views, nil
}

// bareHandler answers every request with the same bytes.
type bareHandler struct {
	server  *http.Server
	address string
	body    []byte
	ended   chan struct{}
}

func newBareHandler() (*bareHandler, error) {
	on, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing waits
	if err != nil {
		return nil, err
	}
	b := &bareHandler{address: on.Addr().String(), ended: make(chan struct{})}
	b.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(b.body)))
		_, _ = w.Write(b.body) // the client says what is missing
	})}
	go func() {
		defer close(b.ended)
		_ = b.server.Serve(on) // until it is closed
	}()
	return b, nil
}

func (b *bareHandler) close() {
	_ = b.server.Close() // nothing is left to lose
	<-b.ended
}

func (b *bareHandler) opening(ctx context.Context, _ int, deadline time.Time) (step, func(), error) {
	c, err := dial(ctx, b.address, deadline)
	if err != nil {
		return nil, nil, err
	}
	request := getRequest("/payment/" + strings.Repeat("t", 80))
	return func() (int, error) {
		status, body, err := c.do(request)
		if err == nil && (status != http.StatusOK || len(body) != len(b.body)) {
			err = fmt.Errorf("the bare handler answered %d with %d bytes", status, len(body))
		}
		return 1, err
	}, c.close, nil
}
