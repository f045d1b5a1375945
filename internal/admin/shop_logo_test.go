package admin_test

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/admin"
)

// TestALogoIsGivenAndTakenAway: it is served where the settings say, stays through a change of them, and cannot be claimed by one.
func TestALogoIsGivenAndTakenAway(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		of := admin.OfShop{Shop: string(done(o, admin.OpCreateShop, admin.CreateShop{Name: "Northwind"}).Shop)}
		draw := func(size int) []byte {
			var file bytes.Buffer
			if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, size, size))); err != nil {
				t.Fatal(err)
			}
			return file.Bytes()
		}
		served := func(name string) int {
			res, err := http.Get(o.URL + "/static/checkout/logo/" + of.Shop + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			_, _ = io.Copy(io.Discard, res.Body)
			return res.StatusCode
		}
		first := done(o, admin.OpSetLogo, admin.SetLogo{OfShop: of, Picture: draw(40)})
		second := done(o, admin.OpSetLogo, admin.SetLogo{OfShop: of, Picture: draw(44)})
		if first.Logo == second.Logo || served(first.Logo) != http.StatusNotFound || served(second.Logo) != http.StatusOK {
			t.Errorf("%s: %d, %s: %d", first.Logo, served(first.Logo), second.Logo, served(second.Logo))
		}
		if s := done(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: of, Settings: `{"brand":{"name":"Nord"}}`}); s.Settings.Brand.Logo != second.Logo {
			t.Errorf("%+v", s.Settings.Brand)
		}
		refused(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: of, Settings: `{"brand":{"logo":"` + first.Logo + `"}}`}, "brand.logo")
		refused(o, admin.OpCreateShop, admin.CreateShop{Name: "x", Settings: `{"brand":{"logo":"` + first.Logo + `"}}`}, "brand.logo")
		refused(o, admin.OpSetLogo, admin.SetLogo{OfShop: of, Picture: []byte("<svg/>")}, "PNG or JPEG")
		refused(o, admin.OpSetLogo, admin.SetLogo{OfShop: admin.OfShop{Shop: "none"}, Picture: draw(1)}, `no shop "none"`)
		if done(o, admin.OpRemoveLogo, of); strings.Contains(done(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: of}).Settings.Brand.Logo, ".") {
			t.Error("the logo is still there")
		}
		done(o, admin.OpRemoveLogo, of) // again
		if strings.Contains(o.log.String(), "[137 80") || !strings.Contains(o.log.String(), `" bytes"`) && !strings.Contains(o.log.String(), " bytes") {
			t.Error("the log holds pictures, or does not tell of them")
		}
	})
}
