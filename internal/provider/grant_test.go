package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/provider"
)

// digits are as a card's.
type digits string

func (d digits) AppendTo(b []byte) []byte { return append(b, d...) }

func TestObjectsAreWhatServersRead(t *testing.T) {
	inner := provider.NewObject(10).Text("x", "a\"\\\n\u2028é").Text("none", "")
	o := provider.NewObject(10).Text("t", "1").Number("n", 42).Bool("b", false).Secret("s", digits("4111")).Nest("in", inner).
		Nest("empty", provider.NewObject(0)).List("l", inner, provider.NewObject(0)).List("nothing").Raw("r", []byte("[1]")).
		Open("deep").Open("deeper").Number("n", 1).Close().Text("after", "x").Close().Text("last", "\xff")
	const want = `{"t":"1","n":42,"b":false,"s":"4111","in":{"x":"a\"\\\n\u2028é"},"l":[{"x":"a\"\\\n\u2028é"},{}],"r":[1],"deep":{"deeper":{"n":1},"after":"x"},"last":"�"}`
	var a, b any
	if err := errors.Join(json.Unmarshal(o.Bytes(), &a), json.Unmarshal([]byte(want), &b)); err != nil || fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("%s, %v", o.Bytes(), err)
	}
	if empty := provider.NewObject(0).Bytes(); string(empty) != "{}" {
		t.Errorf("%s", empty)
	}
}

// TestObjectsWithRoomLeaveNoCopyBehind: what was written stands where it was begun.
func TestObjectsWithRoomLeaveNoCopyBehind(t *testing.T) {
	o := provider.NewObject(200)
	whole := o.Open("card").Secret("number", digits("4111111111111111")).Close().Text("x", strings.Repeat("y", 100)).Bytes()
	if &whole[0] != &o[0] {
		t.Error("the object was moved")
	}
}

// tokens is a server of access tokens.
type tokens struct {
	asked  atomic.Int64
	answer atomic.Pointer[func(w http.ResponseWriter)]
}

func (s *tokens) says(f func(w http.ResponseWriter)) { s.answer.Store(&f) }

func grantOf(t *testing.T, now func() time.Time) (*tokens, *provider.Grant) {
	t.Helper()
	s := new(tokens)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := s.asked.Add(1)
		if body, _ := io.ReadAll(r.Body); string(body) != "grant_type=client_credentials" || r.Header.Get("Authorization") != "Basic x" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if f := s.answer.Load(); f != nil {
			(*f)(w)
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":600}`, n)
	}))
	t.Cleanup(server.Close)
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now})
	t.Cleanup(client.CloseIdle)
	return s, &provider.Grant{
		API:  &provider.API{Client: client, Name: "any", Base: server.URL, Header: http.Header{"Authorization": {"Basic x"}}, Log: slog.New(slog.DiscardHandler)},
		Path: "/token", Now: now, Form: func() provider.Form { return provider.NewForm(64).Text("grant_type", "client_credentials") },
	}
}

func TestTokensAreFetchedOnceAndBeforeTheirEnd(t *testing.T) {
	var ahead atomic.Int64
	start := time.Now()
	s, g := grantOf(t, func() time.Time { return start.Add(time.Duration(ahead.Load())) })
	bearer := func(want string, asked int64) {
		t.Helper()
		h, err := g.Bearer(t.Context())
		if err != nil || h.Get("Authorization") != "Bearer "+want || s.asked.Load() != asked {
			t.Errorf("%v, %v after %d requests; want %s after %d", h, err, s.asked.Load(), want, asked)
		}
	}
	bearer("token-1", 1)
	ahead.Store(int64(9*time.Minute - time.Second))
	bearer("token-1", 1)
	ahead.Store(int64(9 * time.Minute)) // a minute before its end
	bearer("token-2", 2)
	g.Forget()
	bearer("token-3", 3)
}

func TestAllWaitForOneToken(t *testing.T) {
	s, g := grantOf(t, time.Now)
	release := make(chan struct{})
	s.says(func(w http.ResponseWriter) {
		<-release
		_, _ = io.WriteString(w, `{"access_token":"one"}`)
	})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if h, err := g.Bearer(t.Context()); err != nil || h.Get("Authorization") != "Bearer one" {
				t.Errorf("%v, %v", h, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for s.asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := g.Bearer(ctx); !errors.Is(err, outbound.ErrOurs) || !errors.Is(err, outbound.ErrNotSent) {
		t.Error(err)
	}
	close(release)
	wg.Wait()
	if n := s.asked.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	s, g := grantOf(t, time.Now)
	for _, answer := range []string{
		"", "{}", `{"access_token":""}`, `{"access_token":"a b"}`, `{"access_token":"a\r\nX: y"}`, `{"access_token":1}`, "<html>",
		`{"access_token":"` + strings.Repeat("x", 9<<10) + `"}`, "401", "500", "302",
	} {
		s.says(func(w http.ResponseWriter) {
			var status int
			if _, err := fmt.Sscanf(answer, "%d", &status); err == nil {
				w.WriteHeader(status)
			}
			_, _ = io.WriteString(w, answer)
		})
		if h, err := g.Bearer(t.Context()); !errors.Is(err, outbound.ErrNotSent) || h != nil {
			t.Errorf("%.40q: %v, %v", answer, h, err)
		}
	}
	s.says(func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"access_token":"last","expires_in":1}`) })
	if h, err := g.Bearer(t.Context()); err != nil || h.Get("Authorization") != "Bearer last" {
		t.Errorf("%v, %v", h, err)
	}
}
