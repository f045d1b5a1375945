package shop

import (
	"encoding/json"
	"slices"
	"time"
)

// RetiredConfig is what a terminal's Config was. Calls are made by the present one; notices that the provider has signed
// as this one says are still believed for a time. It is as secret as the present one.
type RetiredConfig struct {
	Config json.RawMessage `json:"config"`
	Until  time.Time       `json:"until"`
}

// StoredConfig is what stands in the database for a terminal's Config and Retired.
type StoredConfig struct{ Config, Retired string }

// Reconfigure replaces the settings. Notices signed by the ones before are believed until then; at once not any more
// where that is not after now.
func (t *Terminal) Reconfigure(config json.RawMessage, now, until time.Time) {
	kept := slices.DeleteFunc(slices.Clone(t.Retired), func(r RetiredConfig) bool {
		return !r.Until.After(now) || string(r.Config) == string(t.Config) || string(r.Config) == string(config)
	})
	if t.Stored == nil && until.After(now) && string(t.Config) != string(config) {
		kept = append([]RetiredConfig{{t.Config, until}}, kept...)
	}
	t.Config, t.Retired, t.Stored = config, kept, nil
}
