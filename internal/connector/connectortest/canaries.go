package connectortest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// canary stands where a secret does, in a form that no setting takes.
const canary = "caNary topsecret\n"

// canaries wants each secret of the settings looked for in messages, errors and logs by all other tests, and none shown by the settings
// themselves, whether they are taken or not.
func canaries(t *testing.T, s Suite) {
	p := s.Open(t)
	var written map[string]json.RawMessage
	if err := json.Unmarshal(p.Settings(p.URL), &written); err != nil {
		t.Fatal(err)
	}
	var looked, others []string
	for _, set := range s.Type.Settings {
		if set.Shown {
			continue
		}
		if value := ""; json.Unmarshal(written[set.Name], &value) == nil && value != "" {
			if !slices.ContainsFunc(p.Secrets, func(secret string) bool { return strings.Contains(value, secret) }) {
				t.Errorf("the setting %s is secret, and nobody looks for it: Provider.Secrets has to name it, or a line of it", set.Name)
			}
			looked = append(looked, set.Name)
		} else {
			others = append(others, set.Name)
		}
		changed := map[string]any{set.Name: canary}
		for name, value := range written {
			if name != set.Name {
				changed[name] = value
			}
		}
		raw, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		config, err := s.Type.Parse(raw)
		if said := fmt.Sprintf("%v %v %+v %#v", err, config, config, config); strings.Contains(said, "caNary") {
			t.Errorf("the setting %s is shown where it has a form that it must not have", set.Name)
		}
	}
	cards := 0
	for _, secret := range newRig(t, s).secrets {
		if !slices.Contains(p.Secrets, secret) {
			cards++
		}
	}
	t.Logf("canaries: the settings %s, %d more texts, %d forms of card numbers and codes; only in settings: %s",
		strings.Join(looked, ", "), max(0, len(p.Secrets)-len(looked)), cards, strings.Join(others, ", "))
}
