// Package telemetry owns what this process says about itself: the logger, which masks card numbers and secrets on the
// way out, and every metric, each declared in metrics.go with its help text and bounded labels. It also holds
// MaskDigits, the scan for card numbers that everything written for people goes through.
//
// It decides nothing and imports nothing of ours, so every package but the pure ones may use it. Start at Logger in
// log.go and Metrics in metrics.go; docs/metrics.md is printed from the latter.
package telemetry
