package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// datedFeed is a server whose events are an hour old each more than the next; the last is new.
func datedFeed(ids ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var items []string
		for n, id := range ids {
			cursor := fmt.Sprintf("c%d", n+1)
			if r.URL.Query().Get("after") < cursor {
				items = append(items, fmt.Sprintf(`{"id":%q,"type":"payment.completed","paymentId":"p1","created":%q,"cursor":%q,"payload":{}}`,
					id, time.Now().Add(-time.Duration(len(ids)-1-n)*time.Hour).Format(time.RFC3339Nano), cursor))
			}
		}
		if len(items) == 0 {
			select {
			case <-r.Context().Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
		fmt.Fprintf(w, `{"hasMore":false,"cursor":"c%d","result":[%s]}`, len(ids), strings.Join(items, ","))
	}
}

// developer runs the command itself, with a home of its own, in the folder where the test runs.
type developer struct {
	feed, hook string
	home       string
	out        *output
	stop       func() int
}

func (d *developer) listen(t *testing.T, args ...string) {
	t.Helper()
	d.out = &output{}
	out := d.out
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() {
		done <- run(append([]string{"listen", "--server", d.feed, "--forward-to", d.hook, "--api-key", "key"}, args...),
			&surroundings{ctx: ctx, out: out, err: out, env: []string{"HOME=" + d.home}})
	}()
	t.Cleanup(cancel)
	d.stop = func() int { cancel(); return <-done }
}

func (d *developer) says(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(d.out.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not say %q:\n%s", text, d.out)
		}
	}
}

func (d *developer) places(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(d.home, ".local", "state", "sluice", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v, %v", path, info, err)
		}
	}
	return found
}

func newDeveloper(t *testing.T, ids ...string) (*developer, *receiver) {
	t.Helper()
	feed := httptest.NewServer(datedFeed(ids...))
	t.Cleanup(feed.Close)
	r := newReceiver(t, nil)
	return &developer{feed: feed.URL, hook: r.URL, home: t.TempDir()}, r
}

// TestListenBeginsNow: without a word about it, nothing that is over is forwarded; where it was stopped it goes on.
func TestListenBeginsNow(t *testing.T) {
	t.Chdir(t.TempDir())
	d, r := newDeveloper(t, "evt_1", "evt_2", "evt_3")
	d.feed = httptest.NewServer(scriptedFeed("evt_1", "evt_2", "evt_3")).URL
	d.listen(t)
	d.says(t, "Beginning now")
	for len(d.places(t)) == 0 {
		time.Sleep(time.Millisecond)
	}
	if code := d.stop(); code != 0 || !strings.Contains(d.out.String(), "Forwarded 0 events") {
		t.Errorf("code %d:\n%s", code, d.out)
	}
	if !strings.Contains(d.out.String(), "NOT signed") || !strings.Contains(d.out.String(), "Yandex Pay") {
		t.Errorf("it does not say what it does not do:\n%s", d.out)
	}
	d.listen(t, "--signing-key", testSigningKey)
	d.says(t, "Going on where it stopped")
	d.stop()
	if ids, _ := r.received(); len(ids) != 0 || strings.Contains(d.out.String(), "NOT signed") {
		t.Errorf("%v came:\n%s", ids, d.out)
	}
	if here, err := os.ReadDir("."); err != nil || len(here) != 0 {
		t.Errorf("it left %v in the folder it was started in, %v", here, err)
	}
}

func TestListenBeginsWhereItIsTold(t *testing.T) {
	t.Parallel()
	all := []string{"evt_1", "evt_2", "evt_3", "evt_4"}
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"start":     {[]string{"--from-start"}, all},
		"beginning": {[]string{"--from", "beginning"}, all},
		"ago":       {[]string{"--since", "90m"}, all[2:]},
		"instant":   {[]string{"--since", time.Now().Add(-150 * time.Minute).Format(time.RFC3339)}, all[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, r := newDeveloper(t, all...)
			d.listen(t, append(c.args, "--signing-key", testSigningKey)...)
			got := r.waitFor(t, len(c.want))
			if d.stop(); !slices.Equal(got, c.want) {
				t.Errorf("%v came, want %v", got, c.want)
			}
			if c.args[0] != "--from-start" {
				return
			}
			d.listen(t, append(c.args, "--signing-key", testSigningKey)...) // whatever the file says
			r.waitFor(t, 2*len(c.want))
			d.stop()
		})
	}
}

func TestListenRefusesTwoBeginnings(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--from-start", "--since", "1h"}, {"--since", "yesterday"}, {"--since", "-1h"}, {"--from", "here"}} {
		d, _ := newDeveloper(t)
		d.listen(t, args...)
		d.says(t, "sluice: ")
		if code := d.stop(); code != exitUsage || len(d.places(t)) != 0 {
			t.Errorf("%v: code %d\n%s", args, code, d.out)
		}
	}
}

// TestListenTakesAnOldPlaceOver: earlier versions kept the place in the folder they were started in.
func TestListenTakesAnOldPlaceOver(t *testing.T) {
	t.Chdir(t.TempDir())
	d, r := newDeveloper(t, "evt_1", "evt_2", "evt_3")
	d.listen(t, "--signing-key", testSigningKey)
	for len(d.places(t)) == 0 {
		time.Sleep(time.Millisecond)
	}
	d.stop()
	path := d.places(t)[0]
	old := ".sluice-" + filepath.Base(path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, old, `{"server":"x","forwardTo":"y","cursor":"c2"}`)
	before, _ := r.received()
	d.listen(t, "--signing-key", testSigningKey)
	if got := r.waitFor(t, len(before)+1); !slices.Equal(got[len(before):], []string{"evt_3"}) {
		t.Errorf("%v came", got)
	}
	d.stop()
	if _, err := os.Stat(old); err == nil || len(d.places(t)) != 1 || !strings.Contains(d.out.String(), old) {
		t.Errorf("%v, now at %v\n%s", err, d.places(t), d.out)
	}
}

func TestStateFolders(t *testing.T) {
	t.Parallel()
	if filepath.Separator != '/' {
		t.Skip("paths of this system look otherwise")
	}
	for _, c := range []struct {
		system, env, want string
	}{
		{"linux", "HOME=/home/me", "/home/me/.local/state/sluice"},
		{"freebsd", "HOME=/home/me XDG_STATE_HOME=/state", "/state/sluice"},
		{"linux", "HOME=/home/me XDG_STATE_HOME=state", "/home/me/.local/state/sluice"},
		{"darwin", "HOME=/Users/me", "/Users/me/Library/Application Support/sluice"},
		{"windows", "LOCALAPPDATA=/local HOME=/h", "/local/sluice"},
		{"linux", "PATH=/bin", ""},
		{"linux", "HOME=", ""},
	} {
		got, err := stateDir(c.system, strings.Fields(c.env))
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s, %s: %q, %v", c.system, c.env, got, err)
		}
	}
}
