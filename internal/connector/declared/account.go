package declared

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/provider"
)

// timeoutSetting is one that every file has.
const timeoutSetting = "timeoutMs"

// asType is the declaration as an entry of the registry.
func (d *declaration) asType() connector.Type {
	settings := append(slices.Clone(d.settings), connector.Setting{Name: timeoutSetting, Shown: true, Example: "30000", Text: "how long one call may take, 1 to 30000"})
	return connector.Type{Name: d.name, Parse: d.parse, Loggable: d.loggable, Settings: settings}
}

// config is checked settings. It prints as the address alone.
type config struct {
	d        *declaration
	settings map[string]string
	base     string
	timeout  time.Duration
}

// parse reads a terminal's settings: texts, as they are declared. All faults are told at once, and none repeats a value.
func (d *declaration) parse(raw json.RawMessage) (connector.Config, error) {
	var written map[string]json.RawMessage
	if err := provider.ReadSettings(raw, &written); err != nil || written == nil {
		return nil, errors.New("settings are not one JSON object with distinct names")
	}
	c := &config{d: d, settings: map[string]string{}}
	var faults []error
	var ms int64
	for name, value := range written {
		text := ""
		switch {
		case name == timeoutSetting:
			if json.Unmarshal(value, &ms) != nil {
				faults = append(faults, fmt.Errorf("%s: a number", name))
			}
			continue
		case !slices.ContainsFunc(d.settings, func(s connector.Setting) bool { return s.Name == name }):
			faults = append(faults, fmt.Errorf("settings: %s is unknown", shortened(name)))
			continue
		case json.Unmarshal(value, &text) != nil:
			faults = append(faults, fmt.Errorf("%s: a text", name))
			continue
		}
		faults = append(faults, provider.Token(name, text))
		c.settings[name] = text
	}
	for _, s := range d.settings {
		if s.Needed && written[s.Name] == nil {
			faults = append(faults, fmt.Errorf("%s: is needed", s.Name))
		}
	}
	base, err := d.base.plain(&values{of: func(name string) string { return c.settings[name[len("settings."):]] }}, func(s string) string { return s })
	if err == nil {
		c.base, err = provider.BaseURL(base)
	}
	var late error
	c.timeout, late = provider.Timeout(ms)
	if err := errors.Join(append(faults, err, late)...); err != nil {
		return nil, err
	}
	return c, nil
}

// shortened is a name that somebody wrote, which may be a secret in the wrong place.
func shortened(name string) string {
	if !provider.Word(name, 32) {
		return "a name"
	}
	return name
}

// Addresses is the address of the provider.
func (c *config) Addresses() []string { return []string{c.base} }

// Open returns the connector. It checks nothing at the provider.
func (c *config) Open(deps connector.Deps) (connector.Connector, error) {
	if deps.Client == nil || deps.Now == nil {
		return nil, fmt.Errorf("%s needs a client and a clock", c.d.name)
	}
	log := deps.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	opened := &Declared{d: c.d, settings: c.settings, timeout: c.timeout, now: deps.Now}
	header := http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}}
	if c.d.form {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	v := opened.values(&connector.Request{}, "", "")
	for _, h := range c.d.headers {
		value, err := h.text.plain(v, func(s string) string { return s })
		if err != nil {
			return nil, fmt.Errorf("%s: header %s: %w", c.d.name, h.name, err)
		}
		header.Set(h.name, value)
	}
	opened.api = provider.API{Client: deps.Client, Name: c.d.name, Base: c.base, Header: header, Log: log}
	return opened, nil
}

// Format writes the address whatever the verb.
func (c *config) Format(f fmt.State, _ rune) { writeName(f, c.d.name, c.base) }

// LogValue is the address.
func (c *config) LogValue() slog.Value { return slog.StringValue(c.d.name + " at " + c.base) }
