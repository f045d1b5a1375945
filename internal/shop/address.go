package shop

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/address"
)

// Settle puts the addresses and hosts of the settings into the form in which they are used, where they can be read: with
// a scheme, and names of hosts in ASCII. It is for settings that are about to be stored, beside Check.
func (s *Settings) Settle() {
	for _, a := range s.addresses() {
		if read, err := a.read(*a.text); err == nil {
			*a.text = read.Text
		}
	}
	s.Brand.settle()
	s.settleFrames()
	for _, l := range s.places() {
		*l.entries = slices.Clone(*l.entries)
		for i, entry := range *l.entries {
			if read, err := address.Place(entry); err == nil {
				(*l.entries)[i] = read
			}
		}
	}
}

// checkAddresses reports what is wrong with the addresses and hosts, each under its name.
func (s *Settings) checkAddresses() (faults []error) {
	for _, a := range s.addresses() {
		if *a.text == "" {
			continue
		}
		if _, err := a.read(*a.text); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", a.name, err))
		}
	}
	for _, l := range s.places() {
		for _, entry := range *l.entries {
			if _, err := address.Place(entry); err != nil {
				faults = append(faults, fmt.Errorf("%s: %q %w", l.name, entry, err))
			}
		}
	}
	return faults
}

// ErrNever says why an address is refused, in words that go after the name of its field.
const ErrNever = address.Fault("must be where a server can be: nothing is ever sent to unspecified, link-local and multicast addresses, " +
	"nor to the metadata service of a cloud")

// CheckHosts refuses addresses whose host, as it is spelled, nothing may be sent to. Those that were so before are left alone,
// and so are addresses that apps have registered.
func (s *Settings) CheckHosts(before *Settings, forbidden func(host string) bool) error {
	was := before.addresses()
	for i, a := range s.addresses() {
		read, err := a.read(*a.text)
		if err != nil || !read.Web() || *a.text == *was[i].text {
			continue
		}
		if forbidden(strings.Trim(read.Host, "[]")) {
			return fmt.Errorf("settings: %s: %w", a.name, ErrNever)
		}
	}
	return nil
}

type namedAddress struct {
	name string
	text *string
	read func(string) (address.Address, error)

	posted bool // events are posted to it
}

func (s *Settings) addresses() []namedAddress {
	return []namedAddress{
		{"returnUrl", &s.ReturnURL, address.Return, false},
		{"webhookUrl", &s.WebhookURL, address.Hook, true},
		{"yandexPay.callbackUrl", &s.YandexPay.CallbackURL, address.Hook, true},
	}
}

type namedPlaces struct {
	name    string
	entries *[]string
}

func (s *Settings) places() []namedPlaces {
	return []namedPlaces{{"allowedReturnHosts", &s.AllowedReturnHosts}, {"allowedWebhookHosts", &s.AllowedWebhookHosts}}
}
