// Package public is what the portal shows to everyone: the services on offer
// with their order (EG-9.12), where a request stands, by its tracking code
// (EG-9.14, EG-20.1.3), and whether the seal on a paper copy is genuine (ED-9).
//
// It names nobody. A status is told to whoever has the code, without the
// answer's content; a seal's page repeats what the seal itself carries, to be
// compared with the paper. No code ever comes into an address.
package public

import (
	"crypto/x509"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page"
)

//go:embed templates/*.html texts/*.json
var files embed.FS

// Portal is what the public pages need of the portal; *portal.Portal is one.
type Portal interface {
	Ledger() ledger.Ledger
	Catalogue() *catalog.Catalogue
	RevokedSeals() *trust.RevokedSeals
}

// Config is what the pages are made of. Portal and Bundle are needed.
type Config struct {
	Portal Portal
	Bundle func() *trust.Bundle // in force now; a seal is checked against it
	Roots  []*x509.Certificate  // what the bundle is checked against, to be handed out; may be empty
	Now    func() time.Time     // nil: time.Now
	Log    *slog.Logger         // nil: nothing is logged. It is never given personal data.
	// Floor is how long the answer to a tracking code takes at least, so that
	// its time does not tell whether there is such a request. 0: 250 ms.
	Floor time.Duration
}

// Pages serves /, /status, /check, /v/…, /trust and /service/…. It is safe for use by
// several goroutines.
type Pages struct {
	portal  Portal
	bundle  func() *trust.Bundle
	roots   []*x509.Certificate
	now     func() time.Time
	log     *slog.Logger
	floor   time.Duration
	codes   *page.Limiter
	numbers *page.Limiter
	uploads *page.Limiter
	hands   chan struct{} // one for each file that may be in memory at once
	pages   *page.Set
	texts   *page.Texts
	handler http.Handler
}

// New returns the public pages. It fails when a page or a text is not right.
func New(c Config) (*Pages, error) {
	if c.Portal == nil || c.Bundle == nil {
		return nil, errors.New("public: make the pages: got no Portal or no Bundle")
	}
	p := &Pages{
		portal: c.Portal, bundle: c.Bundle, roots: c.Roots, now: c.Now, log: c.Log, floor: c.Floor,
		// Codes and check numbers have 45 bits: at this rate one address finds none in its life.
		codes: page.NewLimiter(5*time.Second, 20), numbers: page.NewLimiter(5*time.Second, 20),
		uploads: page.NewLimiter(3*time.Second, 20), hands: make(chan struct{}, filesAtOnce),
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.floor == 0 {
		p.floor = 250 * time.Millisecond
	}
	var err error
	if p.texts, err = page.Load(files, "texts"); err != nil {
		return nil, err
	}
	if p.pages, err = page.Parse(files, "templates", nil); err != nil {
		return nil, err
	}
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", p.front)
	m.HandleFunc("GET /service/{id}", p.service)
	m.HandleFunc("GET /status", p.statusForm)
	m.HandleFunc("POST /status", p.status)
	m.HandleFunc("GET /check", p.checkForm)
	m.HandleFunc("POST /check", p.check)
	for _, at := range []string{"/v", "/v/{$}", "/V", "/V/{$}"} { // what the paper says to type
		m.Handle("GET "+at, http.RedirectHandler("/check", http.StatusSeeOther))
	}
	m.HandleFunc("GET /v/{seal}", p.seal)
	m.HandleFunc("GET /V/{seal}", p.seal)
	m.HandleFunc("/", p.missing)
	m.HandleFunc("GET /trust", p.trust)
	m.HandleFunc("GET /trust/{file}", p.trustFile)
	outer := http.NewServeMux()
	outer.Handle("POST /check/file", page.GuardUpload(http.HandlerFunc(p.file), fileMax+64<<10))
	outer.Handle("/", page.Guard(m))
	p.handler = outer
	return p, nil
}

// ServeHTTP implements http.Handler.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

func (p *Pages) base(w http.ResponseWriter, r *http.Request, self string) page.Base {
	return page.Base{Lang: page.Lang(w, r), Texts: p.texts, Now: p.now(), Self: self}
}

func (p *Pages) send(w http.ResponseWriter, status int, name string, view any) {
	if err := p.pages.Send(w, status, name, view); err != nil {
		p.log.Error("public page", "page", name, "err", err)
	}
}

type problem struct {
	page.Base
	Text string // key
}

func (p *Pages) missing(w http.ResponseWriter, r *http.Request) {
	p.send(w, http.StatusNotFound, "problem", problem{p.base(w, r, "/"), "problem.missing"})
}

func (p *Pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	p.log.Error("public", "route", r.Pattern, "err", err)
	p.send(w, http.StatusInternalServerError, "problem", problem{p.base(w, r, "/"), "problem.internal"})
}

// offer is one service as the front page lists it.
type offer struct {
	*catalog.Service
	Agency catalog.Agency
	Icon   string
	Price  string // in manat; "" for free
}

func (p *Pages) offer(s *catalog.Service) offer {
	o := offer{Service: s, Icon: "paper"}
	o.Agency, _ = p.portal.Catalogue().Agency(s.Agency)
	if t := s.Fee.Tenge; t > 0 {
		o.Price = fmt.Sprintf("%d,%02d", t/100, t%100)
	}
	if page.HasIcon(s.Icon) {
		o.Icon = s.Icon
	}
	return o
}

type frontView struct {
	page.Base
	Services []offer
}

func (p *Pages) front(w http.ResponseWriter, r *http.Request) {
	v := frontView{Base: p.base(w, r, "/")}
	c := p.portal.Catalogue()
	for i := range c.Services {
		v.Services = append(v.Services, p.offer(&c.Services[i]))
	}
	p.send(w, http.StatusOK, "front", v)
}

type serviceView struct {
	page.Base
	offer
	Day string // of the regulation
}

func (p *Pages) service(w http.ResponseWriter, r *http.Request) {
	s, ok := p.portal.Catalogue().Service(r.PathValue("id"))
	if !ok {
		p.missing(w, r)
		return
	}
	v := serviceView{Base: p.base(w, r, "/service/"+s.ID), offer: p.offer(s), Day: s.Regulation.Date}
	if d, err := time.ParseInLocation(time.DateOnly, s.Regulation.Date, page.Zone); err == nil {
		v.Day = v.Date(d)
	}
	p.send(w, http.StatusOK, "service", v)
}
