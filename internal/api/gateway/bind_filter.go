package gateway

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
)

// filterBinder reads query parameters and collects their faults.
type filterBinder struct {
	query  url.Values
	faults []fault
}

// bindFilter reads the query of a list. Parameters that the contract does not know are ignored. Errors are errQuery
// and *invalid.
func bindFilter(rawQuery string) (payment.Filter, error) {
	if rawQuery == "" {
		return payment.Filter{Limit: payment.DefaultLimit}, nil
	}
	query, err := parseQuery(rawQuery)
	if err != nil {
		return payment.Filter{}, errQuery
	}
	b := filterBinder{query: query}
	f := payment.Filter{
		Offset:        b.integer("offset", 0, payment.MaxOffset, 0),
		Limit:         b.integer("limit", 1, payment.MaxLimit, payment.DefaultLimit),
		CreatedFrom:   b.instant("created.gte"),
		CreatedBefore: b.instant("created.lt"),
		UpdatedFrom:   b.instant("updated.gte"),
		UpdatedBefore: b.instant("updated.lt"),
		Reference:     b.value("referenceId.eq"),
		After:         b.cursor(),
	}
	if f.After != "" && f.Offset > 0 {
		b.fault("after", mismatch, "must not come with an offset")
	}
	if len(b.faults) > 0 {
		return payment.Filter{}, &invalid{b.faults}
	}
	return f, nil
}

// bindOperations reads which part of a payment's log is asked for. Errors are errQuery and *invalid.
func bindOperations(rawQuery string) (limit, offset int, err error) {
	query, err := parseQuery(rawQuery)
	if err != nil {
		return 0, 0, errQuery
	}
	b := filterBinder{query: query}
	limit, offset = b.integer("limit", 1, payment.MaxLimit, payment.MaxLimit), b.integer("offset", 0, payment.MaxOffset, 0)
	if len(b.faults) > 0 {
		return 0, 0, &invalid{b.faults}
	}
	return limit, offset, nil
}

// parseQuery is url.ParseQuery for today's addresses, in which a semicolon stands for itself: a reference may hold one.
func parseQuery(raw string) (url.Values, error) {
	return url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B"))
}

func (b *filterBinder) fault(name, constraint, message string) {
	b.faults = append(b.faults, newFault(name, constraint, message))
}

// value returns the one value of a parameter, and "" when there is none or a faulty one.
func (b *filterBinder) value(name string) string {
	given := b.query[name]
	switch {
	case len(given) == 0:
		return ""
	case len(given) > 1:
		b.fault(name, mismatch, "must be given once")
		return ""
	case !utf8.ValidString(given[0]) || strings.Contains(given[0], "\x00"):
		b.fault(name, mismatch, "must be text in UTF-8 without NUL")
		return ""
	}
	return given[0]
}

// cursor reads the id of the payment after which a page begins. It is an addition of ours: see docs/gateway.md.
func (b *filterBinder) cursor() payment.ID {
	text := b.value("after")
	if text != "" && !id.Valid(text) {
		b.fault("after", mismatch, "must be the id of a payment")
		return ""
	}
	return payment.ID(text)
}

// integer reads a whole number between least and most, or returns absent.
func (b *filterBinder) integer(name string, least, most, absent int) int {
	text := b.value(name)
	if text == "" {
		return absent
	}
	digits := strings.TrimPrefix(text, "-")
	n, err := strconv.Atoi(text) // out of its range it is the end of the range
	switch {
	case digits == "" || !allDigits(digits) || err != nil && !errors.Is(err, strconv.ErrRange):
		b.fault(name, mismatch, "must be an integer")
	case n < least:
		b.fault(name, integerMin, "must be greater than or equal to "+strconv.Itoa(least))
	case n > most:
		b.fault(name, integerMax, "must be less than or equal to "+strconv.Itoa(most))
	}
	return n
}

func (b *filterBinder) instant(name string) time.Time {
	text := b.value(name)
	if text == "" {
		return time.Time{}
	}
	t, ok := ReadInstant(text)
	if !ok {
		b.fault(name, mismatch, "must be a time such as 2021-10-13T10:26:18")
	}
	return t
}

// ReadInstant reads a point in time as the filters of lists take it, UTC unless it says otherwise. One that lies between
// two stored microseconds is the later of them, which makes "at or after" and "before" exact.
func ReadInstant(text string) (time.Time, bool) {
	t, ok := parseInstant(text)
	if !ok {
		return time.Time{}, false
	}
	if t.Nanosecond()%1000 != 0 {
		t = t.Truncate(time.Microsecond).Add(time.Microsecond)
	}
	if t.IsZero() { // which in a filter means no restriction
		t = t.Add(time.Microsecond)
	}
	return t, true
}

const (
	plainTime = "2006-01-02T15:04:05"
	zoneChars = len("+01:00")
)

// parseInstant reads date and time with an optional fraction and an optional Z or offset. A blank before the offset
// is a plus that somebody decoded.
func parseInstant(s string) (time.Time, bool) {
	if len(s) < len(plainTime) || len(s) > 48 || !shaped(s) {
		return time.Time{}, false
	}
	if sign := len(s) - zoneChars; sign >= len(plainTime) && s[sign] == ' ' {
		s = s[:sign] + "+" + s[sign+1:]
	}
	for _, layout := range []string{plainTime, plainTime + "Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// shaped checks what time.Parse is lenient about: the width of each part, and the point before a fraction.
func shaped(s string) bool {
	for i := range len(plainTime) {
		isDigit := s[i] >= '0' && s[i] <= '9'
		if wanted := plainTime[i] >= '0' && plainTime[i] <= '9'; wanted != isDigit {
			return false
		}
	}
	return !strings.Contains(s, ",")
}
