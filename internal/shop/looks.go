package shop

import (
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/address"
	"github.com/sluicepay/sluice/internal/instrument"
)

// Brand is how the payment page shows the shop: what is not set there is as it is for every shop.
type Brand struct {
	Name    string `json:"name,omitempty"`   // that customers know; the shop's own where empty
	Accent  string `json:"accent,omitempty"` // colour of buttons and links, such as #1f4fd1; the page makes it readable by day and by night
	Email   string `json:"email,omitempty"`  // for questions of customers, as are the next two
	Phone   string `json:"phone,omitempty"`
	Help    string `json:"helpUrl,omitempty"`
	Terms   string `json:"termsUrl,omitempty"`
	Privacy string `json:"privacyUrl,omitempty"`
	// Cards are the brands of cards that the page names at the card's number: what the shop's contracts take. The page refuses none for it.
	Cards []instrument.Brand `json:"cards,omitempty"`
	// Logo is the name under which the page serves the shop's logo. It changes with the picture, by a command of its own.
	Logo string `json:"logo,omitempty"`
}

const (
	longestEmail = 254
	longestPhone = 30
)

func (b *Brand) check() (faults []error) {
	add := func(name string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("brand.%s: %w", name, err))
		}
	}
	if b.Name != "" {
		if err := CheckName("brand.name", b.Name); err != nil {
			faults = append(faults, err)
		}
	}
	if b.Accent != "" && !isColour(b.Accent) {
		add("accent", errors.New("must be a # and six hexadecimal digits, such as #1f4fd1"))
	}
	if b.Email != "" && !isEmail(b.Email) {
		add("email", errors.New("must be an address such as help@shop.example"))
	}
	if b.Phone != "" && !isPhone(b.Phone) {
		add("phone", errors.New("must be a number such as +44 20 7224 3688"))
	}
	for i, c := range b.Cards {
		if !c.Valid() || c == instrument.BrandUnknown || slices.Contains(b.Cards[:i], c) {
			add("cards", fmt.Errorf("%q is none of %q, or there twice", c, instrument.Brands()[:len(instrument.Brands())-1]))
		}
	}
	for _, a := range b.links() {
		if *a.text == "" {
			continue
		}
		read, err := address.Return(*a.text)
		if err == nil && !read.Web() {
			err = address.ErrHTTP
		}
		add(a.name, err)
	}
	return faults
}

type namedLink struct {
	name string
	text *string
}

func (b *Brand) links() []namedLink {
	return []namedLink{{"helpUrl", &b.Help}, {"termsUrl", &b.Terms}, {"privacyUrl", &b.Privacy}}
}

// settle puts what can be spelled in several ways into one spelling.
func (b *Brand) settle() {
	b.Accent = strings.ToLower(b.Accent)
	for _, a := range b.links() {
		if read, err := address.Return(*a.text); err == nil {
			*a.text = read.Text
		}
	}
}

func isColour(s string) bool {
	digits, ok := strings.CutPrefix(s, "#")
	return ok && len(digits) == 6 && strings.Trim(strings.ToLower(digits), "0123456789abcdef") == ""
}

func isEmail(s string) bool {
	read, err := mail.ParseAddress(s)
	return err == nil && read.Address == s && len(s) <= longestEmail && strings.Trim(s, printable) == "" && !strings.ContainsAny(s, `"%?&<>`)
}

// printable are the visible characters of ASCII.
var printable = func() string {
	var b strings.Builder
	for c := byte('!'); c <= '~'; c++ {
		b.WriteByte(c)
	}
	return b.String()
}()

func isPhone(s string) bool {
	digits := 0
	for i, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '+' && i == 0, i > 0 && strings.ContainsRune(" ()-", c), i == 0 && c == '(':
		default:
			return false
		}
	}
	return digits >= 3 && len(s) <= longestPhone
}
