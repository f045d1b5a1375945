package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

var _ connector.Notifier = (*Sandbox)(nil)

// noticeAge is how far the time in a notice's signature may be from ours.
const noticeAge = 5 * time.Minute

var errNotice = errors.New("not a notice of the provider")

// ParseNotice verifies the provider's signature: HMAC-SHA256 with the notice secret over
// the time, a point and the raw body. A terminal without a secret takes no notices.
func (s *Sandbox) ParseNotice(header http.Header, body []byte) ([]connector.Notice, error) {
	if s.noticeSecret == "" {
		return nil, fmt.Errorf("%w: the terminal has no notice secret", errNotice)
	}
	stamp := header.Get("Sandbox-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: no time", errNotice)
	}
	if age := s.now().Sub(time.Unix(seconds, 0)); age > noticeAge || age < -noticeAge {
		return nil, fmt.Errorf("%w: signed %s ago", errNotice, age.Round(time.Second))
	}
	mac := hmac.New(sha256.New, []byte(s.noticeSecret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	want := "v1=" + hex.EncodeToString(mac.Sum(nil))
	if !hmac.Equal([]byte(header.Get("Sandbox-Signature")), []byte(want)) {
		return nil, fmt.Errorf("%w: wrong signature", errNotice)
	}
	n, err := readNotice(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connector.ErrUnreadable, err)
	}
	return []connector.Notice{n}, nil
}

// ReadNotice reads a notice that was verified when it came; a post holds one.
func (s *Sandbox) ReadNotice(body []byte, key string) (connector.Notice, error) {
	n, err := readNotice(body)
	if err == nil && key != "" && n.EventKey != key {
		return n, fmt.Errorf("%w: it is %s", errNotice, n.EventKey)
	}
	return n, err
}

func readNotice(body []byte) (connector.Notice, error) {
	var posted struct {
		ID          string      `json:"id"`
		Type        string      `json:"type"`
		Transaction transaction `json:"transaction"`
	}
	if err := json.Unmarshal(body, &posted); err != nil {
		return connector.Notice{}, fmt.Errorf("%w: no event in %d bytes", errNotice, len(body))
	}
	t := &posted.Transaction
	if !provider.Word(posted.ID, 64) || posted.Type != "transaction.updated" || !reference(t.Reference) || !provider.Word(t.ID, 64) {
		return connector.Notice{}, fmt.Errorf("%w: not an event about a transaction", errNotice)
	}
	fact, err := t.fact(attemptOf(t.Kind), t.Reference)
	if err != nil { // signed, but nothing that can be believed: the status query will tell
		fact = payment.Fact{Class: payment.ClassUnknown}
	}
	return connector.Notice{EventKey: posted.ID, Key: t.Reference, Fact: fact}, nil
}

// reference reports whether the text can name something: ours are short words, another
// caller's of the same account can be anything printable.
func reference(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// attemptOf is the kind of attempt that makes a transaction of that kind.
func attemptOf(kind string) payment.AttemptKind {
	for _, a := range []payment.AttemptKind{
		payment.AttemptDeposit, payment.AttemptWithdrawal, payment.AttemptRefund, payment.AttemptCapture, payment.AttemptVoid,
	} {
		if isOf(a, kind) {
			return a
		}
	}
	return ""
}
