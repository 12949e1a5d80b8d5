package web

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/penjire/penjire/ui/phrase"
	"github.com/penjire/penjire/ui/screen"
)

// Config is what a server of screens needs. The zero value of everything but
// Kiosk works.
type Config struct {
	Kiosk         Kiosk
	MMPx          float64      // pixels of the display per millimetre; 0 is 4.2
	Width, Height int          // of the display in pixels; 0 is 1280 × 800
	Addr          string       // host:port the browser asks for; "" accepts every loopback name
	Frame         string       // origin that may show the screen in a frame (the bench); "" none
	Log           *slog.Logger // nil: slog.Default(). It is never told what anyone entered
	Painted       func()       // told whenever a page says that it was painted, every few seconds; nil: nobody is
}

// maxForm is the largest form a page can send: the longest answers many times.
const maxForm = 64 << 10

// Server serves the screens. It keeps nothing of a visit: every page is drawn
// from what the kiosk says at that moment.
type Server struct {
	c    Config
	key  [32]byte // of this process, for sums that tell nothing about a page
	live liveTimes
}

// NewServer returns the handler that serves the screens of c.Kiosk:
//
//	GET  /                     the start page
//	POST /begin                begin a visit in the language «lang»
//	POST /reprint              print the marked copy that the start page offers (visit "")
//	GET  /v/{visit}            the visit's page
//	POST /v/{visit}/{action}   one action, then the page again
//	GET  /events, /v/{visit}/events   what changes, as server-sent events
//	POST /painted              a page says that the browser painted it
//	GET  /device.css, /asset/… what pages are drawn with
//
// Buttons of the header on a page with a field (language, size, theme, back,
// help) carry the field along, so Action.Values of those may hold a draft.
// A POST with the header X-Penjire-Beat gets 204 instead of a redirect: the
// script says «stay» with it while someone types.
//
// Every answer carries a Content-Security-Policy without unsafe-*, and asks
// for another host than the kiosk's own are refused, as are posts from another
// origin. A visit that is over answers with the start page.
func NewServer(c Config) http.Handler {
	if c.MMPx <= 0 {
		c.MMPx = 4.2
	}
	c.Width, c.Height = cmp.Or(c.Width, 1280), cmp.Or(c.Height, 800)
	c.Log = cmp.Or(c.Log, slog.Default())
	s := &Server{c: c, live: defaultLive}
	_, _ = rand.Read(s.key[:]) // never fails (crypto/rand)
	return s.handler()
}

func (s *Server) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", s.start)
	m.HandleFunc("POST /begin", s.begin)
	m.HandleFunc("POST /reprint", s.reprint)
	m.HandleFunc("GET /v/{visit}", s.page)
	m.HandleFunc("POST /v/{visit}/{action}", s.action)
	m.HandleFunc("GET /events", s.events)
	m.HandleFunc("GET /v/{visit}/events", s.events)
	m.HandleFunc("POST /painted", s.painted)
	m.Handle("GET /device.css", s.deviceCSS())
	m.Handle("GET /asset/", assets())
	return s.guard(http.NewCrossOriginProtection().Handler(m))
}

// guard sets the headers of every answer and refuses other hosts' names, so
// that no page from elsewhere can reach the kiosk by a name that leads here.
func (s *Server) guard(next http.Handler) http.Handler {
	frame := "'none'"
	if s.c.Frame != "" {
		frame = s.c.Frame
	}
	csp := "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; " +
		"media-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors " + frame + "; base-uri 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if !s.ours(r.Host) {
			http.Error(w, "misdirected request", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) ours(host string) bool {
	if s.c.Addr != "" {
		return host == s.c.Addr
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// painted is asked for by the pages themselves, every few seconds.
func (s *Server) painted(w http.ResponseWriter, _ *http.Request) {
	if s.c.Painted != nil {
		s.c.Painted()
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) start(w http.ResponseWriter, r *http.Request) {
	s.write(w, http.StatusOK, s.startView(r))
}

func (s *Server) startView(r *http.Request) screen.View {
	v := s.c.Kiosk.Start(r.Context())
	v.Screen, v.Visit, v.Lang = screen.Start, "", phrase.In(v.Lang).Lang()
	return v
}

func (s *Server) begin(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	visit, err := s.c.Kiosk.Begin(r.Context(), phrase.In(r.PostForm.Get("lang")).Lang())
	if err != nil {
		s.c.Log.Error("a visit could not begin", "err", err)
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, visitPath(visit), http.StatusSeeOther)
}

func (s *Server) reprint(w http.ResponseWriter, r *http.Request) {
	if err := s.c.Kiosk.Do(r.Context(), "", Action{Name: "reprint"}); err != nil {
		s.c.Log.Error("a marked copy could not be asked for", "err", err)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	v, err := s.c.Kiosk.View(r.Context(), r.PathValue("visit"))
	switch {
	case errors.Is(err, ErrVisitOver):
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	case err != nil:
		s.broken(w, r, "web.view", err)
		return
	}
	s.write(w, http.StatusOK, v)
}

func (s *Server) action(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	visit := r.PathValue("visit")
	err := s.c.Kiosk.Do(r.Context(), visit, Action{Name: r.PathValue("action"), Values: r.PostForm})
	to := visitPath(visit)
	switch {
	case errors.Is(err, ErrVisitOver):
		to = "/"
	case err != nil:
		s.broken(w, r, "web.do", err)
		return
	}
	if r.Header.Get("X-Penjire-Beat") != "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// broken shows the problem page. The error may tell of files and sockets and
// goes to the log; the citizen gets words, and a code for the assistant.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, code string, err error) {
	s.c.Log.Error("a page could not be made", "code", code, "err", err)
	s.write(w, http.StatusInternalServerError, screen.View{
		Screen: screen.Problem, Lang: phrase.In(s.c.Kiosk.Start(r.Context()).Lang).Lang(), Visit: r.PathValue("visit"),
		Problem: &screen.ProblemView{Key: "broken", Retry: true, Code: code},
	})
}

// write draws v with its sum, or, if even that fails, says so in plain text.
func (s *Server) write(w http.ResponseWriter, status int, v screen.View) {
	var b bytes.Buffer
	sum, err := s.sum(v)
	if err == nil {
		v.Sum = sum
		err = screen.Draw(&b, v)
	}
	if err != nil {
		s.c.Log.Error("a page could not be drawn", "screen", v.Screen, "err", err)
		http.Error(w, "Kiosk işlemeýär. Киоск не работает. Out of service.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser went away: nothing to do
}

// sum says in a few letters whether a page looks different from before. The
// lights in its footer change by themselves and do not count; the key keeps a
// sum from telling anything about the page.
func (s *Server) sum(v screen.View) (string, error) {
	v.Devices, v.Sum = screen.Devices{}, ""
	h := hmac.New(sha256.New, s.key[:])
	if err := screen.Draw(h, v); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

func readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		// The error would quote what was entered.
		http.Error(w, "the form could not be read", http.StatusBadRequest)
		return false
	}
	return true
}

func visitPath(visit string) string { return "/v/" + url.PathEscape(visit) }
