package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/time/rate"
)

//go:embed static
var static embed.FS

// sheetURL is the style sheet's address with a part of its digest, so that a
// browser may keep it for ever and still sees a new one at once.
var sheetURL = func() string {
	b, err := static.ReadFile("static/portal.css")
	if err != nil {
		return "/asset/portal.css"
	}
	d := sha256.Sum256(b)
	return "/asset/portal.css?v=" + hex.EncodeToString(d[:6])
}()

// Assets serves /asset/: the portal's own style sheet, and beside it the fonts
// and the ornament out of shared (ui/asset, handed in because sync does not
// import ui). Without shared the pages fall back to the reader's own fonts.
func Assets(shared fs.FS) http.Handler {
	own, err := fs.Sub(static, "static")
	if err != nil { // only for an invalid path, and "static" is none
		own = static
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/asset/")
		src := own
		if _, err := fs.Stat(own, name); err != nil {
			src = shared
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		if i := strings.LastIndexByte(name, '.'); src == nil || i < 0 {
			http.NotFound(w, r)
			return
		} else if t, ok := mediaTypes[name[i:]]; ok {
			h.Set("Content-Type", t)
		} else {
			http.NotFound(w, r) // nothing but what a page needs
			return
		}
		h.Set("Cache-Control", "public, max-age=86400")
		http.ServeFileFS(w, r, src, name)
	})
}

// mediaTypes are written out: the system's table differs between machines.
var mediaTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".svg":   "image/svg+xml",
	".woff2": "font/woff2",
	".png":   "image/png",
}

// Policy is the Content-Security-Policy of every page: no script at all.
const Policy = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Guard wraps h with the headers of every page, refuses posts that come from
// other sites, and lets no request body grow beyond 64 KiB.
func Guard(h http.Handler) http.Handler { return GuardUpload(h, 64<<10) }

// GuardUpload is Guard for a handler that takes a file: no body is larger than
// most bytes.
func GuardUpload(h http.Handler, most int64) http.Handler {
	h = http.NewCrossOriginProtection().Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := w.Header()
		d.Set("Content-Security-Policy", Policy)
		d.Set("Cache-Control", "no-store")
		d.Set("X-Content-Type-Options", "nosniff")
		d.Set("Referrer-Policy", "no-referrer")
		d.Set("Cross-Origin-Opener-Policy", "same-origin")
		d.Set("Cross-Origin-Resource-Policy", "same-origin")
		d.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		r.Body = http.MaxBytesReader(w, r.Body, most)
		h.ServeHTTP(w, r)
	})
}

// langCookie keeps the language. It says nothing else about the reader.
const langCookie = "lang"

var matcher = language.NewMatcher([]language.Tag{
	language.Make("tk"), language.Russian, language.English,
})

// Lang returns the language of a request: what ?lang= or the form's lang field
// says (and keeps it in a cookie), else the cookie, else what the browser asks
// for, else Turkmen. Call it before anything is written.
func Lang(w http.ResponseWriter, r *http.Request) string {
	asked := r.URL.Query().Get("lang")
	// A form with a file is not read here: that would put the file on the disk.
	if asked == "" && r.Method == http.MethodPost && !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		asked = r.PostFormValue("lang")
	}
	for _, c := range Codes {
		if asked == c {
			http.SetCookie(w, &http.Cookie{
				Name: langCookie, Value: c, Path: "/", MaxAge: 365 * 24 * 3600,
				HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
			})
			return c
		}
	}
	if k, err := r.Cookie(langCookie); err == nil {
		for _, c := range Codes {
			if k.Value == c {
				return c
			}
		}
	}
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(tags) == 0 {
		return "tk"
	}
	_, i, sure := matcher.Match(tags...)
	if sure == language.No {
		return "tk"
	}
	return Codes[i]
}

// Limiter bounds how often one address may do something. It keeps at most
// 10,000 addresses and forgets the ones that have been quiet; it is safe for
// use by several goroutines.
type Limiter struct {
	every rate.Limit
	burst int

	mu   sync.Mutex
	seen map[netip.Prefix]*visitor
}

type visitor struct {
	l    *rate.Limiter
	last time.Time
}

// NewLimiter allows burst at once and then one per interval, per address.
func NewLimiter(interval time.Duration, burst int) *Limiter {
	return &Limiter{every: rate.Every(interval), burst: burst, seen: map[netip.Prefix]*visitor{}}
}

// maxVisitors bounds the memory that strangers can make a Limiter use.
const maxVisitors = 10_000

// Allow reports whether the address of r may go on. An IPv6 network of 64 bits
// counts as one address: one customer gets that many.
func (l *Limiter) Allow(r *http.Request) bool {
	now := time.Now()
	key := network(r.RemoteAddr)
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.seen[key]
	if v == nil {
		if len(l.seen) >= maxVisitors {
			l.forget(now)
		}
		v = &visitor{l: rate.NewLimiter(l.every, l.burst)}
		l.seen[key] = v
	}
	v.last = now
	return v.l.AllowN(now, 1)
}

// forget drops who is back at a full allowance, and if nobody is, everyone:
// an attack from very many addresses must not fill the memory.
func (l *Limiter) forget(now time.Time) {
	for k, v := range l.seen {
		if v.l.TokensAt(now) >= float64(l.burst) {
			delete(l.seen, k)
		}
	}
	if len(l.seen) >= maxVisitors {
		clear(l.seen)
	}
}

func network(remote string) netip.Prefix {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	a, bits := ap.Addr().Unmap(), 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// Spent reports whether the address of r has nothing left, without taking
// anything: for what counts only failures.
func (l *Limiter) Spent(r *http.Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.seen[network(r.RemoteAddr)]
	return v != nil && v.l.TokensAt(time.Now()) < 1
}
