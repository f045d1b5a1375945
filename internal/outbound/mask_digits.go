package outbound

import "github.com/sluicepay/sluice/internal/telemetry"

// MaskDigits is telemetry.MaskDigits, the one scan for card numbers, here for the callers of this package.
func MaskDigits(s string) string { return telemetry.MaskDigits(s) }
