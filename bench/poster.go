package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// posterWord as the only argument makes this program the bare client.
const posterWord = "post-as-told"

// posting is what the bare client is told on its standard input.
type posting struct {
	URL      string    `json:"url"`
	Messages []message `json:"messages"`
}

// postApart has a process of its own post the messages, as the server that it is compared with is one too, and returns
// how long that took. The process has posted all of them once before it is measured.
func postApart(ctx context.Context, p posting) (time.Duration, error) {
	own, err := os.Executable()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, own, posterWord) //nolint:gosec // this very program
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start the bare client: %w", err)
	}
	lasted, err := direct(in, bufio.NewReader(out), p)
	if ended := errors.Join(in.Close(), cmd.Wait()); err == nil {
		err = ended
	}
	if err != nil {
		return 0, fmt.Errorf("the bare client: %w: %s", err, firstLine(complaint.String()))
	}
	return lasted, nil
}

// direct tells the client what to post, waits until it is ready, and takes the time from "go" to "done".
func direct(in io.Writer, out *bufio.Reader, p posting) (time.Duration, error) {
	if err := json.NewEncoder(in).Encode(p); err != nil {
		return 0, err
	}
	if err := expect(out, "ready"); err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := io.WriteString(in, "go\n"); err != nil {
		return 0, err
	}
	err := expect(out, "done")
	return time.Since(began), err
}

func expect(r *bufio.Reader, word string) error {
	line, err := r.ReadString('\n')
	if err == nil && strings.TrimSpace(line) != word {
		err = fmt.Errorf("%q came, not %q", line, word)
	}
	return err
}

// bePoster is the other side of direct.
func bePoster(ctx context.Context, in io.Reader, out io.Writer) error {
	r := bufio.NewReader(in)
	text, err := r.ReadBytes('\n')
	if err != nil {
		return err
	}
	var p posting
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	client := poster()
	defer client.CloseIdleConnections()
	if err := postAll(ctx, client, &p); err != nil {
		return err
	}
	if _, err := io.WriteString(out, "ready\n"); err != nil {
		return err
	}
	if err := expect(r, "go"); err != nil {
		return err
	}
	if err := postAll(ctx, client, &p); err != nil {
		return err
	}
	_, err = io.WriteString(out, "done\n")
	return err
}

// poster is the plain way to post from many goroutines.
func poster() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: posters}, Timeout: time.Minute}
}

// postAll posts all messages, from as many goroutines as the server uses for one endpoint.
func postAll(ctx context.Context, client *http.Client, p *posting) error {
	var next atomic.Int64
	errs := make([]error, posters)
	var wg sync.WaitGroup
	for i := range posters {
		wg.Go(func() {
			for errs[i] == nil {
				n := int(next.Add(1) - 1)
				if n >= len(p.Messages) {
					return
				}
				errs[i] = postOne(ctx, client, p.URL, &p.Messages[n])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func postOne(ctx context.Context, client *http.Client, url string, m *message) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(m.Body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", mediaJSON)
	q.Header.Set(idHeader, m.ID)
	res, err := client.Do(q)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}
