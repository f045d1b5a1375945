package tx

import (
	"errors"
	"os"
	"strings"
)

// bundles are where systems keep the certificates of the authorities that they know. PostgreSQL's programs look in none of
// them by themselves, and before version 16 cannot be told to by a word.
var bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// knowsRequireAuth is the version of the programs that can be told what a server may ask for.
const knowsRequireAuth = 16

// ErrToolsTellAll says that the connection may be in clear and the programs would give the password to whoever asks for it.
var ErrToolsTellAll = errors.New("the connection to the database is not protected, and PostgreSQL's client programs before version 16 would " +
	"tell the password to whoever asks for it: give the URL sslmode=verify-full, install the programs of version 16 or later, which read " +
	"older servers too, or say by require_auth=password or require_auth=md5 that it may be told")

// ToolSettings returns what PostgreSQL's own programs have to be told beside the URL so that they protect the connection as
// this program does: by themselves they go over to clear text for any server that refuses TLS. checked says that the
// server's certificate is checked though nobody has said how, see [DB.Checked]; major is the version of the programs.
// ErrToolsTellAll says that they are too old to keep the password from a server that asks for it as it is.
func ToolSettings(url string, checked bool, major int) (map[string]string, error) {
	config, err := parsePostgres(url)
	if err != nil {
		return nil, err
	}
	settings := map[string]string{}
	for name, env := range map[string]string{"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"} {
		if value := os.Getenv(env); value != "" && !inQuery(url, name) {
			settings[name] = value
		}
	}
	c := config.ConnConfig
	if !remote(&c.Config) {
		return settings, nil
	}
	if checked && !saysMode(c, url) {
		settings["sslmode"] = "verify-full"
		if settings["sslrootcert"] == "" && !inQuery(url, "sslrootcert") {
			settings["sslrootcert"] = systemAuthorities()
		}
		return settings, nil
	}
	if exposed(&c.Config) && c.RequireAuth == "" {
		if major < knowsRequireAuth {
			if c.Password != "" {
				return nil, ErrToolsTellAll
			}
			return settings, nil
		}
		settings["require_auth"] = authUnprotected
		if !saysMode(c, url) {
			settings["require_auth"] = authEstablished
		}
	}
	return settings, nil
}

func systemAuthorities() string {
	for _, path := range bundles {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return "system" // known from version 16 on; others then refuse to connect
}

// inQuery reports whether a URL gives the setting.
func inQuery(url, setting string) bool {
	_, query, _ := strings.Cut(url, "?")
	for one := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(one, "="); name == setting {
			return true
		}
	}
	return false
}
