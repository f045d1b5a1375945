package id

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

const (
	liveScheme = "sk_live_"
	testScheme = "sk_test_"

	keySecret = 32 // random characters after the scheme, 190 bits
	keyCheck  = 6  // characters of checksum after those
	keyPublic = 8  // of the random characters, those which Prefix shows
	keyLen    = len(liveScheme) + keySecret + keyCheck
)

// Errors of ParseAPIKey. Neither holds any part of the text that was read.
var (
	// ErrAPIKey: the text does not have the form of an API key.
	ErrAPIKey = errors.New("not an API key")
	// ErrAPIKeyChecksum: the text has the form of an API key, and was never issued: it is mistyped or cut.
	ErrAPIKeyChecksum = errors.New("API key with a wrong checksum")
)

// APIKey makes the text of a new secret key: "sk_live_" or "sk_test_", 32 random characters, and six more that
// are a CRC-32 of all before, so that typing mistakes and leaked keys are told from noise without a look-up.
func (s *Source) APIKey(live bool) string {
	scheme := testScheme
	if live {
		scheme = liveScheme
	}
	body := scheme + s.Letters(keySecret)
	return body + checksum(body)
}

// APIKey is a secret key as a merchant presented it. However it is printed, logged or encoded, only its Prefix
// shows; Reveal alone gives the rest. The zero value is no key and prints as nothing. Do not compare with ==.
type APIKey struct {
	// A pointer to a string, since fmt prints the parts of what lies in unexported fields without asking its
	// methods; of such a pointer it prints the address.
	text *string
}

// ParseAPIKey reads a key made by Source.APIKey, and checks its form and checksum. It does not tell whether
// the key was issued or still holds. Errors are ErrAPIKey and ErrAPIKeyChecksum.
func ParseAPIKey(s string) (APIKey, error) {
	live, test := strings.HasPrefix(s, liveScheme), strings.HasPrefix(s, testScheme)
	if len(s) != keyLen || (!live && !test) {
		return APIKey{}, ErrAPIKey
	}
	for i := len(liveScheme); i < len(s); i++ {
		if strings.IndexByte(letters, s[i]) < 0 {
			return APIKey{}, ErrAPIKey
		}
	}
	body := s[:keyLen-keyCheck]
	if checksum(body) != s[len(body):] {
		return APIKey{}, ErrAPIKeyChecksum
	}
	text := strings.Clone(s)
	return APIKey{&text}, nil
}

// Prefix is the public name of the key: its scheme and the first eight random characters.
func (k APIKey) Prefix() string {
	if k.text == nil {
		return ""
	}
	return (*k.text)[:len(liveScheme)+keyPublic]
}

// Live reports whether the key moves real money, by its scheme.
func (k APIKey) Live() bool { return k.text != nil && strings.HasPrefix(*k.text, liveScheme) }

// IsZero reports whether there is no key.
func (k APIKey) IsZero() bool { return k.text == nil }

// Reveal is the whole secret. It is for hashing, and for the one time a key is shown to its owner.
func (k APIKey) Reveal() string {
	if k.text == nil {
		return ""
	}
	return *k.text
}

// String is Prefix.
func (k APIKey) String() string { return k.Prefix() }

// GoString is Prefix.
func (k APIKey) GoString() string { return k.Prefix() }

// Format writes Prefix whatever the verb and its flags.
func (k APIKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.Prefix()) } // f reports it to its caller

// LogValue is Prefix.
func (k APIKey) LogValue() slog.Value { return slog.StringValue(k.Prefix()) }

// MarshalText is Prefix, for every encoder but JSON, and for keys of maps.
func (k APIKey) MarshalText() ([]byte, error) { return []byte(k.Prefix()), nil }

// MarshalJSON is Prefix as a JSON string.
func (k APIKey) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, k.Prefix()), nil }

// checksum spells the CRC-32 (IEEE) of body in six digits of base 62, the highest first.
func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	base := uint32(len(letters))
	var out [keyCheck]byte
	for i := keyCheck - 1; i >= 0; i-- {
		out[i] = letters[sum%base]
		sum /= base
	}
	return string(out[:])
}
