package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// copies is where a text stands in the memory of the process, with what is around it.
func (p *process) copies(t *testing.T, text string) (around []string) {
	t.Helper()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", p.cmd.Process.Pid))
	if err != nil {
		setting.Missing(t, setting.Strace, "the memory of a process of ours cannot be read: ", err)
	}
	defer mem.Close()
	read := 0
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to int64
		var rights string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &rights); err != nil || !strings.HasPrefix(rights, "rw") {
			continue
		}
		part := make([]byte, to-from)
		got, _ := mem.ReadAt(part, from) // what is gone meanwhile is not there
		read += got
		for at := 0; ; {
			found := bytes.Index(part[at:got], []byte(text))
			if found < 0 {
				break
			}
			at += found
			around = append(around, string(part[max(0, at-1000):min(got, at+60)]))
			at += len(text)
		}
	}
	if read < 1<<20 {
		t.Fatalf("only %d bytes of memory could be read", read)
	}
	return around
}

// TestCardsAreWipedFromMemory looks at the memory of a server after payments by API and page have ended.
func TestCardsAreWipedFromMemory(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	sim := startSimulator(t, dir)
	s := newServer(t, dir, "", "--allow-debug")
	s.start(t)
	c := &canary{client: s.newShop(t, sim), t: t, server: s}
	pay := func() {
		var body object
		if err := json.Unmarshal([]byte(cardJSON()), &body); err != nil {
			t.Fatal(err)
		}
		made := c.must(t, request{method: "POST", path: payments, body: body})
		c.must(t, request{method: "PATCH", path: pathOf(made.payment.ID), body: browser})
	}
	for range 20 {
		pay()
		if status := c.submit("Accept: text/html"); status != 303 {
			t.Fatalf("a payment on the page: status %d", status)
		}
	}
	buffers, others := 0, []string(nil)
	for _, at := range s.copies(t, cardNumber) {
		if library(at) {
			buffers++
		} else {
			others = append(others, at)
		}
	}
	t.Logf("40 payments, %d copies in buffers of net/http, %d elsewhere", buffers, len(others))
	if len(others) > 2 { // a stack may have kept one
		t.Errorf("%d copies of the card number are left: %q", len(others), others)
	}
	s.stop(t)
}

// library reports whether a copy is in a buffer of net/http: there the head of the message is before the body.
func library(around string) bool {
	before, _, _ := strings.Cut(around, cardNumber)
	_, body, found := strings.Cut(before, "\r\n\r\n")
	return found && !strings.Contains(body, "\x00")
}
