package checkout

import (
	"fmt"
	"regexp"
	"testing"
)

// TestEveryColourCanBeRead: of the button's text on the button, also when it is pointed at, and of links on every ground.
func TestEveryColourCanBeRead(t *testing.T) {
	t.Parallel()
	variable := regexp.MustCompile(`--([a-z-]+):(#[0-9a-f]{6})`)
	for r := 0; r <= 255; r += 17 {
		for g := 0; g <= 255; g += 17 {
			for b := 0; b <= 255; b += 17 {
				c := colour{float64(r) / 255, float64(g) / 255, float64(b) / 255}
				for scheme, set := range map[string]struct{ ground, panel, opposite colour }{
					"day": {dayGround, dayTint, black}, "night": {nightGround, nightTint, white},
				} {
					v := map[string]colour{}
					for _, m := range variable.FindAllStringSubmatch(c.variables(set.ground, set.panel, set.opposite), -1) {
						v[m[1]] = mustColour(m[2])
					}
					for what, pair := range map[string]struct {
						a, b  colour
						least float64
					}{
						"text on the button": {v["on-accent"], v["accent"], contrastText}, "pointed at": {v["on-accent"], v["accent-strong"], contrastText},
						"a link on the panel": {v["link"], set.panel, contrastText}, "a link on the page": {v["link"], set.ground, contrastText},
						"a link on the tint": {v["link"], v["tint"], contrastText}, "the edge of the button": {v["accent-edge"], set.panel, contrastControl},
					} {
						if got := contrast(pair.a, pair.b); got < pair.least {
							t.Fatalf("%s by %s: %s is %.2f", c, scheme, what, got)
						}
					}
				}
			}
		}
	}
	if a := accentOf("#ffffff\n"); a != nil {
		t.Error(a)
	}
	if got := fmt.Sprintf("%.2f", contrast(white, mustColour("#767676"))); got != "4.54" {
		t.Errorf("the contrast is %s", got)
	}
}
