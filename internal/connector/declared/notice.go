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

// noticeAge is how far the time of a notice may be from ours where the file says nothing.
const noticeAge = 5 * time.Minute

var errNotice = errors.New("not a notice of the provider")

// notices say how the provider's posts are signed, and what they tell.
type notices struct {
	header    string  // that has the signature
	form      []*text // of the header's value, with {signature}: one text, or those of its parts, each with one name
	separator string  // between the parts
	algorithm func() hash.Hash
	encode    func([]byte) string
	key       string // the setting
	over      *text  // what is signed, with {body} and {time}
	time      string // the header that has the time, in seconds; empty where the form has it, or nothing
	age       time.Duration
	event     string // the path of the event's id
	within    string
	kinds     map[string]payment.AttemptKind // by the value at kind
	kind      string
	ignore    []condition // of posts that tell nothing; empty for none
}

var hashes = map[string]func() hash.Hash{"hmac-sha256": sha256.New, "hmac-sha512": sha512.New, "hmac-sha384": sha512.New384}

var encodings = map[string]func([]byte) string{"hex": hex.EncodeToString, "base64": base64.StdEncoding.EncodeToString}

func (r *loader) notice(n *node) {
	o := &notices{age: noticeAge, kinds: map[string]payment.AttemptKind{}}
	var form *node
	r.object(n, "notices", map[string]func(*node){
		"header": func(n *node) {
			if o.header = r.str(n, "header"); !provider.Word(o.header, 64) {
				r.faultf(n, "header is the name of one")
			}
		},
		"form": func(n *node) { form = n },
		"separator": func(n *node) {
			if o.separator = r.str(n, "separator"); len(o.separator) != 1 {
				r.faultf(n, "separator is one character")
			}
		},
		"toleranceSeconds": func(n *node) {
			o.age = time.Duration(r.number(n, "toleranceSeconds", 3600)) * time.Second
		},
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
		"event":  func(n *node) { o.event = r.path(n, "event", "") },
		"within": func(n *node) { o.within = r.path(n, "within", "") },
		"kind":   func(n *node) { o.kind = r.path(n, "kind", wholePath) },
		"ignore": func(n *node) { o.ignore = r.ignored(n) },
		"kinds":  func(n *node) { r.noticeKinds(n, o.kinds) },
	})
	if form != nil {
		r.signed(form, o)
	}
	r.noticeWhole(n, o)
	r.d.notices = o
}

// noticeWhole checks what no part of notices shows by itself.
func (r *loader) noticeWhole(n *node, o *notices) {
	missing := false
	for _, name := range []string{"header", "form", "algorithm", "encoding", "key", "over", "event", "kind", "kinds"} {
		if n.kind == '{' && n.members[name] == nil {
			r.faultf(n, "notices needs %q", name)
			missing = true
		}
	}
	switch {
	case n.kind != '{' || missing:
	case len(o.kinds) == 0:
		r.faultf(n, "kinds says what the values at kind are about, as {\"payment\": \"deposit\"}")
	case !o.formHas("signature") || !o.over.has("body") || (o.time != "" || o.formHas("time")) != o.over.has("time") || o.time != "" && o.formHas("time"):
		r.faultf(n, "form has {signature} in it, over has {body}, and {time} where there is one")
	}
}

func (r *loader) noticeKinds(n *node, into map[string]payment.AttemptKind) {
	r.each(n, "kinds", func(name string, n *node) {
		if into[name] = kinds[r.str(n, name)]; into[name] == "" {
			r.faultf(n, "a kind is deposit, capture, void, refund or payout")
		}
	})
}

// ignored reads what posts say that are not about us.
func (r *loader) ignored(n *node) (all []condition) {
	r.each(n, "ignore", func(path string, n *node) { all = append(all, r.condition(path, n)) })
	if !slices.ContainsFunc(all, condition.says) {
		r.faultf(n, "ignore needs something that stands in the post: what is missing there may be what nobody has understood yet")
	}
	return all
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
	stamp, given := o.stamped(header)
	if o.over.has("time") {
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: no time", errNotice)
		}
		if age := c.now().Sub(time.Unix(seconds, 0)); age > o.age || age < -o.age {
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
	want := []byte(o.encode(mac.Sum(nil)))
	if !slices.ContainsFunc(given, func(got string) bool { return hmac.Equal([]byte(got), want) }) {
		return nil, fmt.Errorf("%w: wrong signature", errNotice)
	}
	n, err := c.readNotice(body)
	switch {
	case err != nil && o.ignores(body):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%w: %w", connector.ErrUnreadable, err)
	}
	return []connector.Notice{n}, nil
}

// ignores reports that a post which is no notice about an attempt of ours is declared to be none.
func (o *notices) ignores(body []byte) bool {
	a, err := readAnswer(http.StatusOK, body)
	a = a.narrowed(o.within, nil, "")
	return err == nil && len(o.ignore) > 0 && !slices.ContainsFunc(o.ignore, func(c condition) bool { return !c.fits(a) })
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
	a = a.narrowed(o.within, nil, "")
	kind, listed := o.kinds[a.inner(o.kind)]
	n := connector.Notice{EventKey: a.at(o.event), Key: a.first(c.d.told["key"])}
	switch {
	case !provider.Word(n.EventKey, 64):
		return connector.Notice{}, fmt.Errorf("%w: no usable id of an event at %s", errNotice, o.event)
	case !listed:
		return connector.Notice{}, fmt.Errorf("%w: what stands at %s is none of its kinds", errNotice, within(o.within, o.kind))
	case !provider.Word(n.Key, 200):
		return connector.Notice{}, fmt.Errorf("%w: no key of ours at %s", errNotice, within(o.within, c.d.told["key"][0]))
	}
	if n.Fact, err = c.d.judge(a, asked{call: onNotice, kind: kind, key: n.Key, none: a.inner(o.kind) == callVerify}); err != nil {
		n.Fact = payment.Fact{Class: payment.ClassUnknown} // signed, but nothing that can be believed: the status query will tell
	}
	return n, nil
}

// within is a path as it is seen from the whole answer.
func within(outer, path string) string {
	if whole, is := strings.CutPrefix(path, wholePath); is || outer == "" {
		return whole
	}
	return outer + "." + path
}
