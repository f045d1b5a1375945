package stripe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// noticeAge is how far the time in a notice's signature may be from ours: what Stripe's own libraries take.
const noticeAge = 5 * time.Minute

var errNotice = errors.New("not a notice of the provider")

// ParseNotice verifies Stripe's signature: HMAC-SHA256 with the endpoint's secret over the time, a point and the raw body. While a secret is
// being replaced Stripe signs with both, so one that fits is enough. A terminal without a secret takes no notices.
func (s *Stripe) ParseNotice(header http.Header, body []byte) ([]connector.Notice, error) {
	if s.webhookSecret == "" {
		return nil, fmt.Errorf("%w: the terminal has no webhookSecret", errNotice)
	}
	if err := s.signed(header.Get("Stripe-Signature"), body); err != nil {
		return nil, err
	}
	notices, err := readEvent(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connector.ErrUnreadable, err)
	}
	return notices, nil
}

// signed checks the header t=…,v1=…,v1=…; other schemes than v1 are passed over.
func (s *Stripe) signed(header string, body []byte) error {
	stamp, fits := "", false
	var given []string
	for part := range strings.SplitSeq(header, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			stamp = value
		case "v1":
			given = append(given, value)
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: no time", errNotice)
	}
	if age := s.now().Sub(time.Unix(seconds, 0)); age > noticeAge || age < -noticeAge {
		return fmt.Errorf("%w: signed %s ago", errNotice, age.Round(time.Second))
	}
	mac := hmac.New(sha256.New, []byte(s.webhookSecret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	for _, text := range given {
		if raw, err := hex.DecodeString(text); err == nil && hmac.Equal(raw, want) {
			fits = true
		}
	}
	if !fits {
		return fmt.Errorf("%w: wrong signature", errNotice)
	}
	return nil
}

// ReadNotice reads a notice that was verified when it came.
func (s *Stripe) ReadNotice(body []byte, key string) (connector.Notice, error) {
	notices, err := readEvent(body)
	if err != nil {
		return connector.Notice{}, err
	}
	i := slices.IndexFunc(notices, func(n connector.Notice) bool { return n.EventKey == key })
	if key == "" && len(notices) == 1 {
		i = 0
	}
	if i < 0 {
		return connector.Notice{}, fmt.Errorf("%w: it is not %s", errNotice, key)
	}
	return notices[i], nil
}

// readEvent reads what an event tells about attempts of ours. Of the account's other payments, and of what an event says besides, it tells
// nothing. What is about us and proves nothing is UNKNOWN: the status query will tell.
func readEvent(body []byte) ([]connector.Notice, error) {
	var e struct {
		Object string `json:"object"`
		ID     string `json:"id"`
		Type   string `json:"type"`
		Data   struct {
			Object jsontext.Value `json:"object"`
		} `json:"data"`
	}
	if err := provider.Read(body, &e); err != nil {
		return nil, fmt.Errorf("%w: no event in %d bytes", errNotice, len(body))
	}
	var about struct {
		Object   string            `json:"object"`
		ID       string            `json:"id"`
		Metadata map[string]string `json:"metadata"`
		Intent   expandable        `json:"payment_intent"`
	}
	if e.Object != "event" || !provider.Word(e.ID, 64) || provider.Read(e.Data.Object, &about) != nil || !provider.Word(about.ID, 255) {
		return nil, fmt.Errorf("%w: not an event about something", errNotice)
	}
	key := about.Metadata[metaKey]
	switch {
	case about.Object == "dispute" && strings.HasPrefix(e.Type, "charge.dispute."):
		return []connector.Notice{{EventKey: e.ID, Subject: connector.OfDispute, Key: key, ProviderRef: about.Intent.id()}}, nil
	case !provider.Word(key, 255) || about.Metadata[metaFence] != "":
		return nil, nil // not of our making
	case about.Object == "payment_intent":
		return intentNotices(e.ID, e.Data.Object, key), nil
	case about.Object == "setup_intent":
		var in setup
		fact, err := payment.Fact{}, provider.Read(e.Data.Object, &in)
		if err == nil {
			fact, err = in.fact(key)
		}
		return []connector.Notice{{EventKey: e.ID, Key: key, Fact: told(fact, err)}}, nil
	case about.Object == "refund":
		var r refund
		fact, err := payment.Fact{}, provider.Read(e.Data.Object, &r)
		if err == nil {
			fact, err = r.fact(key)
		}
		return []connector.Notice{{EventKey: e.ID, Key: key, Fact: told(fact, err)}}, nil
	}
	return nil, nil
}

// intentNotices are one about the payment and, where it was captured by us, one about the capture.
func intentNotices(event string, object jsontext.Value, key string) []connector.Notice {
	var in intent
	if err := provider.Read(object, &in); err != nil {
		return []connector.Notice{{EventKey: event, Key: key, Fact: told(payment.Fact{}, err)}}
	}
	fact, err := in.fact(key)
	notices := []connector.Notice{{EventKey: event, Key: key, Fact: told(fact, err)}}
	if capture := in.Metadata[metaCapture]; provider.Word(capture, 255) && in.Status == "succeeded" {
		fact, err := follower{kind: payment.AttemptCapture, key: capture, of: key}.fact(&in)
		notices = append(notices, connector.Notice{EventKey: event + "-capture", Key: capture, Fact: told(fact, err)})
	}
	return notices
}

func told(fact payment.Fact, err error) payment.Fact {
	if err != nil {
		return payment.Fact{Class: payment.ClassUnknown}
	}
	return fact
}
