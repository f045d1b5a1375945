package adyen

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/provider"
)

var errNotice = errors.New("not a notice of the provider")

// item is one event of a webhook.
type item struct {
	Ref      string         `json:"pspReference"`
	Of       string         `json:"originalReference"`
	Account  string         `json:"merchantAccountCode"`
	Mine     string         `json:"merchantReference"`
	Amount   sum            `json:"amount"`
	Event    string         `json:"eventCode"`
	Success  jsontext.Value `json:"success"` // text, or a bare word
	Reason   string         `json:"reason"`
	Method   string         `json:"paymentMethod"`
	More     more           `json:"additionalData"`
	happened bool
}

// Acknowledgement is what Adyen wants to read of whoever took a webhook.
func (a *Adyen) Acknowledgement() string { return "[accepted]" }

// ParseNotice verifies the signature of each item of a webhook. One that does not hold condemns all: Adyen sends them again. The signature has
// no time, so that an old one is known only by having been taken before. A terminal without a key takes no webhooks.
func (a *Adyen) ParseNotice(_ http.Header, body []byte) ([]connector.Notice, error) {
	if len(a.hmacKey) == 0 {
		return nil, fmt.Errorf("%w: the terminal has no hmacKey", errNotice)
	}
	items, err := readItems(body)
	if err != nil {
		return nil, err
	}
	for i := range items {
		if !items[i].signed(a.hmacKey) {
			return nil, fmt.Errorf("%w: wrong signature of item %d", errNotice, i+1)
		}
	}
	return a.tell(items)
}

// ReadNotice reads a notice that was verified when it came.
func (a *Adyen) ReadNotice(body []byte, key string) (connector.Notice, error) {
	items, err := readItems(body)
	if err != nil {
		return connector.Notice{}, err
	}
	notices, err := a.tell(items)
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

// readItems reads what a webhook lists.
func readItems(body []byte) ([]item, error) {
	var w struct {
		Items []struct {
			Item *item `json:"NotificationRequestItem"`
		} `json:"notificationItems"`
	}
	if err := provider.Read(body, &w); err != nil || len(w.Items) == 0 {
		return nil, fmt.Errorf("%w: no items in %d bytes", errNotice, len(body))
	}
	items := make([]item, 0, len(w.Items))
	for _, wrapped := range w.Items {
		if wrapped.Item == nil {
			return nil, fmt.Errorf("%w: an empty item", errNotice)
		}
		items = append(items, *wrapped.Item)
	}
	return items, nil
}

// success is the word true or false.
func (n *item) success() string { return strings.Trim(string(n.Success), `"`) }

// signed checks the signature: HMAC-SHA256 over eight values, joined by colons. Adyen's older documents escape colons and backslashes in the
// values, its libraries do not; whoever has the key may do either.
func (n *item) signed(key []byte) bool {
	given, err := base64.StdEncoding.DecodeString(n.More.Signature)
	if err != nil || len(given) == 0 {
		return false
	}
	values := []string{n.Ref, n.Of, n.Account, n.Mine, strconv.FormatInt(n.Amount.Value, 10), n.Amount.Currency, n.Event, n.success()}
	plain := matches(given, key, strings.Join(values, ":"))
	for i := range values {
		values[i] = strings.ReplaceAll(strings.ReplaceAll(values[i], `\`, `\\`), ":", `\:`)
	}
	return matches(given, key, strings.Join(values, ":")) || plain
}

func matches(given, key []byte, data string) bool {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(data))
	return hmac.Equal(given, mac.Sum(nil))
}
