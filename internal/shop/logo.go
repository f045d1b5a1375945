package shop

import (
	"path"
	"strings"
)

// LogoKind is the media type of a picture by the name that it is served under, which is made of 32 hexadecimal digits and an ending.
func LogoKind(name string) (kind string, ok bool) {
	hash, ending := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name)
	if len(hash) != 32 || strings.Trim(hash, "0123456789abcdef") != "" {
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
