package checkout

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/web"
)

// Logo is a shop's picture as it is served.
type Logo struct {
	Name    string // it holds a hash of the content: see shop.Brand
	Content []byte
}

const logoPath = staticPath + "logo/"

// mostLogos bounds how many are remembered: some megabytes.
const mostLogos = 64

// logos remembers what was served. Safe for concurrent use.
type logos struct {
	read func(context.Context, shop.ID) (Logo, error)

	mu   sync.Mutex
	kept map[string]Logo // by shop and name
}

func newLogos(read func(context.Context, shop.ID) (Logo, error)) *logos {
	return &logos{read: read, kept: make(map[string]Logo)}
}

// logo is the address of a shop's picture, or empty.
func (g *Pages) logo(s *shop.Shop) string {
	if s.Settings.Brand.Logo == "" || g.logos.read == nil {
		return ""
	}
	return g.base + logoPath + string(s.ID) + "/" + s.Settings.Brand.Logo
}

// serveLogo answers with a shop's picture under its present name, and with nothing under any other: the database is read only for a
// name that the shop has.
func (g *Pages) serveLogo(w http.ResponseWriter, r *http.Request) {
	found, err := g.findLogo(r, shop.ID(r.PathValue("shop")), r.PathValue("name"))
	if err != nil {
		if !errors.Is(err, payment.ErrNotFound) && !gone(err) {
			g.logProblem(r, err)
		}
		web.SetAPIHeaders(w.Header())
		http.NotFound(w, r)
		return
	}
	kind, _ := shop.LogoKind(found.Name)
	serveFor(w, kind, found.Content)
}

func (g *Pages) findLogo(r *http.Request, sid shop.ID, name string) (Logo, error) {
	if _, ok := shop.LogoKind(name); !ok || g.logos.read == nil {
		return Logo{}, payment.ErrNotFound
	}
	key := string(sid) + "/" + name
	if found, ok := g.logos.get(key); ok {
		return found, nil
	}
	if err := g.paces.client(r, g.trusted, g.engine.Now()); err != nil {
		return Logo{}, payment.ErrNotFound
	}
	s, err := g.engine.Shop(r.Context(), sid)
	if err != nil {
		return Logo{}, err
	}
	if s.Settings.Brand.Logo != name {
		return Logo{}, payment.ErrNotFound
	}
	found, err := g.logos.read(r.Context(), sid)
	if err != nil {
		return Logo{}, err
	}
	if found.Name != name { // changed a moment ago
		return Logo{}, payment.ErrNotFound
	}
	g.logos.put(key, found)
	return found, nil
}

func (l *logos) get(key string) (Logo, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.kept[key]
	return found, ok
}

func (l *logos) put(key string, found Logo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) >= mostLogos {
		clear(l.kept)
	}
	l.kept[key] = found
}

// serveFor answers with a file that browsers may keep for ever.
func serveFor(w http.ResponseWriter, kind string, content []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	_, _ = w.Write(content) // the browser may be gone
}
