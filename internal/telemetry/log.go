package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"unicode"
)

// Formats of the log. JSON is the default for machines, text for people at a terminal.
const (
	FormatJSON = "json"
	FormatText = "text"
)

// Logger returns a logger that writes one line an event to w. Whatever reaches it, card numbers are cut to their first
// six and last four digits, values under keys that name a secret are replaced by asterisks, and characters that could
// fake or hide a line are replaced by spaces. Any format but FormatText means JSON.
func Logger(level slog.Leveler, format string, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: redact}
	if format == FormatText {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

const hidden = "***"

// stackKey is the one key whose value keeps its lines; both formats quote them.
const stackKey = "stack"

// firstCard is the smallest number with as many digits as a card number.
const firstCard = 1_000_000_000_000

func redact(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return a
	}
	if namesSecret(a.Key) && a.Value.Kind() != slog.KindGroup {
		return slog.String(a.Key, hidden)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		if a.Key == stackKey {
			return slog.String(a.Key, MaskDigits(MaskSecrets(a.Value.String())))
		}
		return slog.String(a.Key, clean(a.Value.String()))
	case slog.KindInt64:
		return maskNumber(a, a.Value.Int64() >= firstCard)
	case slog.KindUint64:
		return maskNumber(a, a.Value.Uint64() >= firstCard)
	case slog.KindAny:
		// The handlers would print the insides of a value; this uses its own String or Error, which may mask.
		return slog.String(a.Key, clean(fmt.Sprint(a.Value.Any())))
	default:
		return a
	}
}

func maskNumber(a slog.Attr, long bool) slog.Attr {
	if !long {
		return a
	}
	text := a.Value.String()
	if masked := MaskDigits(text); masked != text {
		return slog.String(a.Key, masked)
	}
	return a
}

// clean masks card numbers and replaces control characters, line ends and marks of writing direction by spaces.
func clean(s string) string {
	s = strings.ToValidUTF8(s, string(unicode.ReplacementChar))
	if strings.IndexFunc(s, unprintable) >= 0 {
		s = strings.Map(func(r rune) rune {
			if unprintable(r) {
				return ' '
			}
			return r
		}, s)
	}
	return MaskDigits(MaskSecrets(s))
}

func unprintable(r rune) bool {
	return r < ' ' || r >= 0x7f && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
}

// secretNames are compared with the end of a key, in lower case and without separators.
var secretNames = []string{
	"password", "passphrase", "secret", "token", "apikey", "signingkey", "privatekey", "authorization", "cookie",
	"signature", "cardnumber", "databaseurl", "dsn", "cryptogram",
}

// secretWords are too short for that and must be the whole key.
var secretWords = []string{"pan", "pin", "cvv", "cvc", "cvv2", "key"}

func namesSecret(key string) bool {
	var buf [48]byte
	b := buf[:0]
	for i := range len(key) {
		c := key[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != '_' && c != '-' && c != '.' && len(b) < len(buf) {
			b = append(b, c)
		}
	}
	if slices.Contains(secretWords, string(b)) {
		return true
	}
	for _, n := range secretNames {
		if len(b) >= len(n) && string(b[len(b)-len(n):]) == n {
			return true
		}
	}
	return false
}
