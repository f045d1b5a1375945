package shop_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/shop"
)

func TestLooks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // a fault, or nothing
		`{"brand":{"name":"Кофе & Co","accent":"#1F4FD1","email":"help@shop.example","phone":"+44 (20) 7224-3688"}}`:         "",
		`{"brand":{"helpUrl":"https://shop.example/h?a=1#x","termsUrl":"shop.example/t","privacyUrl":"http://127.0.0.1/p"}}`: "",
		`{"brand":{"cards":["VISA","MIR"]}}`: "",
		`{"brand":{"name":" x"}}`:            "brand.name", `{"brand":{"name":"a\nb"}}`: "brand.name", `{"brand":{"accent":"blue"}}`: "brand.accent",
		`{"brand":{"accent":"#fff"}}`: "brand.accent", `{"brand":{"accent":"#1f4fdg"}}`: "brand.accent", `{"brand":{"accent":"#000000;x:y"}}`: "brand.accent",
		`{"brand":{"email":"Help <help@shop.example>"}}`: "brand.email", `{"brand":{"email":"a@b?bcc=c@d"}}`: "brand.email",
		`{"brand":{"email":"x"}}`: "brand.email", `{"brand":{"email":"a b@c"}}`: "brand.email", `{"brand":{"phone":"call us"}}`: "brand.phone",
		`{"brand":{"phone":"+"}}`: "brand.phone", `{"brand":{"phone":"1234567890123456789012345678901"}}`: "brand.phone",
		`{"brand":{"helpUrl":"javascript:alert(1)"}}`: "brand.helpUrl", `{"brand":{"termsUrl":"myapp://terms"}}`: "brand.termsUrl",
		`{"brand":{"privacyUrl":"https://u:p@shop.example/"}}`: "brand.privacyUrl", `{"brand":{"cards":["VISA","VISA"]}}`: "brand.cards",
		`{"brand":{"cards":["UNKNOWN"]}}`: "brand.cards", `{"brand":{"cards":["visa"]}}`: "brand.cards",

		`{"allowedFrameOrigins":["https://shop.example","http://127.0.0.1:8080"]}`: "", `{"allowedFrameOrigins":["*"]}`: "allowedFrameOrigins",
		`{"allowedFrameOrigins":["https://*.shop.example"]}`: "allowedFrameOrigins", `{"allowedFrameOrigins":["https://shop.example/pay"]}`: "allowedFrameOrigins",
		`{"allowedFrameOrigins":["https://shop.example; script-src *"]}`: "allowedFrameOrigins", `{"allowedFrameOrigins":["shop.example"]}`: "allowedFrameOrigins",
		`{"allowedFrameOrigins":["https://shop.example?x"]}`: "allowedFrameOrigins", `{"allowedFrameOrigins":["data:text/html,x"]}`: "allowedFrameOrigins",
		`{"allowedFrameOrigins":[""]}`: "allowedFrameOrigins", `{"allowedFrameOrigins":["a","a","a","a","a","a","a","a","a","a","a"]}`: "at most 10",
	} {
		s := shop.Defaults(true)
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		s.Settle()
		err := s.Check()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestLooksAreSpelledInOneWay: as browsers compare them.
func TestLooksAreSpelledInOneWay(t *testing.T) {
	t.Parallel()
	s := shop.Settings{
		Brand:               shop.Brand{Accent: "#1F4FD1", Terms: "shop.example/terms"},
		AllowedFrameOrigins: []string{"HTTPS://Shop.Example/", "https://bücher.example"},
	}
	s.Settle()
	want := shop.Settings{
		Brand:               shop.Brand{Accent: "#1f4fd1", Terms: "https://shop.example/terms"},
		AllowedFrameOrigins: []string{"https://shop.example", "https://xn--bcher-kva.example"},
	}
	if diff := cmp.Diff(want.Brand, s.Brand) + cmp.Diff(want.AllowedFrameOrigins, s.AllowedFrameOrigins); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if raw, err := json.Marshal(shop.Defaults(true)); err != nil || strings.Contains(string(raw), "brand") || strings.Contains(string(raw), "Frame") {
		t.Errorf("what nobody has set is written: %s, %v", raw, err)
	}
}
