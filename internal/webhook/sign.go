package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Message is one post before it is signed.
type Message struct {
	ID   string    // the same in every try
	At   time.Time // of this try
	Body []byte    // as the event has it; not to be changed
	Try  int       // 1, 2, … of the delivery
	Keys []string  // the shop's signing keys, the present one first; none where it has no key
}

// SignGateway signs as the gateway dialect does: Signature is the HMAC-SHA256 of the body
// in lower-case hex under the present key; beside it stand the headers of Standard
// Webhooks, with one signature for each key. The bytes of a key are those of its text.
// Without a key only the id and the time are sent. The body stays as it is.
func SignGateway(h http.Header, m Message) ([]byte, error) {
	stamp := strconv.FormatInt(m.At.Unix(), 10)
	h["Webhook-Id"] = []string{m.ID}
	h["Webhook-Timestamp"] = []string{stamp}
	if len(m.Keys) == 0 {
		return m.Body, nil
	}
	head := []byte(m.ID + "." + stamp + ".")
	signatures := make([]string, len(m.Keys))
	for i, key := range m.Keys {
		mac := hmac.New(sha256.New, []byte(key))
		if i == 0 {
			mac.Write(m.Body)
			h["Signature"] = []string{hex.EncodeToString(mac.Sum(nil))}
			mac.Reset()
		}
		mac.Write(head)
		mac.Write(m.Body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	h["Webhook-Signature"] = []string{strings.Join(signatures, " ")}
	return m.Body, nil
}
