package address

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Fault says why an address is refused, in words that go after the name of its field.
type Fault string

// Error implements error.
func (f Fault) Error() string { return string(f) }

// Every reason there is.
const (
	ErrEmpty    Fault = "must not be empty"
	ErrForm     Fault = "must be an absolute address such as https://shop.example/path"
	ErrScheme   Fault = "must be an https or http address, or one of an app's own scheme"
	ErrHTTP     Fault = "must be an https or http address"
	ErrUser     Fault = "must not hold user information"
	ErrHost     Fault = "must name a host that can be looked up"
	ErrVariable Fault = "must name a host that does not depend on the payment"
	ErrPort     Fault = "must have a port from 1 to 65535"
	ErrBlank    Fault = "must not hold a blank: %20 stands for one"
	ErrFragment Fault = "must not hold a fragment (what follows #): it is never sent"
	ErrEscape   Fault = "must hold two hexadecimal digits after every %"
	ErrPlace    Fault = "must be a host such as shop.example or shop.example:8443, or the scheme of an app such as myapp:"
)

// Address is an address as it is used.
type Address struct {
	// Text is the whole of it. It is what was given, byte by byte, but for a scheme where none was given and a host
	// name in letters beyond ASCII, which is spelled in ASCII.
	Text string
	// Scheme is in lower case; Host has neither port nor brackets. The host of an app's address is its own business
	// and left empty.
	Scheme, Host, Port string
}

// Web reports whether the address is http or https, and not one that an app registered.
func (a *Address) Web() bool { return a.Scheme == "https" || a.Scheme == "http" }

// Clear reports a web address to which messages go as they are for everybody on the way to read and to change: http, and
// not to this machine.
func (a *Address) Clear() bool { return a.Scheme == "http" && !Local(a.Host) }

// Clear does so for the text of an address that a server is called at. What is no such address is none that is called.
func Clear(text string) bool {
	a, err := Hook(text)
	return err == nil && a.Clear()
}

// Return reads an address that a customer is sent to: http, https or a scheme that an app registers. It may be a
// template with names in braces, but not in the scheme or in the host of a web address. Without a scheme it is https.
// Refused are the schemes by which a browser runs or reads something, and user information. The error is a Fault.
func Return(text string) (Address, error) { return parse(text, false) }

// Hook reads an address that a server posts to: http or https, without a fragment and blanks. Without a scheme it is
// https. The error is a Fault.
func Hook(text string) (Address, error) { return parse(text, true) }

func parse(text string, hook bool) (Address, error) {
	if text == "" {
		return Address{}, ErrEmpty
	}
	scheme, rest, given := cutScheme(text)
	switch {
	case given && closed(scheme):
		return Address{}, notThis(hook)
	case !given:
		scheme, rest = "https", strings.TrimPrefix(text, "//")
	case scheme != "http" && scheme != "https":
		return app(text, scheme, rest, hook)
	case !strings.HasPrefix(rest, "//"):
		return Address{}, ErrForm
	default:
		rest = rest[len("//"):]
	}
	end := len(rest)
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		end = at
	}
	a := Address{Scheme: scheme}
	authority, fault := a.authority(rest[:end], given)
	if fault != "" {
		return Address{}, fault
	}
	if fault := checkTail(rest[end:], hook); fault != "" {
		return Address{}, fault
	}
	lead := text[:len(text)-len(rest)]
	if !given {
		lead = "https://"
	}
	a.Text = lead + authority + rest[end:]
	return a, nil
}

func notThis(hook bool) Fault {
	if hook {
		return ErrHTTP
	}
	return ErrScheme
}

// cutScheme takes the scheme off, in lower case. What has digits after its colon, as a port, is a host: unless it is a
// scheme that must never be taken for anything else.
func cutScheme(text string) (scheme, rest string, given bool) {
	at := strings.IndexByte(text, ':')
	if at <= 0 || !isScheme(text[:at]) {
		return "", text, false
	}
	scheme, rest = strings.ToLower(text[:at]), text[at+1:]
	port, _, _ := strings.Cut(rest, "/")
	if end := strings.IndexAny(port, "?#"); end >= 0 {
		port = port[:end]
	}
	if port != "" && strings.Trim(port, "0123456789") == "" && !closed(scheme) {
		return "", text, false
	}
	return scheme, rest, true
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && strings.IndexByte("+-.", c) < 0) {
			return false
		}
	}
	return s != ""
}

// closed reports whether a browser runs or reads something by the scheme, so that no app can have registered it.
func closed(scheme string) bool {
	return slices.Contains([]string{
		"javascript", "data", "vbscript", "blob", "file", "about", "view-source", "livescript", "mocha", "jar", "mhtml",
		"filesystem", "feed", "resource", "chrome", "chrome-extension", "moz-extension", "edge", "ftp", "ws", "wss",
	}, scheme)
}

// app reads what follows the scheme of an app, to which all of it belongs.
func app(text, scheme, rest string, hook bool) (Address, error) {
	if hook {
		return Address{}, ErrHTTP
	}
	first := strings.TrimPrefix(rest, "//")
	if end := strings.IndexAny(first, "/?#"); end >= 0 {
		first = first[:end]
	}
	if strings.Contains(first, "@") {
		return Address{}, ErrUser
	}
	path := rest
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	if hasBlank(path) {
		return Address{}, ErrBlank
	}
	if !escaped(rest) {
		return Address{}, ErrEscape
	}
	return Address{Text: text, Scheme: scheme}, nil
}

// authority reads host and port, and returns them as they are used. Without a scheme the host must look like one, for
// a word alone is more likely a path.
func (a *Address) authority(text string, given bool) (string, Fault) {
	switch {
	case strings.Contains(text, "@"):
		return "", ErrUser
	case strings.ContainsAny(text, "{}"):
		return "", ErrVariable
	case text == "":
		return "", ErrForm
	}
	host, port := text, ""
	if at := strings.LastIndexByte(text, ':'); at > strings.LastIndexByte(text, ']') {
		host, port = text[:at], text[at+1:]
		if port != "" && !validPort(port) {
			return "", ErrPort
		}
		a.Port = port
	}
	if !given && !strings.ContainsAny(host, ".:") && port == "" && host != "localhost" {
		return "", ErrForm
	}
	name, ok := Host(host)
	if !ok {
		return "", ErrHost
	}
	a.Host = strings.Trim(name, "[]")
	return name + text[len(host):], ""
}

func validPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// Host spells a host in ASCII: a name, an IPv4 address, or an IPv6 address in brackets. A name that is in ASCII is
// returned as it is.
func Host(text string) (string, bool) {
	if text == "" {
		return "", false
	}
	if text[0] == '[' {
		addr, err := netip.ParseAddr(strings.TrimSuffix(text[1:], "]"))
		return text, err == nil && addr.Is6() && addr.Zone() == "" && text[len(text)-1] == ']'
	}
	if strings.IndexFunc(text, func(r rune) bool { return r > '~' }) < 0 {
		return text, strings.IndexFunc(text, func(r rune) bool { return !inHost(r) }) < 0
	}
	name, err := international.ToASCII(strings.TrimSuffix(text, "."))
	return name, err == nil
}

// inHost reports what may stand in a name, beyond what name servers know: some of it is in use.
func inHost(r rune) bool {
	return r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~!$&'()*+,;=", r)
}

// international is how browsers read a host name beyond ASCII, with the lengths that a name server needs.
var international = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// checkTail judges what follows host and port.
func checkTail(tail string, hook bool) Fault {
	path := tail
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	switch {
	case hasBlank(path), hook && hasBlank(tail):
		return ErrBlank
	case hook && strings.Contains(tail, "#"):
		return ErrFragment
	case !escaped(path):
		return ErrEscape
	}
	if _, fragment, ok := strings.Cut(tail, "#"); ok && !escaped(fragment) {
		return ErrEscape
	}
	return ""
}

// hasBlank reports white space and control characters.
func hasBlank(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f && r <= 0xa0 || r == 0x3000 }) >= 0
}

func escaped(s string) bool {
	_, err := url.PathUnescape(s)
	return err == nil
}

// Place reads an entry of a list of places that addresses may be at, and returns it as addresses are compared with it: a
// host, which stands for every port, a host with a port, or the scheme of an app with its colon.
func Place(text string) (string, error) {
	if scheme, ok := strings.CutSuffix(text, ":"); ok && isScheme(scheme) {
		scheme = strings.ToLower(scheme)
		if closed(scheme) || scheme == "http" || scheme == "https" {
			return "", ErrPlace
		}
		return scheme + ":", nil
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return text, nil
	}
	host, port := text, ""
	if at := strings.LastIndexByte(text, ':'); at > strings.LastIndexByte(text, ']') {
		host, port = text[:at], text[at:]
	}
	name, ok := Host(host)
	if !ok || port != "" && !validPort(port[1:]) {
		return "", ErrPlace
	}
	return name + port, nil
}
