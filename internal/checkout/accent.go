package checkout

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"sync"
)

// accent is a shop's colour as a page has it: a style element, and the hash by which the page's policy allows that.
type accent struct {
	element template.HTML
	hash    string
}

// colour is red, green and blue, each from 0 to 1.
type colour [3]float64

// Contrasts of the guidelines: of text with its ground, and of a control with what is around it.
const (
	contrastText    = 4.5
	contrastControl = 3.0
)

// Grounds of texts by day and by night, the one with the least contrast each, as checkout.css has them.
var (
	dayGround, nightGround = mustColour("#f3f5f8"), mustColour("#202b45")
	white, black           = mustColour("#ffffff"), mustColour("#000000")
	dayTint, nightTint     = mustColour("#ffffff"), mustColour("#181d26")
	accents                sync.Map // by the colour as it is set; as many as shops have set
)

// accentOf makes a colour that a shop has set readable: a button has it as it is, with white or black text, whichever can be read better,
// and an edge by which it stands out; as the colour of text it is darkened by day and lightened by night until it can be read. Nil for
// what is no colour.
func accentOf(text string) *accent {
	if text == "" {
		return nil
	}
	if made, ok := accents.Load(text); ok {
		return made.(*accent) //nolint:errcheck,forcetypeassert // nothing else is in it
	}
	c, ok := parseColour(text)
	if !ok {
		return nil
	}
	style := ":root{" + c.variables(dayGround, dayTint, black) + "}@media (prefers-color-scheme:dark){:root{" + c.variables(nightGround, nightTint, white) + "}}"
	made := &accent{template.HTML("<style>" + style + "</style>"), sourceHash([]byte(style))} //nolint:gosec // made of numbers
	accents.Store(text, made)
	return made
}

// variables are those of checkout.css on a ground, towards whose opposite colours are moved.
func (c colour) variables(ground, panel, opposite colour) string {
	tint := panel.mix(c, 0.12)
	link := c.until(ground, opposite, contrastText).until(tint, opposite, contrastText)
	on := c.text()
	strong := c.mix(on.other(), 0.14)
	return fmt.Sprintf("--accent:%s;--accent-edge:%s;--accent-strong:%s;--on-accent:%s;--link:%s;--tint:%s",
		c, c.until(panel, opposite, contrastControl), strong, on, link, tint)
}

// text is the colour in which text on c is read best.
func (c colour) text() colour {
	if contrast(c, white) >= contrast(c, black) {
		return white
	}
	return black
}

// other is what a button is moved to when it is pointed at: away from its text, so that the contrast grows.
func (c colour) other() colour {
	if c == white {
		return black
	}
	return white
}

// until moves c towards another colour until it has the contrast with the ground.
func (c colour) until(ground, towards colour, least float64) colour {
	moved := c
	for share := 0.0; contrast(moved.rounded(), ground) < least && share < 1; {
		share += 0.02
		moved = c.mix(towards, min(share, 1))
	}
	return moved.rounded()
}

func (c colour) mix(other colour, share float64) (mixed colour) {
	for i := range c {
		mixed[i] = c[i] + (other[i]-c[i])*share
	}
	return mixed.rounded()
}

// rounded is c as it is written.
func (c colour) rounded() colour {
	for i := range c {
		c[i] = math.Round(c[i]*255) / 255
	}
	return c
}

// String writes the colour as style sheets do.
func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c[0]*255)), int(math.Round(c[1]*255)), int(math.Round(c[2]*255)))
}

// contrast is that of the Web Content Accessibility Guidelines, from 1 to 21.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func (c colour) luminance() float64 {
	var parts [3]float64
	for i, v := range c {
		if v <= 0.04045 {
			parts[i] = v / 12.92
		} else {
			parts[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*parts[0] + 0.7152*parts[1] + 0.0722*parts[2]
}

func parseColour(text string) (c colour, ok bool) {
	if len(text) != len("#rrggbb") || text[0] != '#' {
		return c, false
	}
	n, err := strconv.ParseUint(text[1:], 16, 32)
	if err != nil {
		return c, false
	}
	return colour{float64(n>>16) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}, true
}

func mustColour(text string) colour {
	c, ok := parseColour(text)
	if !ok {
		panic("checkout: " + text)
	}
	return c
}
