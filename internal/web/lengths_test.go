package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/web"
)

// TestRequestsWithTwoLengths: what production.md says of requests by which one is smuggled behind another where a proxy and
// its server do not agree on where the first one ends.
func TestRequestsWithTwoLengths(t *testing.T) {
	t.Parallel()
	address := served(t, web.Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := web.ReadBody(w, r, 1000, "x")
		fmt.Fprintf(w, "%s %q %q %v", r.Method, body, r.Header["Content-Length"], err)
	})})
	const hello = "5\r\nhello\r\n0\r\n\r\n"
	for _, tc := range []struct{ name, head, body, want string }{
		{"a length too short", "Content-Length: 3\r\nTransfer-Encoding: chunked", hello, `200 POST "hello" [] <nil>, 200 GET "" [] <nil>`},
		{"a length too long", "Transfer-Encoding: chunked\r\nContent-Length: 300", hello, `200 POST "hello" [] <nil>, 200 GET "" [] <nil>`},
		{"no number beside chunks", "Transfer-Encoding: chunked\r\nContent-Length: x", hello, "400 400 Bad Request"},
		{"lengths that differ", "Content-Length: 5\r\nContent-Length: 6", "hello", "400 400 Bad Request"},
		{"a list of lengths", "Content-Length: 5, 5", "hello", "400 400 Bad Request"},
		{"another encoding", "Transfer-Encoding: xchunked\r\nContent-Length: 5", "hello", "501 Unsupported transfer encoding"},
		{"two encodings", "Transfer-Encoding: identity, chunked", hello, "501 Unsupported transfer encoding"},
		{"encodings twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", hello, "501 Unsupported transfer encoding"},
		{"a space before the colon", "Transfer-Encoding : chunked\r\nContent-Length: 5", "hello", "400 400 Bad Request: invalid header name"},
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\n"+tc.head+"\r\n\r\n"+tc.body+"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		var answers []string
		for r := bufio.NewReader(c); ; {
			res, err := http.ReadResponse(r, nil)
			if err != nil { // the end
				break
			}
			text, _ := io.ReadAll(res.Body)
			_ = res.Body.Close() // it is read
			answers = append(answers, fmt.Sprintf("%d %s", res.StatusCode, text))
			if res.Close {
				break
			}
		}
		_ = c.Close() // all is read
		if got := strings.Join(answers, ", "); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
