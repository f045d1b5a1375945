package e2e

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// TestFailedDiskEndsTheProcess makes calls of a running server to its disk fail from outside, while merchants are at
// work. The server has to stop by itself, with a word in its log and an exit code that makes a supervisor start it
// again, and the next one has to have everything.
func TestFailedDiskEndsTheProcess(t *testing.T) {
	t.Parallel()
	tracer, err := exec.LookPath("strace")
	if err != nil {
		setting.Missing(t, setting.Strace, "strace, which makes system calls fail, is not installed")
	}
	for _, c := range []struct{ name, call, file string }{
		{"sync of the log", "fsync,fdatasync", "sluice.db-wal"},
		{"write of the log", "pwrite64", "sluice.db-wal"},
		{"sync of the file", "fsync,fdatasync", "sluice.db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := shortDir(t)
			sim := startSimulator(t, dir)
			s := newServer(t, dir, "", "--allow-debug")
			s.start(t)
			w := &witness{client: s.newImpatientShop(t, sim, callLimit), told: map[string]paid{}, quiet: make(chan struct{})}
			w.sale(t, "before")
			var working sync.WaitGroup
			for n := range 4 {
				working.Go(func() { w.work(t, n) })
			}
			fail(t, s, tracer, "-P", filepath.Join(s.data, c.file), "-e", "trace="+c.call, "-e", "inject="+c.call+":error=EIO:when=1")
			code := s.exit(t)
			close(w.quiet)
			working.Wait()
			if code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			checkLastWords(t, s.log)

			s.start(t)
			w.catchUp(t)
			shown := w.client.settle(t, leaseIsOver, w.undone...)
			found := append(disagreements(shown, sim.readLedger(t), w.undone...), w.contradicted(shown)...)
			for _, why := range found {
				t.Error(why)
			}
			t.Logf("%d payments acknowledged, %d requests repeated", len(w.told), w.repeated.Load())
			s.stop(t)
		})
	}
}

// fail has the tracer make system calls of the server fail, from its return on.
func fail(t *testing.T, s *server, tracer string, args ...string) {
	t.Helper()
	trace := exec.Command(tracer, append([]string{"-f", "-p", strconv.Itoa(s.cmd.Process.Pid), "-o", os.DevNull}, args...)...)
	said, err := trace.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := trace.Start(); err != nil {
		t.Fatal(err)
	}
	attached := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(said)
		var all []string
		for lines.Scan() {
			if all = append(all, lines.Text()); strings.Contains(lines.Text(), "attached") {
				break
			}
		}
		attached <- strings.Join(all, "\n")
		for lines.Scan() { // it must not stop because nobody reads
		}
	}()
	t.Cleanup(func() {
		_ = trace.Process.Kill() // it ends with the server
		_ = trace.Wait()
	})
	select {
	case line := <-attached:
		if !strings.Contains(line, "attached") {
			setting.Missing(t, setting.Strace, "strace may not trace the server here: ", line)
		}
	case <-time.After(patience):
		t.Fatal("strace does not attach")
	}
}

// checkLastWords looks for the line that tells the operator, and that nothing went round in circles after it.
func checkLastWords(t *testing.T, path string) {
	t.Helper()
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := bytes.Cut(log, []byte("storage failed: nothing is written any more"))
	if !found || !bytes.Contains(after, []byte("sluice.db")) || !bytes.Contains(after, []byte("sluice: storage failed")) {
		t.Errorf("the log does not tell what failed:\n%s", tail(path))
	}
	if n := bytes.Count(after, []byte("\n")); n > 400 {
		t.Errorf("%d lines in the log after the failure", n)
	} else {
		t.Logf("%d lines in the log after the failure", n)
	}
}
