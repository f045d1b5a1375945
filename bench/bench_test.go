package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets this program be the bare client, as the bench itself can be.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == posterWord {
		if err := bePoster(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	m.Run()
}

// TestQuickRun goes through every part on real servers, with loads so short that the figures mean nothing.
func TestQuickRun(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the binary and starts servers")
	}
	dir, results := t.TempDir(), t.TempDir()
	var out bytes.Buffer
	args := []string{"-quick", "-seconds", "0.1", "-no-mock", "-dir", dir, "-results", results}
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	files, err := filepath.Glob(filepath.Join(results, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("result files: %v %v", files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Ratios []line `json:"ratios"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for _, n := range got.Ratios {
		sections[n.Section] = true
		nothing := n.Ratio == 0 && n.Section != "Idle" // where it is the aim
		if nothing || n.Value == "" || n.Against == "" {
			t.Errorf("a line without a ratio: %+v", n)
		}
	}
	for _, want := range []string{"Rates", "Open loop", "Time added to the provider's", "Webhooks", "Lists", "Vault", "Wallets"} {
		if !sections[want] {
			t.Errorf("no line in section %s", want)
		}
	}
	if os.Getenv(postgresEnv) == "" && !strings.Contains(out.String(), "PostgreSQL was NOT measured") {
		t.Error("it does not say that PostgreSQL was not measured")
	}
	if !strings.Contains(out.String(), "stripe-mock was NOT measured") {
		t.Error("it does not say that stripe-mock was not measured")
	}
}

func TestFlags(t *testing.T) {
	for _, args := range []string{"-only nothing", "-rounds 0", "-seconds 0", "-payments 3", "more"} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	o, err := parse([]string{"-only", "create,list"})
	if err != nil || !o.wants("create") || o.wants("flow") || !o.wants("list") {
		t.Errorf("-only create,list: %v %v", o.parts(), err)
	}
}

func TestClientReadsAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		status int
		body   string
	}{
		"length":         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
		"other case":     {"HTTP/1.1 404 Not Found\r\nCONTENT-LENGTH:2\r\n\r\nno", 404, "no"},
		"chunks":         {"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", 201, "abc0123456789"},
		"no body":        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""},
		"no length":      {"HTTP/1.1 200 OK\r\n\r\nhello", 0, ""},
		"cut":            {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", 0, ""},
		"no status":      {"HTTP/1.1 abc\r\n\r\n", 0, ""},
		"other protocol": {"SMTP\r\n\r\n", 0, ""},
		"huge":           {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", 0, ""},
		"bad chunk":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\n", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reader := client{in: bufio.NewReader(strings.NewReader(c.text))}
			status, body, err := reader.read()
			if c.status == 0 {
				if err == nil {
					t.Fatalf("accepted: %d %q", status, body)
				}
				return
			}
			if err != nil || status != c.status || string(body) != c.body {
				t.Errorf("got %d %q %v", status, body, err)
			}
		})
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := client{in: bufio.NewReader(bytes.NewReader(text))}
		for {
			_, body, err := c.read()
			if err != nil {
				return
			}
			if len(body) > len(text) {
				t.Fatalf("%d bytes out of %d", len(body), len(text))
			}
		}
	})
}

func TestRequestsHaveOneHole(t *testing.T) {
	s := &server{ready: readiness{APIKey: "a-key"}}
	create, patch := s.createRequest(cardPart), s.patchRequest()
	for name, r := range map[string]*request{"create": create, "patch": patch} {
		if len(r.slot) != len(zeroes) || bytes.Count(r.raw, []byte(zeroes)) != 1 {
			t.Errorf("%s has a hole of %d in\n%s", name, len(r.slot), r.raw)
		}
		head, body, _ := strings.Cut(string(r.raw), "\r\n\r\n")
		if !json.Valid([]byte(body)) || !strings.Contains(head, "Content-Length: ") {
			t.Errorf("%s is no request: %s", name, r.raw)
		}
	}
	if got := create.number(4711); !bytes.Contains(got, []byte(`"order-00000000000000000000000000004711"`)) {
		t.Errorf("the number is not in %s", got)
	}
}

func TestPercentilesAndMedians(t *testing.T) {
	times := make([]time.Duration, 0, 200)
	for i := 200; i > 0; i-- {
		times = append(times, time.Duration(i))
	}
	if got := percentile(times, 50); got != 100 {
		t.Errorf("p50 %d", got)
	}
	if got := percentile(times, 99); got != 198 {
		t.Errorf("p99 %d", got)
	}
	if got := percentile(nil, 50); got != 0 {
		t.Errorf("p50 of nothing %d", got)
	}
	if odd, even := median([]float64{9, 1, 5}), median([]float64{4, 1, 2, 9}); odd != 5 || even != 3 {
		t.Errorf("medians %v %v", odd, even)
	}
}

func TestClosedLoopKeepsEveryWorkerBusy(t *testing.T) {
	var opened, closed atomic.Int64
	w := func(context.Context, int, time.Time) (step, func(), error) {
		opened.Add(1)
		return func() (int, error) { time.Sleep(time.Millisecond); return 2, nil }, func() { closed.Add(1) }, nil
	}
	s, err := (&load{work: w, conns: 5}).closedLoop(t.Context(), timing{count: 500 * time.Millisecond})
	if err != nil || s.Rate == 0 || s.P50 == 0 || s.P99 < s.P50 {
		t.Errorf("%+v %v", s, err)
	}
	if opened.Load() != 5 || closed.Load() != 5 {
		t.Errorf("opened %d, closed %d", opened.Load(), closed.Load())
	}
}

func TestALoadEndsAtTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	w := func(_ context.Context, worker int, _ time.Time) (step, func(), error) {
		return func() (int, error) {
			if worker == 1 {
				return 0, broken
			}
			return 1, nil
		}, func() {}, nil
	}
	l := load{work: w, conns: 3}
	if _, err := l.closedLoop(t.Context(), timing{count: time.Hour}); !errors.Is(err, broken) {
		t.Errorf("closed loop: %v", err)
	}
	if _, err := l.openLoop(t.Context(), timing{count: time.Hour}, 1e5); !errors.Is(err, broken) {
		t.Errorf("open loop: %v", err)
	}
	shut := load{conns: 2, work: func(context.Context, int, time.Time) (step, func(), error) { return nil, nil, broken }}
	if _, err := shut.closedLoop(t.Context(), timing{}); !errors.Is(err, broken) {
		t.Errorf("no connection: %v", err)
	}
}

// TestOpenLoopCountsFromTheDueTime: one slow answer has to show in all that were due meanwhile.
func TestOpenLoopCountsFromTheDueTime(t *testing.T) {
	var calls atomic.Int64
	w := func(context.Context, int, time.Time) (step, func(), error) {
		return func() (int, error) {
			if calls.Add(1) == 1 {
				time.Sleep(50 * time.Millisecond)
			}
			return 1, nil
		}, func() {}, nil
	}
	s, err := (&load{work: w, conns: 1}).openLoop(t.Context(), timing{count: 50 * time.Millisecond}, 1000)
	if err != nil || calls.Load() != 50 {
		t.Fatalf("%d calls, %v", calls.Load(), err)
	}
	if s.P50 < 10*time.Millisecond {
		t.Errorf("the queue is hidden: p50 %v", s.P50)
	}
}

func TestStatementsForBothDatabases(t *testing.T) {
	r := row{columns: []string{"shop_id", "id", "note", "created"}, values: []any{"s", slot{}, "it's", instant{}}}
	insert := r.insert("payment")
	if got, want := insert.numbered(), "INSERT INTO payment (shop_id, id, note, created) VALUES ($1, $2, $3, $4)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	update := r.with(map[string]any{"note": nil, "created": instant{5}}).update("payment", []string{"note", "created"}, "shop_id", "id")
	if got, want := update.numbered(), "UPDATE payment SET note = $1, created = $2 WHERE shop_id = $3 AND id = $4"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if diff := cmp.Diff([]any{nil, int64(105), "s", "x"}, update.fill(unit{"x", 100})); diff != "" {
		t.Error(diff)
	}
	script, variables := pgbenchScript(job{{insert}, {update}})
	for _, want := range []string{"\\startpipeline\nINSERT INTO payment", "note = NULL", "shop_id = :v2 AND", "'0199c0de00007'"} {
		if !strings.Contains(script, want) {
			t.Errorf("no %q in\n%s", want, script)
		}
	}
	if diff := cmp.Diff([]string{"-D", "v0=s", "-D", "v1=it's", "-D", "v2=s"}, variables); diff != "" {
		t.Error(diff)
	}
}

func TestWhatDiffersFromPaymentToPayment(t *testing.T) {
	id := strings.Repeat("a", 32)
	for _, c := range []struct {
		column string
		value  any
		want   any
	}{
		{"id", id, slot{}},
		{"key", "e-" + id + "-1", slot{"e-", "-1"}},
		{"reference", "order-7", slot{before: "order-"}},
		{"created", int64(7), instant{}},
		{"own_ref", "p-1", slot{}},
		{"own_ref", nil, nil},
		{"outgoing", "[" + id + "]", "[" + id + "]"},
		{"tries", int64(1), int64(1)},
	} {
		if got := general(c.column, c.value, id); got != c.want {
			t.Errorf("%s: %v became %v, not %v", c.column, c.value, got, c.want)
		}
	}
}

func TestTheTableSaysWhetherMarksAreMet(t *testing.T) {
	r := report{}
	r.add(line{Section: "A", Name: "fast", Value: "3/s", Against: "2/s", Ratio: 1.5}.atLeast(1.2))
	r.add(line{Section: "A", Name: "slow", Value: "3 s", Against: "2 s", Ratio: 1.5}.atMost(1))
	r.add(line{Section: "B", Name: "free", Value: "3 s", Against: "2 s", Ratio: 1.5})
	r.add(line{Section: "A", Name: "late", Value: "3 s", Against: "2 s", Ratio: 1.5})
	got := r.markdown()
	if strings.Count(got, "## A") != 1 || strings.Index(got, "| late |") > strings.Index(got, "## B") {
		t.Errorf("sections are torn:\n%s", got)
	}
	for _, want := range []string{"| fast | 3/s | 2/s | 1.50 | ≥ 1.2 | yes |", "| slow | 3 s | 2 s | 1.50 | ≤ 1 | NO |",
		"## B", "| free | 3 s | 2 s | 1.50 |  |  |"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestRatiosAreTakenWithinRounds(t *testing.T) {
	a, b := key{"create", "us", 64}, key{"create", "them", 64}
	found := results{a: {{Rate: 10}, {Rate: 100}, {Rate: 30}}, b: {{Rate: 5}, {Rate: 100}, {Rate: 10}}}
	r := &report{}
	(&tally{found, r}).rate(comparison{"create", "creates", "us", "create", "them", "so", 64}, 2)
	if len(r.lines) != 1 || r.lines[0].Ratio != 2 || r.lines[0].Met == nil || !*r.lines[0].Met {
		t.Errorf("%+v", r.lines)
	}
}
