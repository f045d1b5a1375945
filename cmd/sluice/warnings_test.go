package main

import (
	"strings"
	"testing"
)

// TestAServerSaysWhatDoesNotFitIt: shops that were set up for another way to run it.
func TestAServerSaysWhatDoesNotFitIt(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	keeps := f.shop("keeps")["shopId"]
	f.shop("keeps none")
	f.done("shop", "update", "--shop", keeps, "--settings", `{"cardTokens":true}`)
	serve := func(flags ...string) string {
		return start(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", f.dir, "--log-format", "text"}, flags...)...).stop().err
	}
	expect := func(log, warning, of string, times int) {
		t.Helper()
		if strings.Count(log, warning) != times || !strings.Contains(log, of) {
			t.Errorf("not %d times %q of %q in\n%s", times, warning, of, log)
		}
	}
	expect(serve(), warnVain, "", 0)
	expect(serve("--never-keep-cards"), warnVain, "shop="+keeps, 1)
	expect(serve("--demo"), warnBeside, "", 0)
	f.shop("live", "--live")
	expect(serve("--demo"), warnBeside, "live_shops=1", 1)
	expect(serve(), warnBeside, "", 0)
}
