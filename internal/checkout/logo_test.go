package checkout_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"regexp"
	"testing"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// TestALogoIsServedForEver: under a name that is its content's, and under no other.
func TestALogoIsServedForEver(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 40, 40))); err != nil {
		t.Fatal(err)
	}
	name, content, err := shop.ReadLogo(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, func(s *shop.Shop) { s.Settings.Brand.Logo = name })
	err = h.db.Update(t.Context(), func(tx *store.Tx) error {
		tx.Logos().Put(h.shop.ID, &store.Logo{Name: "other", Content: []byte("x")})
		tx.Logos().Put(h.shop.ID, &store.Logo{Name: name, Content: content})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, page := h.deposit()
	a := h.get(page)
	at := regexp.MustCompile(`<img class="logo" src="([^"]+)" alt="">`).FindStringSubmatch(a.body)
	if at == nil {
		t.Fatalf("no logo:\n%s", a.body)
	}
	a.lacks(t, `class="initial"`)
	for range 2 { // from the database, and from memory
		got := h.get(h.url + at[1])
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "image/png" || got.body != string(content) ||
			got.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%d %v", got.status, got.header)
		}
	}
	for _, other := range []string{
		"/static/checkout/logo/" + string(h.shop.ID) + "/00000000000000000000000000000000.png", "/static/checkout/logo/" + string(h.shop.ID) + "/x",
		"/static/checkout/logo/none/" + name, "/static/checkout/logo/" + name,
	} {
		if got := h.get(h.url + other); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", other, got.status)
		}
	}
}
