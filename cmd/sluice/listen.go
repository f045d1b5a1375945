package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/address"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/shop"
)

type listenCommand struct {
	ForwardTo  string `name:"forward-to" required:"" placeholder:"URL" help:"Where each event is posted, as http://localhost:3000/webhook."`
	APIKey     string `name:"api-key" env:"SLUICE_API_KEY" type:"input" secret:"" required:"" placeholder:"@FILE" help:"API key of the shop whose events to follow: from @FILE, from - for standard input, or from env:NAME for a variable."`
	Server     string `name:"server" default:"http://127.0.0.1:8080" placeholder:"URL" help:"The Sluice server (${default})."`
	SigningKey string `name:"signing-key" env:"SLUICE_SIGNING_KEY" type:"input" secret:"" placeholder:"@FILE" help:"Signing key of the shop, with which each post is signed like a webhook. Without it nothing is signed."`
	State      string `name:"state" placeholder:"FILE" help:"Keeps how far the events were forwarded; without it a file in ~/.local/state/sluice or its like, one for each server, key and target."`
	From       string `name:"from" enum:"beginning,now" default:"now" placeholder:"PLACE" help:"Where to begin while no such file is there: beginning or now (${default})."`
	FromStart  bool   `name:"from-start" xor:"begin" help:"Begin anew with the first event there is, whatever the file says."`
	Since      string `name:"since" xor:"begin" placeholder:"TIME" help:"Begin anew with events of this time and later: an instant as 2030-12-25T10:00:00Z, or as long ago as 90m."`
}

// Run forwards events to a developer's machine until it is told to stop.
func (c *listenCommand) Run(s *surroundings) error {
	server, err := webAddress("--server", c.Server)
	if err != nil {
		return err
	}
	target, err := webAddress("--forward-to", c.ForwardTo)
	if err != nil {
		return err
	}
	since, err := c.since(clock())
	if err != nil {
		return err
	}
	place, err := c.place(s, server, target)
	if err != nil {
		return err
	}
	if place.Server, place.ForwardTo = server, target; c.FromStart || !since.IsZero() {
		place.Cursor, place.LastEvent, place.Since = "", "", since
	}
	l := &listener{
		feed:   &feedClient{server: strings.TrimSuffix(server, "/"), key: c.APIKey, client: listenClient(feedWait + feedMargin)},
		poster: &poster{url: target, key: c.SigningKey, client: listenClient(forwardTimeout), now: clock, grace: stopGrace},
		place:  place, fromNow: c.From == "now" && !c.FromStart && since.IsZero(), out: s.out, now: clock,
		again: []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, away: 500 * time.Millisecond,
	}
	return l.run(s.ctx)
}

// since reads the flag of that name; the zero time says that it was not given.
func (c *listenCommand) since(now time.Time) (time.Time, error) {
	if c.Since == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(c.Since); err == nil && ago >= 0 {
		return now.Add(-ago).UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, c.Since)
	if err != nil {
		return at, fmt.Errorf("%w: --since: %q is neither an instant such as 2030-12-25T10:00:00Z nor as long ago as 90m", config.ErrInvalid, c.Since)
	}
	return at.UTC(), nil
}

// place opens the file that remembers how far the events were forwarded.
func (c *listenCommand) place(s *surroundings, server, target string) (*place, error) {
	if c.State != "" {
		return openPlace(c.State)
	}
	dir, err := stateDir(runtime.GOOS, s.env)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(server + "\n" + c.APIKey + "\n" + target))
	name := "listen-" + hex.EncodeToString(sum[:8]) + ".json"
	return openOwnPlace(filepath.Join(dir, name), ".sluice-"+name)
}

// webAddress checks an address that was given on the command line.
func webAddress(flag, text string) (string, error) {
	if !strings.Contains(text, "://") { // https is hardly meant on a developer's own machine
		return "", fmt.Errorf("%w: %s must be an address such as http://localhost:3000/webhook", config.ErrInvalid, flag)
	}
	a, err := address.Hook(text)
	if err != nil {
		return "", fmt.Errorf("%w: %s %w", config.ErrInvalid, flag, err)
	}
	if outbound.GuardNone.ForbidsLiteral(strings.Trim(a.Host, "[]")) {
		return "", fmt.Errorf("%w: %s %w", config.ErrInvalid, flag, shop.ErrNever)
	}
	return a.Text, nil
}

const (
	feedWait       = 25 * time.Second // that the server is asked to wait for an event
	feedMargin     = 15 * time.Second
	forwardTimeout = 15 * time.Second
	stopGrace      = 5 * time.Second // that a post may still take when we are told to stop
	longestAway    = 5 * time.Second // between two tries of something that does not answer
)

// listenClient calls whatever the developer named, this machine above all.
func listenClient(timeout time.Duration) *outbound.Client {
	return outbound.New(outbound.Options{Now: clock, Guard: outbound.GuardNone, Timeout: timeout, MaxBody: 256 << 20})
}

// listener carries events from the feed of a server to the developer's machine, one at a time.
type listener struct {
	feed    *feedClient
	poster  *poster
	place   *place
	fromNow bool
	out     io.Writer
	now     func() time.Time
	again   []time.Duration // waits between the tries of an event that is refused
	away    time.Duration   // first wait for somebody who does not answer

	passed  int
	skipped int
}

// run forwards until ctx ends, which is no error.
func (l *listener) run(ctx context.Context) error {
	l.introduce()
	err := l.follow(ctx)
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		l.sayf("Stopped. Forwarded %d events, gave up on %d.", l.passed, l.skipped)
		return nil
	}
	return err
}

// introduce says what is about to happen, and what is not.
func (l *listener) introduce() {
	l.sayf("Forwarding events of %s to %s; %s remembers how far.", l.feed.server, l.poster.url, l.place.path)
	if was := l.place.was; was != "" {
		l.sayf("It goes on where %s ended, which was removed.", was)
	}
	switch {
	case l.place.Cursor != "":
		l.sayf("Going on where it stopped; --from-start or --since 0s begins anew.")
	case l.fromNow: // said once it is true
	case !l.place.Since.IsZero():
		l.sayf("Beginning with events of %s.", l.place.Since.Format(time.RFC3339))
	default:
		l.sayf("Beginning with the first event there is.")
	}
	if l.poster.key == "" {
		l.sayf("NOT signed: give the shop's signing key as SLUICE_SIGNING_KEY for posts that are signed like webhooks.")
	} else {
		l.sayf("Signed like webhooks, with the signing key that was given.")
	}
	l.sayf("Events of the Yandex Pay merchant API do not come this way, but to the shop's callbackUrl.")
}

func (l *listener) follow(ctx context.Context) error {
	wait := l.away
	for ctx.Err() == nil {
		page, err := l.feed.read(ctx, l.after())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errFeedAway):
			if wait == l.away {
				l.sayf("%v; trying again.", err)
			}
			if err := pause(ctx, wait); err != nil {
				return err
			}
			wait = min(2*wait, longestAway)
			continue
		case err != nil:
			return l.explain(err)
		}
		if wait > l.away {
			l.sayf("The server answers again.")
			wait = l.away
		}
		if l.after() == feedLatest {
			l.sayf("Beginning now; --from-start or --since 1h forwards what was before, too.")
		}
		for i := range page.Result {
			if page.Result[i].Created.Before(l.place.Since) {
				continue
			}
			if err := l.pass(ctx, &page.Result[i]); err != nil {
				return err
			}
		}
		if err := l.place.move(page.Cursor, ""); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// after is where to read on.
func (l *listener) after() string {
	if l.place.Cursor == "" && l.fromNow {
		return feedLatest
	}
	return l.place.Cursor
}

// explain adds what to do about a refusal that waiting does not cure.
func (l *listener) explain(err error) error {
	if errors.Is(err, errFeedPlace) && l.place.Cursor != "" {
		return fmt.Errorf("%w: %s is about another shop or database; begin anew with --from-start", err, l.place.path)
	}
	return err
}

// pass forwards one event. It returns an error only when the event is to be forwarded again after the next start: a
// developer's server that refuses an event does not hold up those after it for ever.
func (l *listener) pass(ctx context.Context, e *feedEvent) error {
	wait, try := l.away, 1
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		began := l.now()
		status, err := l.poster.post(ctx, e)
		took := l.now().Sub(began)
		if err == nil && status >= 200 && status < 300 {
			l.passed++
			l.line(e, began, fmt.Sprintf("%d  %s", status, inMillis(took)))
			return l.place.move(e.Cursor, e.ID)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		said := fmt.Sprintf("%d  %s", status, inMillis(took))
		if err != nil {
			said = fmt.Sprintf("no answer  %s  %v", inMillis(took), err)
		}
		if errors.Is(err, outbound.ErrNotSent) { // it is not running: nothing was lost yet
			if wait == l.away {
				l.line(e, began, said+"  waiting for it")
			}
			if err := pause(ctx, wait); err != nil {
				return err
			}
			wait = min(2*wait, longestAway)
			continue
		}
		if try > len(l.again) {
			l.skipped++
			l.line(e, began, fmt.Sprintf("%s  given up after %d tries", said, try))
			return l.place.move(e.Cursor, e.ID)
		}
		l.line(e, began, fmt.Sprintf("%s  again in %s", said, l.again[try-1]))
		if err := pause(ctx, l.again[try-1]); err != nil {
			return err
		}
		try++
	}
}

// line is what the developer sees of one try.
func (l *listener) line(e *feedEvent, at time.Time, outcome string) {
	l.sayf("%s  %-18s  %s  %s", at.Local().Format("15:04:05.000"), e.Type, e.PaymentID, outcome)
}

func (l *listener) sayf(format string, args ...any) {
	_, _ = fmt.Fprintf(l.out, format+"\n", args...) // a terminal that is gone does not stop the forwarding
}

func inMillis(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// pause waits; the error is that of ctx when it ended first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
