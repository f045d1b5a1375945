package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a server that the bench started.
type process struct {
	cmd     *exec.Cmd
	logPath string
	ended   chan struct{}
}

// spawn starts a program whose output goes to a file in dir. It ends with ctx at the latest.
func spawn(ctx context.Context, dir, program string, args ...string) (*process, error) {
	logFile, err := os.CreateTemp(dir, filepath.Base(program)+"-*.log")
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // what the bench has built itself
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, logFile, logFile
	cmd.Env = cleanEnv()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(program), err)
	}
	p := &process{cmd: cmd, logPath: logFile.Name(), ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended shows in its output
		close(p.ended)
	}()
	return p, nil
}

// cleanEnv keeps settings of the product that happen to be in the environment away from the servers.
func cleanEnv() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "SLUICE_") {
			env = append(env, entry)
		}
	}
	return env
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks the process to end and makes sure that it does.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// died explains, with the end of its output, why a process is not there any more.
func (p *process) died() error {
	out, err := os.ReadFile(p.logPath)
	if err != nil {
		return errors.New("it ended and left no output")
	}
	return fmt.Errorf("it ended: %s", out[max(0, len(out)-600):])
}

// until calls ready every millisecond until it succeeds, the process ends, or a minute is over.
func (p *process) until(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for !ready() {
		select {
		case <-p.ended:
			return p.died()
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w", ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// freeAddress returns an address on this machine where nobody listens now.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("%w: no free port: %w", errSetup, err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// answers reports whether a request on a new connection gets an answer of the wanted status.
func answers(ctx context.Context, address string, r *request, wanted int) bool {
	c, err := dial(ctx, address, time.Now().Add(5*time.Second))
	if err != nil {
		return false
	}
	defer c.close()
	status, _, err := c.do(r.raw)
	return err == nil && status == wanted
}
