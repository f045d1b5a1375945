package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		given []string
		want  string
		err   error
	}{
		{"absent", nil, "", nil},
		{"bare", []string{"order-1"}, "order-1", nil},
		{"quoted", []string{`"order-1"`}, "order-1", nil},
		{"255 characters", []string{strings.Repeat("k", 255)}, strings.Repeat("k", 255), nil},
		{"255 characters, quoted", []string{`"` + strings.Repeat("k", 255) + `"`}, strings.Repeat("k", 255), nil},
		{"256 characters", []string{strings.Repeat("k", 256)}, "", ErrIdempotencyKey},
		{"empty", []string{""}, "", ErrIdempotencyKey},
		{"empty, quoted", []string{`""`}, "", ErrIdempotencyKey},
		{"tab", []string{"a\tb"}, "", ErrIdempotencyKey},
		{"not ASCII", []string{"schlüssel"}, "", ErrIdempotencyKey},
		{"DEL", []string{"a\x7f"}, "", ErrIdempotencyKey},
		{"twice", []string{"a", "a"}, "", ErrIdempotencyKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			if c.given != nil {
				h["Idempotency-Key"] = c.given
			}
			got, err := IdempotencyKey(h)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%q, %v; want %q, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestReadBody(t *testing.T) {
	t.Parallel()
	full := strings.Repeat(" ", MaxBody)
	for _, c := range []struct {
		name, contentType, body string
		chunked                 bool
		err                     error
	}{
		{"JSON", "application/json", "{}", false, nil},
		{"no type", "", "{}", false, nil},
		{"upper case and charset", `Application/JSON; charset="UTF-8"`, "{}", false, nil},
		{"another charset", "application/json; charset=latin1", "{}", false, ErrMediaType},
		{"text", "text/plain", "{}", false, ErrMediaType},
		{"form", "application/x-www-form-urlencoded", "{}", false, ErrMediaType},
		{"JSON of another kind", "application/problem+json", "{}", false, ErrMediaType},
		{"bad type", "application/json; ;=", "{}", false, ErrMediaType},
		{"empty body of any type", "text/plain", "", false, nil},
		{"64 KiB", "application/json", full, false, nil},
		{"64 KiB in chunks", "application/json", full, true, nil},
		{"a byte more", "application/json", full + " ", false, ErrTooLarge},
		{"a byte more in chunks", "application/json", full + " ", true, ErrTooLarge},
		{"too large and of another type", "text/plain", full + " ", false, ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var body io.Reader = strings.NewReader(c.body)
			if c.chunked {
				body = io.MultiReader(body)
			}
			r := httptest.NewRequest(http.MethodPost, "/", body)
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			got, err := ReadBody(httptest.NewRecorder(), r)
			if !errors.Is(err, c.err) || c.err == nil && err != nil {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && string(got) != c.body {
				t.Errorf("read %d bytes, want %d", len(got), len(c.body))
			}
		})
	}
}

func TestReadBodyCutShort(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{"))
	r.ContentLength = 10
	if _, err := ReadBody(httptest.NewRecorder(), r); !errors.Is(err, ErrIncomplete) {
		t.Errorf("error %v", err)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	Answer(w, http.StatusTeapot, []byte(`{}`))
	h := w.Result().Header
	if w.Code != http.StatusTeapot || w.Body.String() != `{}` {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Content-Length": "2", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain", "a\"b\\c", "\x00\x1f\n\r\t", "é😀", "\xff\xc0a", "\u2028</script>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := AppendString([]byte("x"), s)
		var got string
		if err := json.Unmarshal(out[1:], &got); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if diff := cmp.Diff(string([]rune(s)), got); diff != "" {
			t.Fatal(diff)
		}
		if bytes.ContainsAny(out, "\x00\n") {
			t.Fatalf("control characters in %q", out)
		}
	})
}

func TestPathsAreNamedWithoutCardNumbers(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/api/v1/payments/0197a9173b4c7f31a1b2c3d4e5f60718":        "/api/v1/payments/0197a9173b4c7f31a1b2c3d4e5f60718",
		"/api/v1/payments/%2e%2e/a%2Fb":                            "/api/v1/payments/%2e%2e/a%2Fb",
		"/api/v1/payments/1234567890123456":                        "/api/v1/payments/1234567890123456",
		"/api/v1/payments/4539148803436467/void":                   "/api/v1/payments/453914***6467/void",
		"/api/v1/4539%201488%200343%206467":                        "/api/v1/453914***6467",
		"/api/v1/%34%35%33%39%31%34%38%38%30%33%34%33%36%34%36%37": "/api/v1/453914***6467",
		"/api/v1/4539-1488-0343-6467%2F":                           "/api/v1/453914***6467/",
		"/api/v1/%EF%BC%94539148803436467":                         "/api/v1/453914***6467",
	} {
		if got := Path(httptest.NewRequest(http.MethodGet, path, nil)); got != want {
			t.Errorf("%s is named %s, want %s", path, got, want)
		}
	}
}
