package e2e

import (
	"bytes"
	"cmp"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// picture is a state of the page in a language, so wide and high, by day or by night, or on paper.
type picture struct {
	file, state, language string
	width, height         int64
	scheme                string
}

// pictures are those of docs/checkout.md.
var pictures = []picture{
	{"form-en-phone.png", "form, known customer", "en", 390, 844, "light"},
	{"form-en-wide.png", "form", "en", 1280, 860, "light"},
	{"form-de-phone.png", "form, order lines", "de", 390, 844, "dark"},
	{"form-de-wide.png", "form, order lines", "de", 1280, 860, "dark"},
	{"form-ar-phone.png", "form", "ar", 390, 844, "light"},
	{"form-ar-wide.png", "form", "ar", 1280, 860, "dark"},
	{"form-zh-phone.png", "form", "zh", 390, 844, "dark"},
	{"form-zh-wide.png", "form", "zh", 1280, 860, "light"},
	{"kept-en-phone.png", "kept cards", "en", 390, 844, "light"},
	{"faults-de-phone.png", "many faults", "de", 390, 844, "light"},
	{"blik-en-phone.png", "method, BLIK", "en", 390, 844, "light"},
	{"blik-ar-phone.png", "BLIK, in the app", "ar", 390, 844, "dark"},
	{"pix-en-phone.png", "PIX, code", "en", 390, 844, "light"},
	{"banks-de-wide.png", "method, OPEN_BANKING", "de", 1280, 860, "light"},
	{"again-en-phone.png", "declined, another try", "en", 390, 844, "light"},
	{"paid-en-phone.png", "paid", "en", 390, 844, "light"},
	{"paid-zh-wide.png", "paid, order lines", "zh", 1280, 860, "dark"},
	{"over-ar-wide.png", "time over", "ar", 1280, 860, "light"},
	{"person-en-phone.png", "form, who pays", "en", 390, 1300, "light"},
	{"person-de-wide.png", "form, who pays", "de", 1280, 1100, "dark"},
	{"apps-en-phone.png", "BLIK, apps that know the customer", "en", 390, 844, "dark"},
	{"paper-en-wide.png", "paid, order lines", "en", 794, 1123, onPaper},
}

const (
	onPaper        = "paper"
	picturesFolder = "../docs/checkout"
	mostOfPicture  = 60 << 10 // bytes
)

// TestPicturesOfThePage: the documentation shows each of the pictures, there are no others, and none is large. With
// SLUICE_TEST_PICTURES=1 they are taken anew first, as make screenshots does.
func TestPicturesOfThePage(t *testing.T) {
	if os.Getenv("SLUICE_TEST_PICTURES") == "1" {
		takePictures(t)
	}
	page, err := os.ReadFile("../docs/checkout.md")
	if err != nil {
		t.Fatal(err)
	}
	there, err := os.ReadDir(picturesFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pictures {
		raw, err := os.ReadFile(filepath.Join(picturesFolder, p.file))
		if err != nil {
			t.Error(err)
			continue
		}
		at, err := png.DecodeConfig(bytes.NewReader(raw))
		if err != nil || int64(at.Width) != p.width || len(raw) > mostOfPicture {
			t.Errorf("%s: %v, %d pixels wide, %d bytes", p.file, err, at.Width, len(raw))
		}
		if !strings.Contains(string(page), "(checkout/"+p.file+")") {
			t.Errorf("docs/checkout.md does not show %s", p.file)
		}
	}
	for _, f := range there {
		if !slices.ContainsFunc(pictures, func(p picture) bool { return p.file == f.Name() }) {
			t.Errorf("nothing takes %s", f.Name())
		}
	}
}

func takePictures(t *testing.T) {
	t.Helper()
	path := os.Getenv("SLUICE_TEST_CHROMIUM")
	if path == "" {
		t.Fatal("pictures are taken in a browser, and SLUICE_TEST_CHROMIUM is not set, see scripts/chromium.sh")
	}
	root, g := startChromium(t, path), openGallery(t)
	for _, p := range pictures {
		s := &states[slices.IndexFunc(states, func(s sees) bool { return s.name == p.state })]
		t.Run(p.file, func(t *testing.T) {
			b := openTab(t, root)
			page := s.make(t, g, b)
			b.speak(p.language)
			b.look(p.width, p.scheme)
			b.do(func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.EmulateViewport(p.width, p.height)) })
			b.visit(s, page)
			if p.scheme == onPaper {
				b.print()
			}
			b.text(`(document.activeElement.blur(), scrollTo(0, 0), "")`)
			b.do(func(ctx context.Context) error {
				taken, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
				if err == nil {
					taken, err = smaller(taken)
				}
				if err != nil {
					return err
				}
				return os.WriteFile(filepath.Join(picturesFolder, p.file), taken, 0o644)
			})
		})
	}
}

// print shows the page as it is printed.
func (b *tab) print() {
	b.t.Helper()
	b.do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	})
}

// smaller writes a picture with its 256 most frequent colours, which are nearly all that a page has.
func smaller(picture []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	often := map[color.Color]int{}
	for y := range full.Bounds().Dy() {
		for x := range full.Bounds().Dx() {
			often[full.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(often), func(a, b color.Color) int { return cmp.Compare(often[b], often[a]) })
	few := image.NewPaletted(full.Bounds(), colours[:min(len(colours), 256)])
	draw.Draw(few, full.Bounds(), full, image.Point{}, draw.Src)
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few)
	return out.Bytes(), err
}
