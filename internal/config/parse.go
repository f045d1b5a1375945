package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/address"
)

const (
	minDrain = time.Second
	maxDrain = 10 * time.Minute
)

// settings says how the text of each setting is checked and where it goes. An optional one may be empty.
var settings = map[string]struct {
	optional bool
	set      func(*Config, string) error
}{
	configName:         {true, func(*Config, string) error { return nil }},
	"data":             {false, func(c *Config, s string) error { c.Data = s; return nil }},
	"database":         {true, setDatabase},
	"master-key":       {true, setMasterKey},
	"connectors":       {true, func(c *Config, s string) error { c.Connectors = s; return nil }},
	"log-level":        {false, setLogLevel},
	"log-format":       {false, setLogFormat},
	"listen":           {false, func(c *Config, s string) error { c.Listen = s; return checkHostPort(s) }},
	"public-url":       {true, setPublicURL},
	"demo":             {true, func(c *Config, s string) error { return setBool(&c.Demo, s) }},
	"private-webhooks": {true, setPrivateWebhooks},
	"never-keep-cards": {true, func(c *Config, s string) error { return setBool(&c.NeverKeepCards, s) }},
	"insecure-http":    {true, func(c *Config, s string) error { return setBool(&c.InsecureHTTP, s) }},
	"simulator-listen": {false, func(c *Config, s string) error { c.SimulatorListen = s; return checkHostPort(s) }},
	"ready-file":       {true, func(c *Config, s string) error { c.ReadyFile = s; return nil }},
	"metrics-listen":   {true, setMetricsListen},
	"drain-delay":      {false, setDrainDelay},
	"trusted-proxies":  {true, setTrustedProxies},
	"allow-debug":      {true, func(c *Config, s string) error { return setBool(&c.AllowDebug, s) }},
	"drain-timeout":    {false, setDrainTimeout},

	"max-connections":             {false, func(c *Config, s string) error { return setCount(&c.MaxConnections, s) }},
	"max-connections-per-address": {false, func(c *Config, s string) error { return setCount(&c.MaxConnectionsPerAddress, s) }},
	"metrics-listen-anywhere":     {true, func(c *Config, s string) error { return setBool(&c.MetricsAnywhere, s) }},
}

// parse turns the joined texts into a Config and checks what one setting means for another.
func parse(fields []field, values map[string]given) (Config, Faults) {
	var c Config
	var faults Faults
	for _, f := range fields {
		v, setting := values[f.name], settings[f.name]
		if v.text == "" && setting.optional {
			continue
		}
		if err := setting.set(&c, v.text); err != nil {
			faults = append(faults, faultOf(f, v, err))
		}
	}
	across := func(name, problem string) {
		for _, f := range fields {
			if f.name == name {
				faults = append(faults, faultOf(field{name: name, secret: true}, values[name], errors.New(problem)))
			}
		}
	}
	if !c.Demo && values["simulator-listen"].source != "the default" {
		across("simulator-listen", "has no effect without demo")
	}
	if c.MetricsListen != "" && !c.MetricsAnywhere && !onLoopback(c.MetricsListen) {
		across("metrics-listen", "must be a loopback address, as 127.0.0.1:9090, unless metrics-listen-anywhere is set")
	}
	if samePort(c.Listen, c.MetricsListen) {
		across("metrics-listen", "is the address of listen")
	}
	if c.Demo && (samePort(c.Listen, c.SimulatorListen) || samePort(c.MetricsListen, c.SimulatorListen)) {
		across("simulator-listen", "is the address of another listener")
	}
	return c, faults
}

// faultOf names the setting, the value unless it is a secret, its source, and every name the setting goes by.
func faultOf(f field, v given, err error) Fault {
	shown := ""
	if !f.secret && !f.place {
		shown = ", not " + strconv.Quote(v.text)
	}
	names := "--" + f.name + ", " + envName(f.name)
	if f.name != configName {
		names += `, "` + f.name + `" in the file`
	}
	return Fault{f.name, err.Error() + shown + " (from " + v.source + "; set by " + names + ")"}
}

func setLogLevel(c *Config, s string) error {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[s]
	if !ok {
		return errors.New("must be debug, info, warn or error")
	}
	c.LogLevel = level
	return nil
}

func setLogFormat(c *Config, s string) error {
	if s != "json" && s != "text" {
		return errors.New("must be json or text")
	}
	c.LogFormat = s
	return nil
}

func setBool(b *bool, s string) error {
	if s != "true" && s != "false" {
		return errors.New("must be true or false")
	}
	*b = s == "true"
	return nil
}

// mostCount bounds settings that count something.
const mostCount = 1_000_000

func setCount(n *int, s string) error {
	read, err := strconv.Atoi(s)
	if err != nil || read < 0 || read > mostCount {
		return fmt.Errorf("must be a whole number from 0 to %d", mostCount)
	}
	*n = read
	return nil
}

func setPublicURL(c *Config, s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "":
		return errors.New("must be a URL such as https://pay.example")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "#"):
		return errors.New("must have no user, query or fragment")
	case strings.Trim(u.Path, "/") != "":
		return errors.New("must have no path")
	}
	a, err := address.Hook(u.Scheme + "://" + strings.ToLower(u.Host))
	if err != nil {
		return err
	}
	if unspecified(a.Host) {
		return errors.New("must be the address of a machine")
	}
	c.PublicURL = a.Text
	return nil
}

func setMetricsListen(c *Config, s string) error {
	if err := checkHostPort(s); err != nil {
		return err
	}
	c.MetricsListen = s
	return nil
}

// onLoopback reports whether only this machine reaches the address.
func onLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	addr, none := netip.ParseAddr(host)
	return err == nil && (host == "localhost" || none == nil && addr.IsLoopback())
}

func setTrustedProxies(c *Config, s string) error {
	networks, err := parseNetworks(s)
	if err != nil {
		return err
	}
	for _, n := range networks {
		if n.Bits() == 0 {
			return errors.New("must not be everybody: a prefix of 0 bits trusts every caller")
		}
	}
	c.TrustedProxies = networks
	return nil
}

func setDrainDelay(c *Config, s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxDrain {
		return fmt.Errorf("must be a duration with a unit from 0s to %s", maxDrain)
	}
	c.DrainDelay = d
	return nil
}

func setDrainTimeout(c *Config, s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < minDrain || d > maxDrain {
		return fmt.Errorf("must be a duration with a unit from %s to %s", minDrain, maxDrain)
	}
	c.DrainTimeout = d
	return nil
}

// checkHostPort accepts host:port, [address]:port and :port with a port from 0 to 65535.
func checkHostPort(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, " /@") {
		return errors.New("must be host:port")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return errors.New("must end in a port from 0 to 65535")
	}
	return nil
}

// onAllAddresses reports whether a listener there is on every address of the machine.
func onAllAddresses(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && (host == "" || unspecified(host))
}

// unspecified reports a host that is an address of no machine, in one of the spellings for it.
func unspecified(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().WithZone("").IsUnspecified()
}

// samePort reports whether two listeners were given one address other than "any free port".
func samePort(a, b string) bool {
	return a != "" && a == b && !strings.HasSuffix(a, ":0")
}
