package qr_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sluicepay/sluice/internal/qr"
	"github.com/sluicepay/sluice/internal/testkit/golden"
)

const brCode = "00020101021226700014br.gov.bcb.pix2548pix.example.com/8b3da2f39a4140d1a91abd93113bd4415204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***630464E4"

// TestPictures holds them against those in testdata, which another program has read: it found the texts.
func TestPictures(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"pix": brCode, "link": "https://pay.example/l/8fQ2", "digits": "01234567", "capitals": "PAY HERE/1", "other": "Оплата é 文", "long": strings.Repeat("0123456789abcdef", 32),
	} {
		got, err := qr.SVG(text)
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, "testdata/"+name+".svg", got)
	}
}

var run = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// modules reads the dark modules of a picture, and demands that it is nothing but they on white.
func modules(t testing.TB, picture []byte) (dark map[[2]int]bool, size int) {
	t.Helper()
	var svg struct {
		Box   string `xml:"viewBox,attr"`
		Paths []struct {
			D    string `xml:"d,attr"`
			Fill string `xml:"fill,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(picture, &svg); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(svg.Box, "0 0 %d %d", &size, &size); err != nil || len(svg.Paths) != 2 || svg.Paths[0].Fill != "#fff" {
		t.Fatalf("a picture of %s with %d paths: %v", svg.Box, len(svg.Paths), err)
	}
	if left := run.ReplaceAllString(svg.Paths[1].D, ""); left != "" {
		t.Fatalf("%q is drawn, too", left)
	}
	dark = map[[2]int]bool{}
	for _, m := range run.FindAllStringSubmatch(svg.Paths[1].D, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		if m[3] != m[4] {
			t.Fatalf("%s is open", m[0])
		}
		for i := range n {
			dark[[2]int{x + i, y}] = true
		}
	}
	return dark, size
}

// TestWhatReadersLookFor: the three corners, the margin around them, and the size of a version of the standard.
func TestWhatReadersLookFor(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1", brCode, strings.Repeat("a", qr.Most)} {
		picture, err := qr.SVG(text)
		if err != nil {
			t.Fatal(err)
		}
		dark, size := modules(t, picture)
		if n := size - 8; n < 21 || (n-17)%4 != 0 {
			t.Errorf("%d modules for %d bytes", n, len(text))
		}
		for at := range dark {
			if at[0] < 4 || at[1] < 4 || at[0] >= size-4 || at[1] >= size-4 {
				t.Errorf("%v is in the margin", at)
			}
		}
		for _, corner := range [][2]int{{4, 4}, {size - 11, 4}, {4, size - 11}} {
			for y := range 7 {
				for x := range 7 {
					ring := x == 0 || y == 0 || x == 6 || y == 6
					heart := x >= 2 && x <= 4 && y >= 2 && y <= 4
					if dark[[2]int{corner[0] + x, corner[1] + y}] != (ring || heart) {
						t.Fatalf("no corner at %v", corner)
					}
				}
			}
		}
	}
}

func TestTextsThatAreNotDrawn(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\xff", strings.Repeat("a", qr.Most+1)} {
		if picture, err := qr.SVG(text); !errors.Is(err, qr.ErrText) || picture != nil {
			t.Errorf("%.10q: %v", text, err)
		}
	}
}

// TestAtOnce: pages of many customers are made side by side.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	want, err := qr.SVG(brCode)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 4 {
				if got, err := qr.SVG(brCode); err != nil || string(got) != string(want) {
					t.Errorf("another picture, %v", err)
				}
			}
		})
	}
	all.Wait()
}

func FuzzSVG(f *testing.F) {
	for _, seed := range []string{"1", "A", brCode, "文"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		picture, err := qr.SVG(text)
		if err != nil {
			if !errors.Is(err, qr.ErrText) {
				t.Error(err)
			}
			return
		}
		if dark, size := modules(t, picture); len(dark) == 0 || size < 29 {
			t.Errorf("%d of %d modules are dark", len(dark), size)
		}
	})
}

func BenchmarkSVG(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := qr.SVG(brCode); err != nil {
			b.Fatal(err)
		}
	}
}
