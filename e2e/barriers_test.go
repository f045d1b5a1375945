package e2e

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// TestNoBarriers looks with axe-core at every state of the page, on a phone and on a wide window, by day and by night, also for
// what does not fit or is too small to hit. Each state is looked at in one language and two looks, and each language comes; with
// SLUICE_TEST_BARRIERS=all every state is looked at in every language and every look.
func TestNoBarriers(t *testing.T) {
	path, axe := os.Getenv("SLUICE_TEST_CHROMIUM"), os.Getenv("SLUICE_TEST_AXE")
	if path == "" {
		setting.Missing(t, setting.Chromium, "barriers on pages: SLUICE_TEST_CHROMIUM is not set, see scripts/chromium.sh")
	}
	if axe == "" {
		setting.Missing(t, setting.Axe, "barriers on pages: SLUICE_TEST_AXE is not set, see scripts/axe.sh")
	}
	source, err := os.ReadFile(axe)
	if err != nil {
		t.Fatal(err)
	}
	whole := os.Getenv("SLUICE_TEST_BARRIERS") == "all"
	root, g := startChromium(t, path), openGallery(t)
	t.Run("what is looked for is found", func(t *testing.T) {
		b := openTab(t, root)
		b.open(g.page(t, g.strict))
		b.text(string(source) + `;(document.querySelector("label[for=number]").remove(), document.querySelector("#expiry").style.minWidth = "200vw")`)
		if found := b.promised(barriers); !strings.Contains(found, "label: ") || b.text(sideways) != "true" {
			t.Errorf("found: %q", found)
		}
	})
	for i := range states {
		s := &states[i]
		t.Run(s.name, func(t *testing.T) {
			b := openTab(t, root)
			page := s.make(t, g, b)
			for j, language := range tongues {
				if !whole && j != i%len(tongues) {
					continue
				}
				b.speak(language)
				b.look(looks[0].width, looks[0].scheme)
				b.visit(s, page)
				b.text(string(source) + `;""`)
				for k, l := range looks {
					if !whole && k != i%2 && k != 2+i%2 {
						continue
					}
					b.look(l.width, l.scheme)
					what := fmt.Sprintf("%s at %d in the %s", language, l.width, l.scheme)
					b.shot(what)
					if found := b.promised(barriers); found != "" {
						t.Errorf("%s: %s", what, found)
					}
					fits(t, b, what, l.width)
				}
				b.withLargeText(t, language)
				b.withForcedColours(t, language)
			}
		})
	}
	t.Run("keyboard", func(t *testing.T) { payByKeyboard(t, openTab(t, root), g) })
}

// withLargeText looks at the page as it is with letters of twice the size on the narrowest phone.
func (b *tab) withLargeText(t *testing.T, language string) {
	t.Helper()
	b.look(320, "light")
	b.text(`document.documentElement.style.fontSize = "200%"`)
	b.shot(language + " large")
	fits(t, b, language+" with large text", 320)
	b.text(`document.documentElement.style.fontSize = ""`)
}

// withForcedColours looks for controls that cannot be told from text, and for a focus that cannot be seen, where the system
// chooses all colours.
func (b *tab) withForcedColours(t *testing.T, language string) {
	t.Helper()
	b.media("forced-colors", "active")
	b.press("\t") // what is in focus from here on is shown so
	b.shot(language + " forced")
	if got := b.text(unmarked); got != "" {
		t.Errorf("%s with forced colours not to be seen: %s", language, got)
	}
}

const unmarked = `(() => {
	const bad = [];
	for (const e of document.querySelectorAll("button, input:not([type=hidden]), select, textarea, a, summary")) {
		if (e.matches(".offscreen, [hidden]") || e.getClientRects().length === 0) continue;
		const style = getComputedStyle(e);
		if (!e.matches("a:not(.primary, .secondary), summary, [type=checkbox]") && (style.borderTopStyle === "none" || parseFloat(style.borderTopWidth) < 1)) bad.push("edge of " + e.outerHTML.slice(0, 60));
		e.focus();
		if (document.activeElement === e && (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2)) bad.push("focus of " + e.outerHTML.slice(0, 60));
	}
	return bad.join(", ");
})()`

// payByKeyboard chooses a method, a bank, and confirms there, without a mouse.
func payByKeyboard(t *testing.T, b *tab, g *gallery) {
	b.speak("en")
	b.open(g.page(t, g.dressed, choosing))
	b.tabTo("a[href$='method=OPEN_BANKING']")
	b.press("\r")
	b.heading("Continue with your bank")
	b.tabTo("#bank")
	b.press("Rh")
	b.tabTo("button.primary")
	b.press(" ")
	b.heading("Log in at Rheinbank")
	b.tabTo("button[value=approve]")
	b.press("\r")
	b.heading("Payment successful")

	b.open(g.page(t, g.dressed, by("BLIK", "PLN")))
	b.tabTo("#blik")
	b.press("123456\r")
	b.heading("Confirm in your bank's app")

	b.open(g.page(t, g.dressed))
	b.tabTo("form.cancel button")
	b.press("\r")
	b.heading("Payment cancelled")
}

func (b *tab) press(keys string) {
	b.t.Helper()
	b.do(func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.KeyEvent(keys)) })
}

// tabTo goes from one control to the next until it is at the one named; each that it comes by can be seen to be in focus.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	for range 60 {
		b.press("\t")
		if got := b.text(unseen); got != "" {
			b.t.Errorf("in focus and not to be seen: %s", got)
		}
		if b.text(`String(document.activeElement.matches(`+strconv.Quote(selector)+`))`) == "true" {
			return
		}
	}
	b.t.Fatalf("no way to %s by keyboard", selector)
}

const unseen = `(() => {
	const e = document.activeElement, at = e.getBoundingClientRect(), style = getComputedStyle(e);
	const shown = at.width > 1 && at.height > 1 && at.bottom > 0 && at.top < innerHeight && style.outlineStyle !== "none";
	return e === document.body || shown ? "" : e.outerHTML.slice(0, 80);
})()`

// looks are windows and colours; the first two and the last two of them are of one width.
var looks = []struct {
	width  int64
	scheme string
}{{390, "light"}, {390, "dark"}, {1280, "dark"}, {1280, "light"}}

// barriers has axe look at the page, by all rules that it has, and lists what it finds.
const barriers = `axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations.map(v => v.id + ": " + v.help + ": " +
	v.nodes.map(n => n.html.slice(0, 160) + " " + n.failureSummary).join("; ")).join("\n"))`

// promised is text for an expression that promises one.
func (b *tab) promised(expression string) string {
	b.t.Helper()
	var got string
	b.do(func(ctx context.Context) (err error) {
		got, err = chromedp.Run(ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
		return err
	})
	return got
}
