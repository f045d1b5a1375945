package declared

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// onNotice is what rules name notices by, among calls.
const onNotice = "notice"

// noticeAge is how far the time of a notice may be from ours.
const noticeAge = 5 * time.Minute

var errNotice = errors.New("not a notice of the provider")

// notices say how the provider's posts are signed, and what they tell.
type notices struct {
	header    string // that has the signature
	form      *text  // of the header's value, with {signature}
	algorithm func() hash.Hash
	encode    func([]byte) string
	key       string // the setting
	over      *text  // what is signed, with {body} and {time}
	time      string // the header that has the time, in seconds; empty for none
	event     string // the path of the event's id
	within    string
	kinds     map[string]payment.AttemptKind // by the value at kind
	kind      string
}

var hashes = map[string]func() hash.Hash{"hmac-sha256": sha256.New, "hmac-sha512": sha512.New, "hmac-sha384": sha512.New384}

var encodings = map[string]func([]byte) string{"hex": hex.EncodeToString, "base64": base64.StdEncoding.EncodeToString}

func (r *loader) notice(n *node) {
	o := &notices{kinds: map[string]payment.AttemptKind{}}
	r.object(n, "notices", map[string]func(*node){
		"header": func(n *node) { o.header = r.str(n, "header") },
		"form":   func(n *node) { o.form = r.template(n, "form", func(name string) bool { return name == "signature" }) },
		"algorithm": func(n *node) {
			if o.algorithm = hashes[r.str(n, "algorithm")]; o.algorithm == nil {
				r.faultf(n, "algorithm is hmac-sha256, hmac-sha384 or hmac-sha512")
			}
		},
		"encoding": func(n *node) {
			if o.encode = encodings[r.str(n, "encoding")]; o.encode == nil {
				r.faultf(n, "encoding is hex or base64")
			}
		},
		"key": func(n *node) {
			if o.key = r.str(n, "key"); !slices.ContainsFunc(r.d.settings, func(s connector.Setting) bool { return s.Name == o.key && !s.Shown }) {
				r.faultf(n, "key names a setting that is not shown")
			}
		},
		"over": func(n *node) {
			o.over = r.template(n, "over", func(name string) bool { return name == "body" || name == "time" })
		},
		"time":   func(n *node) { o.time = r.str(n, "time") },
		"event":  func(n *node) { o.event = r.str(n, "event") },
		"within": func(n *node) { o.within = r.str(n, "within") },
		"kind":   func(n *node) { o.kind = r.str(n, "kind") },
		"kinds": func(n *node) {
			r.each(n, "kinds", func(name string, n *node) {
				if o.kinds[name] = kinds[r.str(n, name)]; o.kinds[name] == "" {
					r.faultf(n, "a kind is deposit, capture, void, refund or payout")
				}
			})
		},
	})
	switch {
	case o.header == "" || o.form == nil || o.algorithm == nil || o.encode == nil || o.key == "" || o.over == nil || o.event == "" || o.kind == "":
		r.faultf(n, "notices needs header, form, algorithm, encoding, key, over, event, kind and kinds")
	case !o.form.has("signature") || !o.over.has("body") || (o.time != "") != o.over.has("time"):
		r.faultf(n, "form has {signature} in it, over has {body}, and {time} where there is one")
	}
	r.d.notices = o
}

// ParseNotice verifies the signature over the raw body.
func (c *Declared) ParseNotice(header http.Header, body []byte) ([]connector.Notice, error) {
	o, secret := c.d.notices, ""
	if o != nil {
		secret = c.settings[o.key]
	}
	if secret == "" {
		return nil, fmt.Errorf("%w: the terminal has no secret for notices", errNotice)
	}
	stamp := ""
	if o.time != "" {
		stamp = header.Get(o.time)
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: no time", errNotice)
		}
		if age := c.now().Sub(time.Unix(seconds, 0)); age > noticeAge || age < -noticeAge {
			return nil, fmt.Errorf("%w: signed %s ago", errNotice, age.Round(time.Second))
		}
	}
	mac := hmac.New(o.algorithm, []byte(secret))
	for _, p := range o.over.parts {
		switch p.name {
		case "body":
			mac.Write(body)
		case "time":
			mac.Write([]byte(stamp))
		default:
			mac.Write([]byte(p.literal))
		}
	}
	var want strings.Builder
	for _, p := range o.form.parts {
		if p.name == "signature" {
			want.WriteString(o.encode(mac.Sum(nil)))
		}
		want.WriteString(p.literal)
	}
	if !slices.ContainsFunc(header.Values(o.header), func(got string) bool { return hmac.Equal([]byte(got), []byte(want.String())) }) {
		return nil, fmt.Errorf("%w: wrong signature", errNotice)
	}
	n, err := c.readNotice(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connector.ErrUnreadable, err)
	}
	return []connector.Notice{n}, nil
}

// ReadNotice reads a notice that was verified when it came; a post holds one.
func (c *Declared) ReadNotice(body []byte, key string) (connector.Notice, error) {
	if c.d.notices == nil {
		return connector.Notice{}, errNotice
	}
	n, err := c.readNotice(body)
	if err == nil && key != "" && n.EventKey != key {
		return n, fmt.Errorf("%w: it is another one", errNotice)
	}
	return n, err
}

func (c *Declared) readNotice(body []byte) (connector.Notice, error) {
	o := c.d.notices
	a, err := readAnswer(http.StatusOK, body)
	if err != nil {
		return connector.Notice{}, fmt.Errorf("%w: no event in %d bytes", errNotice, len(body))
	}
	a.within = o.within
	kind, listed := o.kinds[a.inner(o.kind)]
	n := connector.Notice{EventKey: a.at(o.event), Key: a.inner(c.d.told["key"])}
	if !provider.Word(n.EventKey, 64) || !provider.Word(n.Key, 200) || !listed {
		return connector.Notice{}, fmt.Errorf("%w: not an event about a payment", errNotice)
	}
	if n.Fact, err = c.d.judge(a, asked{call: onNotice, kind: kind, key: n.Key, none: a.inner(o.kind) == callVerify}); err != nil {
		n.Fact = payment.Fact{Class: payment.ClassUnknown} // signed, but nothing that can be believed: the status query will tell
	}
	return n, nil
}
