package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config is the checked outcome of all sources.
type Config struct {
	// Data is the folder for keys and the embedded database.
	Data string
	// Database is a PostgreSQL URL, or empty for SQLite in Data.
	Database Secret
	// MasterKey says where the master key stands, as ReadPlace takes it, or is empty for the file in Data.
	MasterKey string
	// Connectors is a folder whose files *.json declare connectors, or empty.
	Connectors string
	// Listen and SimulatorListen are host:port as net.Listen takes it.
	Listen          string
	SimulatorListen string
	// MetricsListen is a host:port, or empty for no metrics page; a loopback one unless MetricsAnywhere says otherwise.
	MetricsListen   string
	MetricsAnywhere bool
	// PublicURL has a scheme and a host and no slash at its end, or is empty.
	PublicURL string
	Demo      bool
	// PrivateWebhooks lists the networks, none of them public, in which merchants' endpoints may be.
	PrivateWebhooks []netip.Prefix
	// InsecureHTTP lets live shops have addresses that are http.
	InsecureHTTP bool
	// NeverKeepCards has no number of a card be kept in the database, however short.
	NeverKeepCards bool
	ReadyFile      string
	LogLevel       slog.Level
	LogFormat      string
	TrustedProxies []netip.Prefix
	DrainDelay     time.Duration
	DrainTimeout   time.Duration
	// MaxConnections and MaxConnectionsPerAddress are 0 where they follow from the descriptors that the process may have.
	MaxConnections           int
	MaxConnectionsPerAddress int
	// AllowDebug leaves core dumps and debuggers to the system's own rules.
	AllowDebug bool
	// Warnings say what is unwise about where settings came from, one a line of the log.
	Warnings []string
}

// Secret is a text that prints as asterisks in every usual way. Reveal gives the text itself.
type Secret string

const hidden = "***"

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// String returns asterisks, or nothing for an empty secret, so that it shows whether one is set.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString does for %#v what String does for %v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// LogValue does so for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText does so for encoding/json.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
