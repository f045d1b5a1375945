package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/store/plain"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// key is a text that is always there.
func key[R any](name string, when written, field func(*R) *string) column[R] {
	return column[R]{
		name: name, when: when, read: "%s",
		into: func(r *R, _ *cell) any { return field(r) },
		bind: func(_ *tx.Tx, r *R) any { return *field(r) },
	}
}

// text is a text that is NULL when it is empty.
func text[R any](name string, when written, field func(*R) *string) column[R] {
	return column[R]{
		name: name, when: when, read: "%s",
		into: func(r *R, _ *cell) any { return (*plain.Text)(field(r)) },
		bind: func(_ *tx.Tx, r *R) any { return tx.Nullable(*field(r)) },
	}
}

// number is a whole number.
func number[R any](name string, when written, field func(*R) *int) column[R] {
	return column[R]{
		name: name, when: when, read: "%s",
		into: func(r *R, _ *cell) any { return field(r) },
		bind: func(_ *tx.Tx, r *R) any { return *field(r) },
	}
}

// flag is true or false.
func flag[R any](name string, when written, field func(*R) *bool) column[R] {
	return column[R]{
		name: name, when: when, read: "%s",
		into: func(r *R, _ *cell) any { return field(r) },
		bind: func(_ *tx.Tx, r *R) any { return *field(r) },
	}
}

// moment is an instant that is always there.
func moment[R any](name string, when written, field func(*R) *time.Time) column[R] {
	c := instant(name, when, field)
	c.into = func(_ *R, c *cell) any { return &c.number }
	c.take = func(r *R, c *cell) error {
		*field(r) = tx.FromMicros(&c.number)
		return nil
	}
	return c
}

// instant is an instant that is NULL when it is zero. None lies at the beginning of 1970.
func instant[R any](name string, when written, field func(*R) *time.Time) column[R] {
	return column[R]{
		name: name, when: when, read: "%s",
		into: func(_ *R, c *cell) any { return (*plain.Number)(&c.number) },
		take: func(r *R, c *cell) error {
			if c.number != 0 {
				*field(r) = tx.FromMicros(&c.number)
			}
			return nil
		},
		bind: func(_ *tx.Tx, r *R) any { return tx.Micros(*field(r)) },
	}
}

// sum is an amount of money that is NULL when it is zero.
func sum[R any](name string, when written, field func(*R) *money.Amount) column[R] {
	return column[R]{
		name: name, when: when, read: "%s",
		into: func(_ *R, c *cell) any { return (*plain.Text)(&c.text) },
		take: func(r *R, c *cell) (err error) {
			*field(r), err = readAmount(c.text)
			return err
		},
		bind: func(_ *tx.Tx, r *R) any { return amount(*field(r)) },
	}
}

// document is a value that is kept as JSON, and as NULL when it is empty.
func document[R, T any](name string, when written, field func(*R) *T, empty func(*T) bool) column[R] {
	return column[R]{
		name: name, when: when, read: "%s",
		into: func(_ *R, c *cell) any { return (*plain.Text)(&c.text) },
		take: func(r *R, c *cell) error { return readDocument(name, c.text, field(r)) },
		bind: func(t *tx.Tx, r *R) any {
			if empty(field(r)) {
				return nil
			}
			return writtenDocument(t, name, field(r))
		},
	}
}

// readDocument reads what writtenDocument has made; an empty text is the stored NULL.
func readDocument(name, text string, into any) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func writtenDocument(t *tx.Tx, name string, v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fail(fmt.Errorf("%s: %w", name, err))
		return nil
	}
	return string(raw)
}

// readBy has a document read by a function of its own, which gets an empty text for the stored NULL.
func (c column[R]) readBy(read func(*R, string) error) column[R] {
	c.take = func(r *R, held *cell) error {
		if held.text == "" {
			return nil
		}
		return read(r, held.text)
	}
	return c
}

// plainObject goes through the members of a JSON object of texts as they are written here: without blanks, and all texts without
// escapes. It reports false for any other text, and when member does.
func plainObject(text string, member func(name, value string) bool) bool {
	if text == "" || text[0] != '{' || strings.IndexByte(text, '\\') >= 0 {
		return false
	}
	for rest := text[1:]; ; rest = rest[1:] {
		name := plainText(rest)
		if name < 0 || len(rest) <= name+1 || rest[name+1] != ':' {
			return false
		}
		value := plainText(rest[name+2:])
		if value < 0 || !member(rest[1:name], rest[name+3:name+2+value]) {
			return false
		}
		rest = rest[name+2+value+1:]
		if rest == "}" {
			return true
		}
		if rest == "" || rest[0] != ',' {
			return false
		}
	}
}

// plainText is where the text ends, with its second quote, that s begins with and in which there are no escapes; negative where there is none.
func plainText(s string) int {
	if s == "" || s[0] != '"' {
		return -1
	}
	if end := strings.IndexByte(s[1:], '"'); end >= 0 {
		return end + 1
	}
	return -1
}
