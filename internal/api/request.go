package api

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/web"
)

// Errors of ReadObject and IdempotencyKey beside *SyntaxError.
var (
	// ErrTooLarge: the body has more than MaxBody bytes; the fitting answer is 413.
	ErrTooLarge = errors.New("request body too large")
	// ErrMediaType: the Content-Type is not JSON in UTF-8; the fitting answer is 415.
	ErrMediaType = errors.New("media type is not application/json")
	// ErrEncoding: the body is compressed, or has another Content-Encoding; it is an ErrMediaType.
	ErrEncoding = fmt.Errorf("%w: content encoding", ErrMediaType)
	// ErrIncomplete: the caller broke off or was too slow; the fitting answer is 400, though hardly anybody hears it.
	ErrIncomplete = errors.New("request body incomplete")
	// ErrIdempotencyKey: the Idempotency-Key header has not the right form; the fitting answer is 400.
	ErrIdempotencyKey = errors.New("Idempotency-Key must be 1 to 255 printable ASCII characters, bare or quoted")
)

// byteOrderMark is what some editors and libraries put before a text in UTF-8.
var byteOrderMark = []byte("\ufeff")

// ReadBody returns the body of the request without a mark of its byte order. It may be empty; an empty one may have any
// type. Errors are ErrTooLarge, ErrMediaType, ErrEncoding, ErrIncomplete and ErrBusy.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := read(w, r)
	switch {
	case errors.Is(err, web.ErrBusy):
		return nil, ErrBusy
	case errors.Is(err, web.ErrBodyTooLarge):
		return nil, ErrTooLarge
	case err != nil:
		return nil, ErrIncomplete
	case len(body) > 0 && isEncoded(r.Header):
		w.Header().Set("Accept-Encoding", "identity") // RFC 9110, 15.5.16
		return nil, ErrEncoding
	case len(body) > 0 && !isJSON(r.Header):
		return nil, ErrMediaType
	}
	return bytes.TrimPrefix(body, byteOrderMark), nil
}

// read reads the body, unless that was done already; then it is given away once.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	f, ok := r.Body.(*fetched)
	if !ok {
		return web.ReadBody(w, r, MaxBody, "")
	}
	body := f.body
	f.body = nil
	return body, f.err
}

// ReadObject returns the JSON object in the body of the request. Errors are those of ReadBody and Decode.
func ReadObject(w http.ResponseWriter, r *http.Request) (*Value, error) {
	body, err := ReadBody(w, r)
	if err != nil {
		return nil, err
	}
	defer clear(body) // the document is a copy
	return Decode(body)
}

// isEncoded reports whether a body is not what it is the encoding of.
func isEncoded(h http.Header) bool {
	for _, line := range h["Content-Encoding"] {
		for coding := range strings.SplitSeq(line, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return true
			}
		}
	}
	return false
}

// isJSON accepts application/json in UTF-8, and the absence of a type.
func isJSON(h http.Header) bool {
	given := h["Content-Type"]
	if len(given) == 0 || len(given) == 1 && (given[0] == "" || given[0] == "application/json") {
		return true
	}
	if len(given) > 1 {
		return false
	}
	media, params, err := mime.ParseMediaType(given[0])
	if err != nil || media != "application/json" {
		return false
	}
	charset, set := params["charset"]
	return !set || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

const maxIdempotencyKey = 255

// IdempotencyKey returns the key of the Idempotency-Key header without its quotes, and "" when there is no such
// header. The error is ErrIdempotencyKey.
func IdempotencyKey(h http.Header) (string, error) {
	given := h["Idempotency-Key"]
	if len(given) == 0 {
		return "", nil
	}
	key := given[0]
	if len(key) >= 2 && key[0] == '"' && key[len(key)-1] == '"' {
		key = key[1 : len(key)-1]
	}
	if len(given) > 1 || key == "" || len(key) > maxIdempotencyKey {
		return "", ErrIdempotencyKey
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return "", ErrIdempotencyKey
		}
	}
	return key, nil
}

// Path is the request's path as the caller spelled it, for the error bodies that name it. Card numbers in it are cut to
// their first six and last four digits, however they are spelled: error bodies end up in logs.
func Path(r *http.Request) string {
	given := r.URL.EscapedPath()
	plain := strings.Map(asciiDigit, r.URL.Path)
	masked := telemetry.MaskDigits(plain)
	if masked == plain {
		return given
	}
	return strings.ReplaceAll((&url.URL{Path: masked}).EscapedPath(), "%2A", "*")
}

// asciiDigit is the digit that a full-width one stands for, and any other character itself.
func asciiDigit(r rune) rune {
	if r >= '０' && r <= '９' {
		return r - '０' + '0'
	}
	return r
}

// Guard keeps a panic in next from taking more down than its request: it is logged, and write answers 500 in the
// form of the dialect.
func Guard(next http.Handler, log *slog.Logger, write http.HandlerFunc) http.Handler {
	return web.Recover(next, log, write)
}

// RequestID is the id of the request, to log with an error that its caller must not see.
func RequestID(r *http.Request) string { return web.RequestID(r.Context()) }
