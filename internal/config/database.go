package config

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// errSpecial is said of a database URL that means something else than it seems to. PostgreSQL's own programs cut it at the
// first @ or /, and would look up a host that is a piece of the password.
var errSpecial = errors.New("has a character in its user name or password that means something in a URL: " +
	"write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25, [ as %5B, ] as %5D and a blank as %20")

// setDatabase checks the form that PostgreSQL has for its URLs, with several hosts, and never repeats a part of it, which
// may be a part of the password.
func setDatabase(c *Config, s string) error {
	scheme, rest, _ := strings.Cut(s, "://")
	if scheme != "postgres" && scheme != "postgresql" {
		return errors.New("must be a URL that begins with postgres://")
	}
	if strings.Contains(rest, "#") || strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r == 0x7f }) || !escaped(rest) {
		return errSpecial
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, name, _ := strings.Cut(rest, "/")
	user, hosts, given := strings.Cut(authority, "@")
	if !given {
		user, hosts = "", authority
	}
	settings, err := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B"))
	if strings.Contains(hosts+name, "@") || strings.ContainsAny(user, "[]") || !given && strings.Contains(query, "@") && !settings.Has("user") {
		return errSpecial
	}
	fault := checkHosts(hosts)
	switch {
	case fault != nil:
		return fault
	case err != nil || query != "" && strings.Count(query, "=") < strings.Count(query, "&")+1:
		return errors.New("must have settings as name=value after its ?, with & between them")
	case hosts == "" && settings.Get("host") == "":
		return errors.New("must name a host")
	case name == "" && settings.Get("dbname") == "" && settings.Get("database") == "":
		return errors.New("must name a database after the host")
	}
	c.Database = Secret(s)
	return nil
}

// checkHosts reads hosts with their ports, separated by commas.
func checkHosts(hosts string) error {
	for one := range strings.SplitSeq(hosts, ",") {
		host := one
		if at := strings.LastIndexByte(one, ':'); at > strings.LastIndexByte(one, ']') {
			host = one[:at]
			if n, err := strconv.ParseUint(one[at+1:], 10, 16); err != nil || n == 0 { // it may be the beginning of a password
				return errors.New("must have a port from 1 to 65535 where it has one, and special characters of its user name and password written as %40 for @, %2F for / and so on")
			}
		}
		bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		if host != bare && host != "["+bare+"]" || host == bare && strings.Contains(host, ":") || bare == "" && hosts != "" {
			return errors.New("must have hosts such as db.example, db.example:5432 or [2001:db8::1], with commas between them")
		}
	}
	return nil
}

// escaped reports that every % has two hexadecimal digits after it.
func escaped(s string) bool {
	_, err := url.PathUnescape(s)
	return err == nil
}
