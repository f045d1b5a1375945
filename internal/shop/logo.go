package shop

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"path"
	"strings"
)

// Limits of a picture that is given, and of what is kept of it.
const (
	MostLogo       = 512 << 10 // bytes
	mostLogoSide   = 2048      // pixels
	keptLogoWidth  = 480       // pixels: three for each that the page shows
	keptLogoHeight = 132
	mostKeptLogo   = 48 << 10 // bytes
	logoQuality    = 85       // of a JPEG
)

// Errors of ReadLogo, in words for an operator.
var (
	ErrLogoKind  = errors.New("the logo must be a PNG or JPEG picture that can be read to its end")
	ErrLogoSize  = fmt.Errorf("the logo must be at most %d KiB, %d pixels wide and %d high", MostLogo>>10, mostLogoSide, mostLogoSide)
	ErrLogoDense = fmt.Errorf("the logo is above %d KiB in the size that is kept of it: give one with fewer colours", mostKeptLogo>>10)
)

// ReadLogo makes of a picture what is kept and served: it is read pixel by pixel, made as small as the page shows it, and written anew, so
// that nothing else which a file can hold gets to a browser. What it is is told by its content.
func ReadLogo(file []byte) (name string, content []byte, err error) {
	if len(file) > MostLogo {
		return "", nil, ErrLogoSize
	}
	decode := png.Decode
	bounds, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		decode = jpeg.Decode
		if bounds, err = jpeg.DecodeConfig(bytes.NewReader(file)); err != nil {
			return "", nil, ErrLogoKind
		}
	}
	if bounds.Width > mostLogoSide || bounds.Height > mostLogoSide {
		return "", nil, ErrLogoSize
	}
	picture, err := decode(bytes.NewReader(file))
	if err != nil {
		return "", nil, ErrLogoKind
	}
	small := shrunk(picture)
	var out bytes.Buffer
	ending := ".png"
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		return "", nil, fmt.Errorf("write the logo: %w", err)
	}
	if out.Len() > mostKeptLogo && small.Opaque() {
		ending = ".jpg"
		out.Reset()
		if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: logoQuality}); err != nil {
			return "", nil, fmt.Errorf("write the logo: %w", err)
		}
	}
	if out.Len() > mostKeptLogo {
		return "", nil, ErrLogoDense
	}
	sum := sha256.Sum256(out.Bytes())
	return hex.EncodeToString(sum[:logoHash/2]) + ending, out.Bytes(), nil
}

// shrunk is the picture in the size that is kept, each pixel the mean of those that it stands for.
func shrunk(from image.Image) *image.NRGBA {
	b := from.Bounds()
	width, height := b.Dx(), b.Dy()
	if width > keptLogoWidth {
		width, height = keptLogoWidth, max(1, height*keptLogoWidth/width)
	}
	if height > keptLogoHeight {
		width, height = max(1, width*keptLogoHeight/height), keptLogoHeight
	}
	to := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			part := image.Rect(x*b.Dx()/width, y*b.Dy()/height, (x+1)*b.Dx()/width, (y+1)*b.Dy()/height)
			to.SetNRGBA(x, y, mean(from, part.Add(b.Min)))
		}
	}
	return to
}

// mean is the colour of a part of a picture. What cannot be seen has no part in it.
func mean(from image.Image, part image.Rectangle) color.NRGBA {
	var r, g, b, a, n uint64
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			pr, pg, pb, pa := from.At(x, y).RGBA() // multiplied by pa already
			r, g, b, a, n = r+uint64(pr), g+uint64(pg), b+uint64(pb), a+uint64(pa), n+1
		}
	}
	if a == 0 || n == 0 {
		return color.NRGBA{}
	}
	of := func(sum uint64) uint8 { return uint8((sum*255 + a/2) / a) }          // sum is at most a
	return color.NRGBA{of(r), of(g), of(b), uint8((a/n*255 + 0x7fff) / 0xffff)} // of 0xffff at most
}

const logoHash = 32 // hexadecimal digits

// LogoKind is the media type of a picture by the name that it is served under: digits of its hash, and an ending.
func LogoKind(name string) (kind string, ok bool) {
	ending := path.Ext(name)
	hash := strings.TrimSuffix(name, ending)
	if len(hash) != logoHash || strings.Trim(hash, "0123456789abcdef") != "" {
		return "", false
	}
	switch ending {
	case ".png":
		return "image/png", true
	case ".jpg":
		return "image/jpeg", true
	}
	return "", false
}
