package api

import (
	"log/slog"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/web"
)

// Answer writes a JSON body with the headers that every answer of a merchant API has. That the caller is gone is not
// an error of anybody here.
func Answer(w http.ResponseWriter, status int, body []byte) {
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	begin(w, status)
	_, _ = w.Write(body) // see above
}

// begin writes the head of an answer in JSON.
func begin(w http.ResponseWriter, status int) {
	h := w.Header()
	web.SetAPIHeaders(h)
	h["Content-Type"] = []string{"application/json"}
	w.WriteHeader(status)
}

// LogFailure records the error of a request that failed for what only we can know. Its caller sees nothing of it but the
// request's id.
func LogFailure(log *slog.Logger, r *http.Request, err error) {
	log.LogAttrs(r.Context(), slog.LevelError, "request failed",
		slog.String("request_id", RequestID(r)), slog.String("route", r.Pattern), slog.Any("error", err))
}

const hexDigits = "0123456789abcdef"

// asItIs are the characters that need no look: those of ASCII which stand for themselves in a JSON string.
var asItIs = func() (all [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		all[c] = c != '"' && c != '\\'
	}
	return all
}()

// AppendString appends s as a JSON string. Only what JSON demands is escaped; bytes that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if asItIs[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + size
			}
			i += size
			continue
		}
		dst = appendEscape(append(dst, s[start:i]...), c)
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
