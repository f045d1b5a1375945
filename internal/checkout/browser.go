package checkout

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/web"
)

// Limits of what is kept of the customer's browser, in characters.
const (
	maxUserAgent = 512
	maxLanguage  = 32
)

// browser describes the customer's device as far as a request without script tells.
func (g *Pages) browser(r *http.Request) (payment.Document, error) {
	b := payment.Browser{
		UserAgent: printable(r.UserAgent(), maxUserAgent),
		Language:  firstLanguage(r.Header.Get("Accept-Language")),
	}
	if ip := web.ClientIP(r, g.trusted); ip.IsValid() {
		b.IP = ip.String()
	}
	doc, err := payment.NewDocument(b)
	if err != nil {
		return "", fmt.Errorf("browser of the customer: %w", err)
	}
	return doc, nil
}

// printable keeps the visible ASCII characters and spaces of s, and at most so many.
func printable(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > unicode.MaxASCII-1 {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), most)]
}

// firstLanguage is the language tag that the browser names first, or empty.
func firstLanguage(accept string) string {
	tag, _, _ := strings.Cut(accept, ",")
	tag, _, _ = strings.Cut(tag, ";")
	tag = strings.TrimSpace(tag)
	if len(tag) > maxLanguage || !languageTag(tag) {
		return ""
	}
	return tag
}

func languageTag(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && c != '-' && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// asciiURL is an absolute address in characters that a header can carry, or empty if s is not an address.
func asciiURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || s == "" {
		return ""
	}
	return inHeader(u.String())
}

// inHeader percent-encodes what a header cannot carry, and what would end an address in one.
func inHeader(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\'' || c == '<' || c == '>' || c == ';' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// hasApplePay reports that a browser may have Apple Pay, by what it says that it is: every one on a phone or tablet of Apple's, and
// Safari on a Mac.
func hasApplePay(agent string) bool {
	for _, device := range []string{"iPhone", "iPad", "iPod"} {
		if strings.Contains(agent, device) {
			return true
		}
	}
	if !strings.Contains(agent, "Macintosh") || !strings.Contains(agent, "Safari/") {
		return false
	}
	for _, other := range []string{"Chrome/", "Chromium/", "CriOS/", "Edg/", "EdgA/", "OPR/", "Firefox/", "Android"} {
		if strings.Contains(agent, other) {
			return false
		}
	}
	return true
}
