package checkout

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/sluicepay/sluice/internal/web"
)

//go:embed templates/*.html static/*
var files embed.FS

const staticPath = "/static/checkout/"

// assets are the parsed templates, one set a page, and the files that pages load. The name of such a file holds a
// hash of its content, so browsers may keep it for ever.
type assets struct {
	pages       map[string]*template.Template
	style, icon *asset
	scripts     map[string]script
	byName      map[string]*asset
}

type asset struct {
	path, kind string
	content    []byte
}

func loadAssets() *assets {
	a := &assets{pages: make(map[string]*template.Template), byName: make(map[string]*asset)}
	layout := template.Must(template.New("").Funcs(template.FuncMap{"judged": judged}).ParseFS(files, "templates/layout.html", "templates/field.html", "templates/sign.html", "templates/mark.html", "templates/news.html", "templates/order.html", "templates/left.html", "templates/other.html",
		"templates/shop.html"))
	for _, pattern := range []string{"problem.html", "payment_*.html", "method_*.html"} {
		found, err := fs.Glob(files, "templates/"+pattern)
		if err != nil {
			panic(fmt.Sprintf("checkout: %v", err))
		}
		for _, name := range found {
			set := template.Must(layout.Clone())
			a.pages[strings.TrimSuffix(path.Base(name), ".html")] = template.Must(set.ParseFS(files, name))
		}
	}
	a.style = a.load("checkout.css", "text/css; charset=utf-8")
	a.icon = a.load("icon.svg", "image/svg+xml")
	a.loadScripts()
	return a
}

// judged lets a template link to an address that isReturn accepted: by themselves templates know no schemes of apps.
func judged(address string) template.URL {
	if !isReturn(address) {
		return ""
	}
	return template.URL(address) //nolint:gosec // see above
}

func (a *assets) load(name, kind string) *asset {
	content, err := files.ReadFile("static/" + name)
	if err != nil {
		panic(fmt.Sprintf("checkout: %v", err))
	}
	hash := sha256.Sum256(content)
	ending := path.Ext(name)
	hashed := strings.TrimSuffix(name, ending) + "." + hex.EncodeToString(hash[:8]) + ending
	loaded := &asset{path: staticPath + hashed, kind: kind, content: content}
	a.byName[hashed] = loaded
	return loaded
}

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	file, ok := a.byName[r.PathValue("name")]
	if !ok {
		web.SetAPIHeaders(w.Header())
		http.NotFound(w, r)
		return
	}
	serveFor(w, file.kind, file.content)
}
