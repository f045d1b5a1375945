package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// startChromium starts the browser with a profile of its own and returns its context.
func startChromium(t *testing.T, path string) context.Context {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, quit := chromedp.NewContext(allocator)
	t.Cleanup(quit)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// tab is one tab. It fails its test when a dialog opens or the browser reports a broken policy.
type tab struct {
	t    *testing.T
	root context.Context
	ctx  context.Context

	mu       sync.Mutex
	problems []string
	pages    [][2]string // headline and address of each that was shown, whether or not anybody looked in time
}

func openTab(t *testing.T, root context.Context) *tab {
	t.Helper()
	b := &tab{t: t, root: root}
	ctx, closeTab := chromedp.NewContext(root)
	b.ctx = ctx
	t.Cleanup(closeTab)
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *page.EventJavascriptDialogOpening:
			b.problems = append(b.problems, "a dialog opened: "+e.Message)
		case *log.EventEntryAdded:
			if strings.Contains(e.Entry.Text, "Content Security Policy") {
				b.problems = append(b.problems, e.Entry.Text)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.do(func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.EmulateViewport(1100, 900), chromedp.ExposeFunc("sluiceTestSees", b.sees))
	})
	b.do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: reportPage})
		return err
	})
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, problem := range b.problems {
			t.Error(problem)
		}
	})
	return b
}

// reportPage tells the test of each page that has a headline.
const reportPage = `addEventListener("DOMContentLoaded", () => {
	const headline = document.querySelector("h1");
	if (headline) sluiceTestSees([headline.textContent, location.href]);
})`

func (b *tab) sees(_ context.Context, shown [][2]string) (chromedp.Void, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pages = append(b.pages, shown...)
	return chromedp.Void{}, nil
}

// passed returns the address at which a page with that headline was shown first. It may have gone on by itself since.
func (b *tab) passed(headline string) (address string) {
	b.t.Helper()
	await(b.t, "news of the page "+strconv.Quote(headline), browserPatience, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		at := slices.IndexFunc(b.pages, func(p [2]string) bool { return p[0] == headline })
		if at >= 0 {
			address = b.pages[at][1]
		}
		return at >= 0
	})
	return address
}

func (b *tab) do(f func(context.Context) error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserPatience)
	defer cancel()
	if err := f(ctx); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) open(address string) {
	b.t.Helper()
	b.do(func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Navigate(address)) })
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))) })
}

func (b *tab) fill(id, text string) {
	b.t.Helper()
	b.text(`document.getElementById("` + id + `").value = ""`)
	b.do(func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.SendKeys(chromedp.ID(id), text)) })
}

func (b *tab) fillCard(number string) {
	b.t.Helper()
	b.fill("number", number)
	b.fill("expiry", "12/39")
	b.fill("code", "123")
	b.fill("holder", "Ada Lovelace")
}

// choose takes an entry of a list.
func (b *tab) choose(id, value string) {
	b.t.Helper()
	b.text(`document.getElementById("` + id + `").value = "` + value + `"`)
}

// has reports that the page has such an element.
func (b *tab) has(selector string) bool {
	b.t.Helper()
	return b.text(`String(document.querySelector(`+strconv.Quote(selector)+`) !== null)`) == "true"
}

// text evaluates an expression that is a string.
func (b *tab) text(expression string) string {
	b.t.Helper()
	var got string
	b.do(func(ctx context.Context) (err error) {
		got, err = chromedp.Run(ctx, chromedp.Evaluate[string](expression))
		return err
	})
	return got
}

func (b *tab) url() string { return b.text(`location.href`) }

// heading waits until a page with that headline is shown, through any redirects and reloads on the way, and returns its
// address.
func (b *tab) heading(want string) (address string) {
	b.t.Helper()
	return b.eventually("the page "+strconv.Quote(want), titled(want), `location.href`)
}

// titled is the condition that the headline of the page is so.
func titled(want string) string {
	return `document.querySelector("h1")?.textContent === ` + strconv.Quote(want)
}

// clickUntil clicks on a page that loads itself anew from time to time, and so may lose a click.
func (b *tab) clickUntil(selector, want string) {
	b.t.Helper()
	for deadline := time.Now().Add(browserPatience); time.Now().Before(deadline); {
		ctx, cancel := context.WithTimeout(b.ctx, oneLook)
		_ = chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))) // it may just be gone
		cancel()
		if _, ok := b.shows(oneLook, titled(want)); ok {
			return
		}
	}
	b.heading(want)
}

// eventually waits until a page is there in whole and fulfils a condition, and returns the texts of that very page: soon
// after it may be another.
func (b *tab) eventually(what, condition string, texts ...string) string {
	b.t.Helper()
	if got, ok := b.shows(browserPatience, condition, texts...); ok {
		return got
	}
	b.shot("missing")
	at, says := b.url(), b.text(`document.body.innerText`)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.t.Fatalf("%s did not come; at %s is %q; %q", what, at, says, b.problems)
	return ""
}

func (b *tab) shows(within time.Duration, condition string, texts ...string) (string, bool) {
	expression := `document.readyState === "complete" && (` + condition + `) ? [` + strings.Join(texts, ", ") + `].join(" ") : null`
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); <-tick.C {
		ctx, cancel := context.WithTimeout(b.ctx, oneLook)
		got, err := chromedp.Run(ctx, chromedp.Evaluate[*string](expression))
		cancel()
		if err == nil && got != nil { // an error means that the page is just being left
			return *got, true
		}
	}
	return "", false
}

// shot keeps a picture if a folder for pictures was named.
func (b *tab) shot(name string) {
	b.t.Helper()
	folder := os.Getenv("SLUICE_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	b.do(func(ctx context.Context) error {
		picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			return err
		}
		file := strings.NewReplacer("/", "-", " ", "_", ",", "").Replace(b.t.Name() + "-" + name + ".png")
		return os.WriteFile(filepath.Join(folder, file), picture, 0o600)
	})
}
