// Package qr draws texts as QR codes, in SVG, as a file and in characters: the code of a PIX to scan, the address of a payment link. The symbol is made by
// a library; the picture is ours, so that it is one path, without scripts or styles, and the same for the same text.
//
// It does not know what a text is for. A page that shows a picture says beside it what it is, in words.
package qr

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"strconv"
)

// Most is the longest text that is drawn, in bytes. Beyond it the modules are too small for a phone held before a screen.
const Most = 1024

// quiet is the margin that readers need around a symbol, in modules.
const quiet = 4

// ErrText means a text that is empty, too long, or no UTF-8.
var ErrText = errors.New("not a text that a QR code is drawn of")

// SVG is the picture, black on white, of any size that a page gives it. A seventh of it may be dirty or hidden.
func SVG(text string) ([]byte, error) {
	symbol, err := encode(text)
	if err != nil {
		return nil, err
	}
	size := symbol.Bounds().Dx()
	all := size + 2*quiet
	out := fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, all, all, all, all)
	for y := range size {
		out = appendRow(out, symbol, y, size)
	}
	return append(out, `"/></svg>`...), nil
}

// appendRow draws the dark modules of a row, those side by side as one.
func appendRow(out []byte, symbol image.Image, y, size int) []byte {
	for x := 0; x < size; x++ {
		from := x
		for x < size && dark(symbol, x, y) {
			x++
		}
		if n := x - from; n > 0 {
			out = append(out, 'M')
			out = strconv.AppendInt(out, int64(from+quiet), 10)
			out = append(out, ' ')
			out = strconv.AppendInt(out, int64(y+quiet), 10)
			out = append(out, 'h')
			out = strconv.AppendInt(out, int64(n), 10)
			out = append(out, "v1h-"...)
			out = strconv.AppendInt(out, int64(n), 10)
			out = append(out, 'z')
		}
	}
	return out
}

func dark(symbol image.Image, x, y int) bool {
	return color.GrayModel.Convert(symbol.At(x, y)) == color.Gray{}
}
