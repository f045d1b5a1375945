package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/outbound"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, settings, fault string // fault is empty for good settings
	}{
		{"all", `{"url":"http://127.0.0.1:1","apiKey":"topsecret","noticeSecret":"alsosecret","timeoutMs":2500}`, ""},
		{"least", `{"url":"https://sandbox.example/api/","apiKey":"topsecret"}`, ""},
		{"who pays", `{"url":"http://h","apiKey":"topsecret","customerDetails":["firstName","email"],"documentTypes":["BR_CPF"]}`, ""},
		{"no detail", `{"url":"http://h","apiKey":"a","customerDetails":["topsecret"]}`, "customerDetails"},
		{"no document", `{"url":"http://h","apiKey":"a","documentTypes":["topsecret"]}`, "documentTypes"},
		{"unknown name", `{"url":"http://h","apiKey":"topsecret","colour":"topsecret"}`, "/colour"},
		{"other case", `{"URL":"http://h","apiKey":"topsecret"}`, "/URL"},
		{"name twice", `{"url":"http://h","apiKey":"topsecret","apiKey":"topsecret"}`, "distinct names"},
		{"wrong type", `{"url":"http://h","apiKey":7}`, "/apiKey"},
		{"no key", `{"url":"http://h"}`, "apiKey"},
		{"key with a line break", `{"url":"http://h","apiKey":"topsecret\nX: y"}`, "apiKey"},
		{"no address", `{"apiKey":"topsecret"}`, "url"},
		{"other scheme", `{"url":"ftp://h","apiKey":"topsecret"}`, "url"},
		{"address with a password", `{"url":"http://u:topsecret@h","apiKey":"topsecret"}`, "url"},
		{"address with a query", `{"url":"http://h?a=topsecret","apiKey":"topsecret"}`, "url"},
		{"secret with a space", `{"url":"http://h","apiKey":"a","noticeSecret":"topsecret topsecret"}`, "noticeSecret"},
		{"no time at all", `{"url":"http://h","apiKey":"a","timeoutMs":-1}`, "timeoutMs"},
		{"too much time", `{"url":"http://h","apiKey":"a","timeoutMs":30001}`, "timeoutMs"},
		{"part of a millisecond", `{"url":"http://h","apiKey":"a","timeoutMs":1.5}`, "timeoutMs"},
	} {
		_, err := sandbox.Type().Parse(json.RawMessage(test.settings))
		switch {
		case test.fault == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.fault == "":
		case err == nil || !strings.Contains(err.Error(), test.fault):
			t.Errorf("%s: %v, want a word on %s", test.name, err, test.fault)
		case strings.Contains(err.Error(), "topsecret"):
			t.Errorf("%s: the error shows a value: %v", test.name, err)
		}
	}
	if _, err := sandbox.Type().Parse(json.RawMessage(`{"url":"x","timeoutMs":-1}`)); err == nil ||
		!strings.Contains(err.Error(), "url") || !strings.Contains(err.Error(), "apiKey") || !strings.Contains(err.Error(), "timeoutMs") {
		t.Errorf("not all faults at once: %v", err)
	}
}

func TestTraits(t *testing.T) {
	t.Parallel()
	config, err := sandbox.Type().Parse(json.RawMessage(`{"url":"http://127.0.0.1:1","apiKey":"topsecret","timeoutMs":2500}`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Open(connector.Deps{Client: outbound.New(outbound.Options{Now: time.Now}), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	traits := c.Traits()
	if len(traits.Methods) != 7 || !traits.PreAuth || !traits.Recurring || traits.Timeout != 2500*time.Millisecond ||
		traits.MaxInFlight != time.Minute {
		t.Errorf("%+v", traits)
	}
	if text := fmt.Sprintf("%+v %#v", config, c); strings.Contains(text, "topsecret") || !strings.Contains(text, "127.0.0.1:1") {
		t.Error(text)
	}
	if _, err := config.Open(connector.Deps{}); err == nil {
		t.Error("opened without a client")
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"url":"http://h","apiKey":"k"}`))
	f.Add([]byte(`{"url":"http://h:1/x","apiKey":"k","noticeSecret":"n","timeoutMs":1}`))
	f.Add([]byte(`{"url":"http://[::1","apiKey":"\u0000"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		config, err := sandbox.Type().Parse(raw)
		if (config == nil) == (err == nil) {
			t.Errorf("%v, %v", config, err)
		}
	})
}
