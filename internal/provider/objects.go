package provider

import (
	"fmt"
	"net/url"

	"github.com/go-json-experiment/json"

	"github.com/sluicepay/sluice/internal/money"
)

// Read decodes a body that has to be one whole JSON object in which no name repeats; members that into does not have are left out. All
// else, such as a web page, a list, null or half an object, is ErrAnswer.
func Read(body []byte, into any) error {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			if json.Unmarshal(body, into) == nil {
				return nil
			}
		}
		break
	}
	return fmt.Errorf("%w: no object of the expected form in %d bytes", ErrAnswer, len(body))
}

// Currency reads a currency by its code in capital letters.
func Currency(code string) (money.Currency, error) {
	c, err := money.ParseCurrency(code)
	if err != nil {
		return "", fmt.Errorf("%w: no known currency", ErrAnswer)
	}
	return c, nil
}

// Word reports whether s is 1 to limit letters, digits, underscores and hyphens: what may be part of an address, a log line or a code.
func Word(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// Page reports whether a customer may be sent to the address.
func Page(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}
