package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The peer: an HTTP server that knows a payment API's shapes and stores nothing.
const (
	mockModule  = "github.com/stripe/stripe-mock"
	mockVersion = "v0.203.0"
)

// mock is a running stripe-mock.
type mock struct {
	*process
	address string
}

// mockBinary returns stripe-mock's program, built once and kept in the user's cache.
func mockBinary(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("user cache: %w", err)
	}
	dir := filepath.Join(cache, "sluice-bench", "stripe-mock-"+mockVersion)
	program := filepath.Join(dir, "stripe-mock")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a cache of public programs
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "install", mockModule+"@"+mockVersion)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s@%s: %w: %.300s", mockModule, mockVersion, err, out)
	}
	return program, nil
}

// startMock starts stripe-mock at the address and waits for its first answer.
func (l *lab) startMock(ctx context.Context, address string) (*mock, error) {
	p, err := spawn(ctx, l.dir, l.mockProgram, "-http-addr", address)
	if err != nil {
		return nil, err
	}
	r := newRequest("POST", "/v1/payment_intents", "sk_test_123", content{mediaForm, mockBody, ""})
	if err := p.until(ctx, func() bool { return answers(ctx, address, r, 200) }); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w: stripe-mock: %w", errSetup, err)
	}
	return &mock{process: p, address: address}, nil
}
