package simulator_test

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// told is what a transaction tells of the authentication.
func told(r reply, name string) string {
	all, _ := r.body["threeDS"].(object)
	text, _ := all[name].(string)
	return text
}

// TestThreeDSecure walks every way in which an issuer can answer, by card.
func TestThreeDSecure(t *testing.T) {
	t.Parallel()
	type step struct {
		decision string
		status   int
	}
	pays := []step{{"approve", 200}}
	for _, c := range []struct {
		number           string
		steps            []step
		code, auth, flow string
		eci, exemption   string
	}{
		{"4000000000300014", nil, "00", "Y", "frictionless", "05", ""},
		{"5555000000300010", nil, "00", "Y", "frictionless", "02", ""},
		{"4000000000300022", nil, "00", "A", "frictionless", "06", ""},
		{"5555000000300028", nil, "00", "A", "frictionless", "01", ""},
		{"4000000000300030", nil, "T01", "N", "frictionless", "07", ""},
		{"4000000000300048", nil, "T04", "R", "frictionless", "07", ""},
		{"4000000000300055", nil, "00", "U", "frictionless", "07", ""},
		{"4000000000300063", nil, "00", "I", "frictionless", "07", "tra"},
		{"4000000000300071", []step{{"device", 200}, {"approve", 200}}, "00", "Y", "challenge", "05", ""},
		{"4000000000300071", []step{{"device", 200}, {"device", 200}, {"decline", 200}}, "T01", "N", "challenge", "07", ""},
		{"4000000000300071", pays, "00", "Y", "challenge", "05", ""},
		{"4000000000300089", pays, "00", "A", "challenge", "06", ""},
		{"4000000000300097", pays, "T02", "", "", "", ""},
		{"4000008400001280", pays, "T03", "U", "challenge", "07", ""},
		{"4000000000000002", pays, "00", "Y", "challenge", "05", ""},
		{"5555000000000008", pays, "00", "Y", "challenge", "02", ""},
		{"5555000000000008", []step{{"decline", 200}}, "T01", "N", "challenge", "00", ""},
		{"4000000000000002", []step{{"cancel", 200}}, "C01", "", "", "", ""},
		{"4000000000000408", nil, "00", "", "", "", ""},
	} {
		s := newSandbox(t)
		r := s.post("/v1/payments", payment("ref", "10", "card", card(c.number), "returnUrl", nil))
		if asked := r.str("status") == "requires_action"; asked != (c.steps != nil) || asked && told(r, "status") != "" {
			t.Errorf("%s: %s", c.number, r.raw)
			continue
		}
		for _, step := range c.steps {
			if got := s.decide(r.str("actionUrl"), step.decision); got.status != step.status {
				t.Errorf("%s: %s is answered %d", c.number, step.decision, got.status)
			}
		}
		got := s.byReference("ref")
		if got.str("responseCode") != c.code || told(got, "status") != c.auth || told(got, "flow") != c.flow ||
			told(got, "eci") != c.eci || told(got, "exemption") != c.exemption {
			t.Errorf("%s: %s", c.number, got.raw)
		}
		value, err := base64.StdEncoding.DecodeString(told(got, "authenticationValue"))
		if proves := c.auth == "Y" || c.auth == "A"; err != nil || proves != (len(value) == 20) {
			t.Errorf("%s: value %q", c.number, value)
		}
		uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
		for _, name := range []string{"threeDSServerTransID", "dsTransID", "acsTransID"} {
			if id := told(got, name); c.auth != "" && !uuid.MatchString(id) {
				t.Errorf("%s: %s %q", c.number, name, id)
			}
		}
	}
}

// TestTheIssuerLooksAtTheDevice in a frame of its own, which shows nothing, before it asks; asking back changes nothing.
func TestTheIssuerLooksAtTheDevice(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	action := s.post("/v1/payments", payment("ref", "10", "card", card("4000000000300071"))).str("actionUrl")
	page := s.do(http.MethodGet, strings.TrimPrefix(action, s.url), nil)
	if page.status != 200 || !strings.Contains(string(page.raw), `src="/pay/device"`) || strings.Contains(string(page.raw), `value="approve"`) {
		t.Errorf("%s", page.raw)
	}
	frame := s.do(http.MethodGet, "/pay/device", nil)
	if frame.status != 200 || !strings.Contains(frame.header.Get("Content-Security-Policy"), "frame-ancestors 'self'") {
		t.Errorf("%d %v", frame.status, frame.header)
	}
	s.decide(action, "device")
	page = s.do(http.MethodGet, strings.TrimPrefix(action, s.url), nil)
	if strings.Contains(string(page.raw), "/pay/device") || !strings.Contains(string(page.raw), `value="approve"`) {
		t.Errorf("%s", page.raw)
	}
	if got := s.byReference("ref").str("status"); got != "requires_action" {
		t.Errorf("%s", got)
	}
}
