package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
)

// MaxTimeout is the longest that a terminal's settings may let one call take.
const MaxTimeout = 30 * time.Second

// ReadSettings decodes a terminal's settings strictly: one JSON object with distinct names, all of which are known. The error says where
// it is wrong without what stands there, which may be a secret.
func ReadSettings(raw json.RawMessage, into any) error {
	err := jsonv2.Unmarshal(raw, into, jsonv2.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	semantic := new(jsonv2.SemanticError)
	if errors.As(err, &semantic) && len(semantic.JSONPointer) < 64 {
		return fmt.Errorf("settings: %s is unknown or of the wrong type", semantic.JSONPointer)
	}
	return errors.New("settings are not one JSON object with distinct names")
}

// BaseURL checks the setting url and returns it without a final slash.
func BaseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("url: an absolute http or https address without user, query and fragment")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// Token checks a setting that has to be 1 to 256 printable characters without spaces, such as a key. The error does not show it.
func Token(name, value string) error {
	bad := func(r rune) bool { return r <= ' ' || r >= 0x7f }
	if value == "" || len(value) > 256 || strings.ContainsFunc(value, bad) {
		return fmt.Errorf("%s: 1 to 256 printable characters without spaces", name)
	}
	return nil
}

// Timeout checks the setting timeoutMs, of which zero leaves the time to whoever calls.
func Timeout(ms int64) (time.Duration, error) {
	if ms < 0 || ms > MaxTimeout.Milliseconds() {
		return 0, fmt.Errorf("timeoutMs: 1 to %d", MaxTimeout.Milliseconds())
	}
	return time.Duration(ms) * time.Millisecond, nil
}
