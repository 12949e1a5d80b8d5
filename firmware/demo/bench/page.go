package bench

import (
	"embed"
	"html/template"
	"io/fs"
	"net/http"

	"github.com/penjire/penjire/ui/asset"
)

//go:embed page
var pageFS embed.FS

var index = template.Must(template.ParseFS(pageFS, "page/index.html"))

// pages serves the bench's page and what it is drawn with.
func (b *Bench) pages(m *http.ServeMux) {
	own, err := fs.Sub(pageFS, "page")
	if err != nil {
		panic(err) // the name is constant and embedded
	}
	m.Handle("GET /page/", http.StripPrefix("/page/", http.FileServerFS(own)))
	m.Handle("GET /asset/", http.StripPrefix("/asset/", http.FileServerFS(asset.FS)))
	policy := "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
		"frame-src " + b.screenURL() + "; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Type", "text/html; charset=utf-8")
		_ = index.Execute(w, map[string]string{ // the asker may have gone
			"Kiosk": b.screenURL(), "Portal": b.publicURL(), "Desk": b.publicURL() + "desk/", "Dir": b.world.Dir,
		})
	})
}
