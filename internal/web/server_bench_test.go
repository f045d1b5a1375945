package web_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/web"
)

// BenchmarkServer is a request with a body on a connection that stays.
func BenchmarkServer(b *testing.B) {
	srv := web.New(web.Options{Logger: slog.New(slog.DiscardHandler), Caps: web.Caps{Most: 1000, PerClient: 1000}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := web.ReadBody(w, r, 64<<10, "owner")
		_, _ = w.Write(body)
	})})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	request := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300\r\n\r\n" + strings.Repeat("x", 300)
	answers := bufio.NewReader(c)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = io.WriteString(c, request)
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
	}
	_ = c.Close()
	stop()
	if err := <-served; err != nil {
		b.Error(err)
	}
}
