package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/ui/asset"
)

// file is one static file, also compressed where that makes it smaller.
type file struct {
	plain, packed    []byte
	kind, tag, cache string
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
}

func newFile(name string, b []byte) file {
	sum := sha256.Sum256(b)
	f := file{plain: b, kind: kinds[path.Ext(name)], tag: `"` + hex.EncodeToString(sum[:8]) + `"`, cache: "no-cache"}
	if path.Ext(name) == ".woff2" {
		f.cache = "max-age=31536000"
		return f
	}
	var z bytes.Buffer
	g, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err == nil {
		_, err = g.Write(b)
	}
	if err == nil && g.Close() == nil && z.Len() < len(b) {
		f.packed = z.Bytes()
	}
	return f
}

func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", f.cache)
	h.Set("ETag", f.tag)
	body := f.plain
	if f.packed != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.Header.Get("Range") == "" {
			h.Set("Content-Encoding", "gzip")
			h.Set("ETag", strings.TrimSuffix(f.tag, `"`)+`-gz"`)
			body = f.packed
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// assets serves asset.FS under /asset/.
func assets() http.Handler {
	all := map[string]file{}
	err := fs.WalkDir(asset.FS, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := asset.FS.ReadFile(p)
		all["/asset/"+p] = newFile(p, b)
		return err
	})
	if err != nil {
		panic("web: read embedded assets: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := all[r.URL.Path]
		if !ok || f.kind == "" {
			http.NotFound(w, r)
			return
		}
		f.ServeHTTP(w, r)
	})
}

var millimetres = regexp.MustCompile(`\((max|min)-(height|width): (\d+)mm\)`)

// deviceCSS is the style sheet of this display: how many pixels a millimetre
// has, and the rules for small and for upright screens with the millimetres of
// their conditions turned into pixels (css/device.css).
func (s *Server) deviceCSS() http.Handler {
	b, err := asset.FS.ReadFile("css/device.css")
	if err != nil {
		panic("web: read embedded device.css: " + err.Error())
	}
	b = millimetres.ReplaceAllFunc(b, func(m []byte) []byte {
		g := millimetres.FindSubmatch(m)
		mm, _ := strconv.Atoi(string(g[3])) // digits, by the pattern
		return fmt.Appendf(nil, "(%s-%s: %dpx)", g[1], g[2], int(float64(mm)*s.c.MMPx))
	})
	css := fmt.Sprintf(":root { --mm: %.3fpx; }\n%s", s.c.MMPx, b)
	return newFile("device.css", []byte(css))
}
