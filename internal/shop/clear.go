package shop

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/address"
)

// Clear names the addresses of a live shop's settings to which its events go in clear. A test shop has none: what it tells
// is nobody's.
func (s *Shop) Clear() (names []string) {
	for _, a := range s.Settings.hooks() {
		if s.Live && address.Clear(*a.text) {
			names = append(names, a.name)
		}
	}
	return names
}

// CheckClear refuses addresses of a live shop's settings that would get its events in clear. Those that were so before are
// left alone: a change of something else has to be possible.
func (s *Shop) CheckClear(before *Settings) error {
	was := before.hooks()
	for i, a := range s.Settings.hooks() {
		if s.Live && address.Clear(*a.text) && *a.text != *was[i].text {
			return fmt.Errorf("settings: %s: %w", a.name, ErrClear)
		}
	}
	return nil
}

// CheckServed refuses a server, by its public address, to which customers of a live shop would send their cards in clear.
func (s *Shop) CheckServed(publicURL string) error {
	if s.Live && address.Clear(publicURL) {
		return fmt.Errorf("the public address of this server, %s, %w: set --public-url", publicURL, ErrClear)
	}
	return nil
}

// CheckCalled refuses an address that a live shop's terminal would call in clear.
func (s *Shop) CheckCalled(text string) error {
	if s.Live && address.Clear(text) {
		return fmt.Errorf("its provider's address %w", ErrClear)
	}
	return nil
}

// ErrClear says why an address of a live shop is refused, in words that go after the name of its field.
const ErrClear = address.Fault("must be an https address: this is a live shop")

// hooks are the addresses that events are posted to.
func (s *Settings) hooks() (hooks []namedAddress) {
	for _, a := range s.addresses() {
		if a.posted {
			hooks = append(hooks, a)
		}
	}
	return hooks
}
