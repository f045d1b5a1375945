package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sluicepay/sluice/internal/private"
)

// A text that may hold a secret need not stand among the arguments of a command, where everybody on the machine can see it:
// it is read from elsewhere where it is given as @FILE, as - for standard input, or as env:NAME.

// mostInput bounds what is read, in bytes.
const mostInput = 1 << 20

const (
	fileMark     = "@"
	variableMark = "env:"
	standardMark = "-"
)

// Literal reports whether the text given is the value itself, and not where to read it.
func Literal(given string) bool {
	return given != standardMark && !strings.HasPrefix(given, fileMark) && !strings.HasPrefix(given, variableMark)
}

// ReadInput returns what was given, from where it stands: environ is in the form of os.Environ, and stdin may be nil where
// there is none. One line end after it and the mark of a byte order before it are left out. No error repeats a value.
func ReadInput(given string, environ []string, stdin io.Reader) (string, error) {
	if name, ok := strings.CutPrefix(given, variableMark); ok {
		for _, entry := range environ {
			if key, value, _ := strings.Cut(entry, "="); key == name && value != "" {
				return value, nil
			}
		}
		return "", fmt.Errorf("there is no variable %s in the environment, or it is empty", name)
	}
	if path, ok := strings.CutPrefix(given, fileMark); ok {
		file, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("cannot be read: %w", err)
		}
		defer file.Close()
		return readInput(file, path)
	}
	if given != standardMark {
		return given, nil
	}
	if stdin == nil {
		return "", errors.New("cannot be read from standard input here")
	}
	return readInput(stdin, "standard input")
}

func readInput(from io.Reader, name string) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(from, mostInput+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s cannot be read: %w", name, err)
	case len(raw) > mostInput:
		return "", fmt.Errorf("%s is longer than %d bytes", name, mostInput)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(string(raw), "\ufeff"), "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("%s is empty", name)
	}
	return text, nil
}

// exposed is a warning where the secret was read from a file that everybody may read.
func exposed(v given, file string) string {
	path, ok := strings.CutPrefix(v.text, fileMark)
	if !ok && v.source == file {
		path, ok = file, true
	}
	if !ok || path == "" {
		return ""
	}
	return private.Exposed(path)
}
