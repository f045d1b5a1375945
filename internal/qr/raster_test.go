package qr_test

import (
	"bytes"
	"image/png"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/qr"
)

// TestAllPicturesShowTheSame: what another program has read in one form stands in the others, module by module.
func TestAllPicturesShowTheSame(t *testing.T) {
	t.Parallel()
	for _, text := range []string{brCode, "https://pay.example/l/8fQ2", "1", strings.Repeat("0123456789abcdef", 64)} {
		svg, err := qr.SVG(text)
		if err != nil {
			t.Fatal(err)
		}
		dark, size := modules(t, svg)
		const points = 3
		raw, err := qr.PNG(text, points)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(raw))
		if err != nil || picture.Bounds().Dx() != size*points || picture.Bounds().Dy() != size*points {
			t.Fatalf("%v, %v", picture.Bounds(), err)
		}
		lines, err := qr.Lines(text)
		if err != nil || len(lines) != (size+1)/2 {
			t.Fatalf("%d lines of %d modules, %v", len(lines), size, err)
		}
		for y := range size {
			row := []rune(lines[y/2])
			for x := range size {
				want := dark[[2]int{x, y}]
				for _, at := range [][2]int{{0, 0}, {points - 1, points - 1}} {
					if r, _, _, _ := picture.At(x*points+at[0], y*points+at[1]).RGBA(); (r == 0) != want {
						t.Fatalf("the file at %d, %d", x, y)
					}
				}
				light := row[x] == '█' || y%2 == 0 && row[x] == '▀' || y%2 == 1 && row[x] == '▄'
				if light == want {
					t.Fatalf("the line at %d, %d", x, y)
				}
			}
		}
	}
	for _, text := range []string{"", "\xff", strings.Repeat("x", qr.Most+1)} {
		if _, err := qr.PNG(text, 1); err == nil {
			t.Errorf("a file of %.20q", text)
		}
		if _, err := qr.Lines(text); err == nil {
			t.Errorf("lines of %.20q", text)
		}
	}
	for _, points := range []int{0, -1, 33} {
		if _, err := qr.PNG("x", points); err == nil {
			t.Errorf("%d points", points)
		}
	}
}
