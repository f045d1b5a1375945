package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"unicode/utf8"

	"github.com/boombuler/barcode/qr"
)

// PNG is the same picture for who needs a file: each module is so many points wide, 1 to 32.
func PNG(text string, points int) ([]byte, error) {
	modules, err := modulesOf(text)
	if err != nil || points < 1 || points > 32 {
		return nil, ErrText
	}
	size := len(modules) * points
	picture := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	for y := range size {
		for x := range size {
			if modules[y/points][x/points] {
				picture.SetColorIndex(x, y, 1)
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return nil, fmt.Errorf("draw a QR code: %w", err)
	}
	return out.Bytes(), nil
}

// Lines is the picture in half blocks, two rows of modules a line: light ones are drawn in the colour of the text, dark ones are
// left in that of the ground, so a light text on a dark ground shows it as it has to be.
func Lines(text string) ([]string, error) {
	modules, err := modulesOf(text)
	if err != nil {
		return nil, err
	}
	lines := make([]string, 0, len(modules)/2+1)
	for y := 0; y < len(modules); y += 2 {
		var line strings.Builder
		for x := range modules {
			upper, lower := !modules[y][x], y+1 < len(modules) && !modules[y+1][x]
			switch {
			case upper && lower:
				line.WriteRune('█')
			case upper:
				line.WriteRune('▀')
			case lower:
				line.WriteRune('▄')
			default:
				line.WriteByte(' ')
			}
		}
		lines = append(lines, line.String())
	}
	return lines, nil
}

// modulesOf are the modules of the symbol with its margin; true is dark.
func modulesOf(text string) ([][]bool, error) {
	symbol, err := encode(text)
	if err != nil {
		return nil, err
	}
	size := symbol.Bounds().Dx()
	rows := make([][]bool, size+2*quiet)
	for y := range rows {
		rows[y] = make([]bool, size+2*quiet)
	}
	for y := range size {
		for x := range size {
			rows[y+quiet][x+quiet] = dark(symbol, x, y)
		}
	}
	return rows, nil
}

func encode(text string) (image.Image, error) {
	if text == "" || len(text) > Most || !utf8.ValidString(text) {
		return nil, ErrText
	}
	symbol, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, ErrText // the library's own error repeats the text
	}
	return symbol, nil
}
