package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
)

// Kubernetes, and Docker's links before it, put variables about every Service of a namespace into its containers. Those of
// a Service called sluice, or sluice-metrics, begin like our settings and are none.
var (
	serviceHost = regexp.MustCompile(`^SLUICE_(?:[A-Z0-9_]+_)?SERVICE_HOST$`)
	servicePort = regexp.MustCompile(`^SLUICE_(?:[A-Z0-9_]+_)?SERVICE_PORT(?:_[A-Z0-9_]+)?$`)
	linked      = regexp.MustCompile(`^SLUICE_(?:[A-Z0-9_]+_)??PORT(?:_([0-9]+)_(TCP|UDP|SCTP)(?:_(PROTO|PORT|ADDR))?)?$`)
)

// injected reports whether this variable was put there by Kubernetes: by its name and by the form of its value, so that
// SLUICE_PORT=8080, which somebody may take for a setting, is still told to be none.
func injected(key, value string) bool {
	if serviceHost.MatchString(key) {
		return isIP(value)
	}
	if servicePort.MatchString(key) {
		return isPort(value)
	}
	parts := linked.FindStringSubmatch(key)
	if parts == nil {
		return false
	}
	switch parts[3] {
	case "PROTO":
		return isProtocol(value)
	case "PORT":
		return value == parts[1]
	case "ADDR":
		return isIP(value)
	}
	u, err := url.Parse(value)
	return err == nil && isProtocol(u.Scheme) && isIP(u.Hostname()) && isPort(u.Port()) && (parts[1] == "" || u.Port() == parts[1])
}

func isProtocol(text string) bool { return text == "tcp" || text == "udp" || text == "sctp" }

func isIP(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}
