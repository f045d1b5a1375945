package shop

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/address"
)

// mostFrameOrigins bounds how long the policy of a page becomes.
const mostFrameOrigins = 10

// frameOrigin reads the origin of a site: a scheme, a host and, where it is not the scheme's own, a port.
func frameOrigin(text string) (string, error) {
	read, err := address.Hook(text)
	switch {
	case err != nil:
		return "", err
	case !strings.HasPrefix(strings.ToLower(text), read.Scheme+"://"):
		return "", errOrigin
	}
	origin, _ := strings.CutSuffix(read.Text, "/")
	if strings.Count(origin, "/") != 2 || strings.ContainsAny(origin, "?{}*") {
		return "", errOrigin
	}
	return strings.ToLower(origin), nil
}

const errOrigin = address.Fault("must be the origin of a site, such as https://shop.example, without a path")

func (s *Settings) checkFrames() (faults []error) {
	if len(s.AllowedFrameOrigins) > mostFrameOrigins {
		faults = append(faults, fmt.Errorf("allowedFrameOrigins: must be at most %d", mostFrameOrigins))
	}
	for _, text := range s.AllowedFrameOrigins {
		if _, err := frameOrigin(text); err != nil {
			faults = append(faults, fmt.Errorf("allowedFrameOrigins: %q %w", text, err))
		}
	}
	return faults
}

func (s *Settings) settleFrames() {
	s.AllowedFrameOrigins = slices.Clone(s.AllowedFrameOrigins)
	for i, text := range s.AllowedFrameOrigins {
		if read, err := frameOrigin(text); err == nil {
			s.AllowedFrameOrigins[i] = read
		}
	}
}
