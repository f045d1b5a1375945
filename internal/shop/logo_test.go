package shop_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/shop"
)

// picture is a PNG of one colour with an edge that cannot be seen.
func picture(t *testing.T, width, height int, c color.Color) []byte {
	t.Helper()
	p := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := width / 4; x < width; x++ {
			p.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestALogoIsReadAndWrittenAnew(t *testing.T) {
	t.Parallel()
	red := color.NRGBA{200, 30, 20, 255}
	for _, tc := range []struct{ width, height, wide, high int }{{96, 96, 96, 96}, {960, 264, 480, 132}, {2048, 64, 480, 15}, {64, 2048, 4, 132}, {1, 1, 1, 1}} {
		file := append(picture(t, tc.width, tc.height, red), "<script>alert(1)</script>"...)
		name, content, err := shop.ReadLogo(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("script")) {
			t.Error("what stood behind the picture is kept")
		}
		if kind, ok := shop.LogoKind(name); !ok || kind != "image/png" {
			t.Errorf("%q is %q", name, kind)
		}
		got, err := png.Decode(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if b := got.Bounds(); b.Dx() != tc.wide || b.Dy() != tc.high {
			t.Errorf("%dx%d became %dx%d", tc.width, tc.height, b.Dx(), b.Dy())
		}
		if c := color.NRGBAModel.Convert(got.At(tc.wide-1, tc.high-1)); c != red {
			t.Errorf("the colour became %v", c)
		}
		if again, _, _ := shop.ReadLogo(file); again != name {
			t.Errorf("the same picture is %s and %s", name, again)
		}
	}
}

func TestAPictureThatIsNoLogoIsRefused(t *testing.T) {
	t.Parallel()
	fine := picture(t, 32, 32, color.White)
	noise := image.NewNRGBA(image.Rect(0, 0, 480, 132))
	seed := uint32(1)
	for i := range noise.Pix {
		seed = seed*1664525 + 1013904223
		noise.Pix[i] = byte(seed >> 24)
	}
	var dense, photo bytes.Buffer
	if err := errors.Join(png.Encode(&dense, noise), jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 40, 40)), nil)); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		file []byte
		want error
	}{
		"empty": {nil, shop.ErrLogoKind}, "SVG": {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), shop.ErrLogoKind},
		"HTML": {[]byte("<!doctype html><script>alert(1)</script>"), shop.ErrLogoKind}, "cut": {fine[:len(fine)-20], shop.ErrLogoKind},
		"a head alone": {fine[:40], shop.ErrLogoKind}, "wide": {picture(t, 2049, 1, color.White), shop.ErrLogoSize},
		"long": {make([]byte, shop.MostLogo+1), shop.ErrLogoSize}, "dense": {dense.Bytes(), shop.ErrLogoDense}, "a photo": {photo.Bytes(), nil},
		"a small one": {fine, nil},
	} {
		if _, _, err := shop.ReadLogo(tc.file); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "x.png", strings.Repeat("a", 32) + ".svg", strings.Repeat("A", 32) + ".png", strings.Repeat("a", 31) + "/.png"} {
		if _, ok := shop.LogoKind(name); ok {
			t.Errorf("%q is taken for a logo", name)
		}
	}
}
