package gateway

import (
	"testing"

	"github.com/sluicepay/sluice/internal/shop"
)

// MaxWaiting is maxWaiting.
const MaxWaiting = maxWaiting

// CursorAt is cursorAt.
func CursorAt(s shop.ID, position int64) string { return cursorAt(s, position) }

// Waiting is how many readers of the shop wait.
func Waiting(g *Gateway, s shop.ID) int {
	g.waiting.mu.Lock()
	defer g.waiting.mu.Unlock()
	return g.waiting.shops[s]
}

// FuzzCursor: whatever is accepted is exactly what was given out for that place of that shop.
func FuzzCursor(f *testing.F) {
	for _, position := range []int64{0, 1, 255, 1 << 40, 1<<63 - 1} {
		f.Add(cursorAt("shop", position))
	}
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAA")
	f.Add("__________________")
	f.Fuzz(func(t *testing.T, text string) {
		position, ok := parseCursor("shop", text)
		if ok && (position < 0 || cursorAt("shop", position) != text) {
			t.Errorf("%q is read as %d", text, position)
		}
		if _, both := parseCursor("another", text); ok && both {
			t.Errorf("%q is good for two shops", text)
		}
	})
}
