package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// commandMark begins the place of a secret that a command prints.
const commandMark = "command:"

// commandTimeout bounds how long a command may take to print a secret.
const commandTimeout = 30 * time.Second

// setMasterKey takes a place and never the key itself, which would stand among the arguments.
func setMasterKey(c *Config, s string) error {
	for _, mark := range []string{fileMark, variableMark, commandMark} {
		if rest, ok := strings.CutPrefix(s, mark); ok && rest != "" {
			c.MasterKey = s
			return nil
		}
	}
	return errors.New("must say where the key stands: @FILE, env:NAME or command:TEXT")
}

// ReadPlace returns the secret that stands at a place: @FILE, env:NAME, or command:TEXT, which a shell runs with the environment
// given. No error repeats any of it, but a command's own words on standard error are told.
func ReadPlace(ctx context.Context, place string, environ []string) (string, error) {
	text, ok := strings.CutPrefix(place, commandMark)
	if !ok {
		return ReadInput(place, environ, nil)
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	var out, told bytes.Buffer
	command := exec.CommandContext(ctx, "/bin/sh", "-c", text) //nolint:gosec // the operator's own
	command.Env, command.Stdout, command.Stderr = environ, &out, &told
	command.WaitDelay = time.Second
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("the command did not print it: %w: %s", err, strings.TrimSpace(told.String()))
	}
	if out.Len() == 0 || out.Len() > mostInput {
		return "", fmt.Errorf("the command printed %d bytes", out.Len())
	}
	return out.String(), nil
}
