package telemetry

import (
	"strings"
)

// keySchemes begin the API keys of shops; eight characters more are public.
var keySchemes = []string{"sk_live_", "sk_test_"}

const keyPublic = 8

// MaskSecrets returns s with what is recognised in it as a secret by its form: of API keys only what lists show of them is
// left, and of addresses and connection strings no password. Without a finding s itself is returned.
func MaskSecrets(s string) string {
	for _, scheme := range keySchemes {
		s = maskAfter(s, scheme, func(_, rest string) (kept, cut int) {
			n := 0
			for n < len(rest) && isAlphanumeric(rest[n]) {
				n++
			}
			return min(n, keyPublic), n - min(n, keyPublic)
		}, "…")
	}
	s = maskAfter(s, "password=", func(_, rest string) (kept, cut int) { return 0, endOfText(rest, " &\"'\t\r\n") }, hidden)
	return maskUserinfo(s)
}

// maskAfter puts mark in the place of what follows begin, wherever that stands in s: part says how much of it stays, and how
// much goes.
func maskAfter(s, begin string, part func(before, rest string) (kept, cut int), mark string) string {
	at := strings.Index(s, begin)
	if at < 0 {
		return s
	}
	var b strings.Builder
	for at >= 0 {
		at += len(begin)
		kept, cut := part(s[:at], s[at:])
		b.WriteString(s[:at+kept])
		if cut > 0 {
			b.WriteString(mark)
		}
		s = s[at+kept+cut:]
		at = strings.Index(s, begin)
	}
	return b.String() + s
}

// maskUserinfo masks passwords in addresses. One that was not written as addresses want it, with a slash in it, is
// recognised in those of databases only: elsewhere an @ may stand in a path.
func maskUserinfo(s string) string {
	return maskAfter(s, "://", func(before, rest string) (kept, cut int) {
		whole := rest[:endOfText(rest, " \"'<>\t\r\n")]
		end := strings.LastIndexByte(whole, '@')
		begin := strings.IndexByte(whole, ':') + 1
		if end < 0 || begin == 0 || begin > end {
			return 0, 0
		}
		if slash := strings.IndexAny(whole, "/?#"); slash >= 0 && slash < end && !strings.HasSuffix(before, "postgres://") && !strings.HasSuffix(before, "postgresql://") {
			return 0, 0
		}
		return begin, end - begin
	}, hidden)
}

// endOfText is where the first of the characters stands, or the end.
func endOfText(s, characters string) int {
	if at := strings.IndexAny(s, characters); at >= 0 {
		return at
	}
	return len(s)
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
