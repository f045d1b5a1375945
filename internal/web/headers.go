package web

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// The security headers of an answer that no browser should show, frame, sniff or keep. Their values are shared by all
// answers: whoever wants another one sets it anew.
var (
	noSniff    = []string{"nosniff"}
	noStore    = []string{"no-store"}
	noReferrer = []string{"no-referrer"}
	nothing    = []string{"default-src 'none'; frame-ancestors 'none'"}
)

// plainLines are the same headers on the wire.
const plainLines = "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n" +
	"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"

// SetAPIHeaders sets the security headers of an answer that no browser should show, frame, sniff or keep. Every answer of a
// Server begins with them, whatever it is about; who answers a page or something that may be kept says so instead.
func SetAPIHeaders(h http.Header) {
	h["X-Content-Type-Options"] = noSniff
	h["Cache-Control"] = noStore
	h["Referrer-Policy"] = noReferrer
	h["Content-Security-Policy"] = nothing
}

// plain has every answer begin with the headers of SetAPIHeaders.
func plain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		SetAPIHeaders(w.Header())
		next.ServeHTTP(w, r)
	})
}

// bareEnd ends the head of what the server of the standard library answers by itself, before any handler, to what is no
// request: a head that is too large, say.
const bareEnd = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// dressed returns an answer of the server itself with the headers that all have, or nil for any other piece of one.
func dressed(b []byte) []byte {
	const prefix = "HTTP/1.1 "
	if len(b) <= len(prefix) || string(b[:len(prefix)]) != prefix || b[len(prefix)] < '4' {
		return nil
	}
	end := bytes.Index(b, []byte("\r\n"))
	if end < 0 || !bytes.HasPrefix(b[end:], []byte(bareEnd)) {
		return nil
	}
	end += len("\r\n")
	return slices.Concat(b[:end], []byte(plainLines), b[end:])
}

// PagePolicy says what one page may do in a browser beyond showing itself with this server's own styles and images.
type PagePolicy struct {
	// Nonce allows the script elements that carry it; empty allows no script. It must be new for each answer.
	Nonce string
	// Scripts are the hashes of the scripts that stand in the page, such as sha256- and 44 characters; none by default.
	Scripts []string
	// Styles are the hashes of style elements that stand in the page; none by default.
	Styles []string
	// FrameAncestors are the origins that may frame the page, such as https://shop.example; none by default.
	FrameAncestors []string
	// FormAction are the origins, beside this server, that a form on the page may be sent to or redirected to.
	FormAction []string
	// FormLeads says that a form on the page leads to a server that redirects to others, which nobody knows beforehand: browsers
	// hold those against the page's form-action, too, so it names no host.
	FormLeads bool
	// Guest is another site whose script the page holds; nil for none.
	Guest *Guest
	// HTTPS says that the page is served over TLS to the outside, so the browser may insist on it from now on.
	HTTPS bool
}

// Guest is what another site may do on a page that holds its script. Such a page trusts that site in whole, so it shows and takes
// nothing that the site may not see.
type Guest struct {
	// Nonce allows the style and script elements that the site's script adds; it must be new for each answer.
	Nonce string
	// Scripts, Frames, Calls and Images are the origins that scripts, frames and images come from, and that are called.
	Scripts, Frames, Calls, Images []string
}

// SetPageHeaders sets the security headers of a page. Origins that are not plain scheme://host[:port] are left out,
// so a bad setting can only close a page further.
func SetPageHeaders(h http.Header, p PagePolicy) {
	var b strings.Builder
	g := p.Guest
	if g == nil {
		g = &Guest{}
	}
	b.WriteString("default-src 'none'; style-src 'self'")
	writeHashes(&b, p.Styles)
	writeNonce(&b, g.Nonce)
	writeOrigins(&b, "; img-src 'self'", "", g.Images)
	writeOrigins(&b, "; connect-src 'self'", "", g.Calls)
	if len(g.Frames) > 0 {
		writeOrigins(&b, "; frame-src", "'none'", g.Frames)
	}
	b.WriteString("; base-uri 'none'; object-src 'none'; script-src")
	if !writeNonce(&b, p.Nonce) && !writeHashes(&b, p.Scripts) {
		b.WriteString(" 'none'")
	}
	if p.Guest != nil {
		writeOrigins(&b, "", "", g.Scripts)
		writeNonce(&b, g.Nonce)
	}
	framed := writeOrigins(&b, "; frame-ancestors", "'none'", p.FrameAncestors)
	b.WriteString("; form-action 'self'")
	writeOrigins(&b, "", "", p.FormAction)
	if p.FormLeads {
		b.WriteString(" https: http:")
	}
	opener, referrer := "same-origin-allow-popups", "strict-origin" // a guest's window is its own, and it may know the site
	if p.Guest == nil {
		b.WriteString("; require-trusted-types-for 'script'")
		opener, referrer = "same-origin", "no-referrer"
	}

	h.Set("Content-Security-Policy", b.String())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", opener)
	h.Set("Referrer-Policy", referrer)
	h.Set("Cache-Control", "no-store")
	if framed {
		h.Del("X-Frame-Options") // which knows no origins, and may be there from before
	} else {
		h.Set("X-Frame-Options", "DENY")
	}
	if p.HTTPS {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// writeHashes appends the valid hashes, and reports whether there is one.
func writeHashes(b *strings.Builder, hashes []string) (found bool) {
	for _, h := range hashes {
		if validHash(h) {
			b.WriteString(" '" + h + "'")
			found = true
		}
	}
	return found
}

// writeNonce appends a valid nonce, and reports whether it is one.
func writeNonce(b *strings.Builder, nonce string) bool {
	if !validNonce(nonce) {
		return false
	}
	b.WriteString(" 'nonce-" + nonce + "'")
	return true
}

// writeOrigins appends the directive with its valid origins, or with otherwise when there is none.
func writeOrigins(b *strings.Builder, directive, otherwise string, origins []string) bool {
	b.WriteString(directive)
	found := false
	for _, o := range origins {
		if validOrigin(o) {
			b.WriteString(" " + o)
			found = true
		}
	}
	if !found && otherwise != "" {
		b.WriteString(" " + otherwise)
	}
	return found
}

// validOrigin accepts scheme://host[:port] in characters that cannot end a directive. Wildcards are not accepted.
func validOrigin(o string) bool {
	host, ok := strings.CutPrefix(o, "https://")
	if !ok {
		host, ok = strings.CutPrefix(o, "http://")
	}
	if !ok || host == "" {
		return false
	}
	return onlyOf(host, ".-:[]")
}

func validNonce(n string) bool { return len(n) >= 22 && onlyOf(n, "+/-_=") }

// validHash accepts a SHA-256 as policies write it.
func validHash(h string) bool {
	sum, ok := strings.CutPrefix(h, "sha256-")
	return ok && len(sum) == 44 && onlyOf(sum, "+/=")
}

// onlyOf reports whether s holds letters and digits of ASCII and the given characters only.
func onlyOf(s, others string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}
