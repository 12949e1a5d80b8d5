// Package desk is the agency's desk: the pages on which an officer sees the
// requests of the agency, opens one with the facts of its verification, takes
// it on, and answers it, refuses it or returns it for correction
// (REQUIREMENTS EG-17, EG-19, ED-19; DESIGN 8). The same is there as JSON for
// the agency's own programs: see api.go. An operator sees the kiosks and the
// alarms that they raised: see kiosks.go.
//
// It signs nothing itself: [portal.Portal.Answer] does, once for each request,
// however often a button is pressed.
package desk

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc/paper"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/page"
)

//go:embed templates/*.html texts/*.json
var files embed.FS

// Portal is what the desk needs of the portal; *portal.Portal is one.
type Portal interface {
	Ledger() ledger.Ledger
	Catalogue() *catalog.Catalogue
	ServiceOf(ctx context.Context, r ledger.Request) (*catalog.Service, error)
	Answer(ctx context.Context, agency string, doc ledger.Doc, d portal.AnswerDraft) (ledger.Doc, error)
	RevokeSeal(ctx context.Context, agency string, doc ledger.Doc, reason, by string) error
	RevokedSeals() *trust.RevokedSeals
	Connected() []string
	Import(ctx context.Context, r io.Reader) (portal.Imported, error)
}

// Config is what a desk is made of. Portal and Officers are needed.
type Config struct {
	Portal   Portal
	Officers []Officer
	// Rollout lets releases of the kiosks' software out; nil: the page only shows them.
	Rollout Rollout
	// Certificates gives kiosks their certificates; nil: this portal issues none.
	Certificates Certificates
	// Bundle gives the trust bundle in force, to verify a request again when it
	// is opened. Nil: the facts found at registration are shown.
	Bundle func() *trust.Bundle
	// Troubles are what an operator has to mend at this portal. Nil: nobody says.
	Troubles func() []portal.Trouble
	// Silent is after how long without a visit, or with a request unsent, a kiosk is
	// marked: somebody waits for an answer by then (ED-25). 0 is 24 h.
	Silent time.Duration
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // nil: nothing is logged. It is never given personal data.
}

// Desk serves /desk/ and /api/desk/. It is safe for use by several goroutines.
type Desk struct {
	portal   Portal
	rollout  Rollout
	certs    Certificates
	bundle   func() *trust.Bundle
	troubles func() []portal.Trouble
	now      func() time.Time
	log      *slog.Logger
	silent   time.Duration
	officers map[string]Officer
	sessions *sessions
	doors    chan struct{} // how many passwords are checked at once
	tries    *page.Limiter
	hands    chan struct{} // how many sticks are taken at once
	answers  shelf         // of answers to them
	pages    *page.Set
	texts    *page.Texts
	handler  http.Handler
}

// New returns the desk of the agencies. It fails when a page, a text or an
// officer's entry is not right.
func New(c Config) (*Desk, error) {
	if c.Portal == nil {
		return nil, errors.New("desk: make the desk: got no Portal")
	}
	d := &Desk{
		portal: c.Portal, rollout: c.Rollout, certs: c.Certificates, bundle: c.Bundle, now: c.Now, log: c.Log,
		officers: map[string]Officer{}, doors: make(chan struct{}, 2), hands: make(chan struct{}, 2),
		tries: page.NewLimiter(6*time.Second, 10),
	}
	if d.silent = c.Silent; d.silent <= 0 {
		d.silent = 24 * time.Hour
	}
	if d.troubles = c.Troubles; d.troubles == nil {
		d.troubles = func() []portal.Trouble { return nil }
	}
	if d.now == nil {
		d.now = time.Now
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.sessions = newSessions(d.now)
	for i, o := range c.Officers {
		if err := o.check(); err != nil {
			return nil, fmt.Errorf("desk: officers[%d]: %w", i, err)
		}
		if _, ok := d.officers[o.ID]; ok {
			return nil, fmt.Errorf("desk: officers[%d]: got id %q twice", i, o.ID)
		}
		d.officers[o.ID] = o
	}
	var err error
	if d.texts, err = page.Load(files, "texts"); err != nil {
		return nil, err
	}
	if d.pages, err = page.Parse(files, "templates", funcs); err != nil {
		return nil, err
	}
	outer := http.NewServeMux()
	outer.Handle("/", page.Guard(d.routes()))
	uploads := d.stickRoutes()
	outer.Handle("POST /desk/stick", uploads)
	outer.Handle("POST /api/stick", uploads)
	d.handler = outer
	return d, nil
}

// ServeHTTP implements http.Handler.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

func (d *Desk) routes() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("GET /desk/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/desk/requests", http.StatusSeeOther)
	})
	m.HandleFunc("GET /desk/sign-in", d.signInPage)
	m.HandleFunc("POST /desk/sign-in", d.signIn)
	m.HandleFunc("POST /desk/sign-out", d.signOut)
	m.HandleFunc("GET /desk/kiosks", d.operators(d.kiosks))
	m.HandleFunc("GET /desk/kiosks/{kiosk}", d.operators(d.kiosk))
	m.HandleFunc("POST /desk/kiosks/{kiosk}/ring", d.operators(d.changeRing))
	m.HandleFunc("GET /desk/releases", d.operators(d.releases))
	m.HandleFunc("POST /desk/releases/{board}/{build}", d.operators(d.changeRelease))
	m.HandleFunc("GET /desk/settings", d.operators(d.settingsPage))
	m.HandleFunc("POST /desk/settings", d.operators(d.changeSettings))
	m.HandleFunc("GET /desk/enrol", d.operators(d.enrolPage))
	m.HandleFunc("GET /desk/enrol/kiosks.pem", d.operators(d.forRegister))
	m.HandleFunc("POST /desk/enrol", d.operators(d.makeCode))
	m.HandleFunc("POST /desk/enrol/revoke", d.operators(d.revokeKiosk))
	m.HandleFunc("GET /desk/stick", d.operators(d.stickPage))
	m.HandleFunc("GET /desk/stick/{id}", d.operators(d.stickAnswer))
	m.HandleFunc("GET /desk/requests", d.signedIn(d.list))
	m.HandleFunc("POST /desk/find", d.signedIn(d.find))
	m.HandleFunc("GET /desk/find", d.signedIn(func(w http.ResponseWriter, r *http.Request, _ Officer) {
		http.Redirect(w, r, "/desk/requests", http.StatusSeeOther)
	}))
	m.HandleFunc("GET /desk/requests/{doc}", d.signedIn(d.open))
	m.HandleFunc("GET /desk/requests/{doc}/container", d.signedIn(d.container))
	m.HandleFunc("GET /desk/requests/{doc}/original", d.signedIn(d.original))
	m.HandleFunc("GET /desk/requests/{doc}/answer-container", d.signedIn(d.answerContainer))
	m.HandleFunc("GET /desk/requests/{doc}/copy", d.signedIn(d.copyFile))
	m.HandleFunc("GET /desk/requests/{doc}/revoke", d.signedIn(d.revokeForm))
	m.HandleFunc("POST /desk/requests/{doc}/revoke", d.signedIn(d.revoke))
	m.HandleFunc("POST /desk/requests/{doc}/assign", d.signedIn(d.assign))
	m.HandleFunc("GET /desk/requests/{doc}/{decision}", d.signedIn(d.form))
	m.HandleFunc("POST /desk/requests/{doc}/{decision}", d.signedIn(d.decide))
	m.HandleFunc("GET /api/desk/requests", d.api(d.apiList))
	m.HandleFunc("GET /api/desk/requests/{doc}", d.api(d.apiGet))
	m.HandleFunc("GET /api/desk/requests/{doc}/container", d.api(d.apiContainer))
	m.HandleFunc("GET /api/desk/requests/{doc}/copy", d.api(d.apiCopy))
	m.HandleFunc("POST /api/desk/requests/{doc}/revoke", d.api(d.apiRevoke))
	m.HandleFunc("POST /api/desk/requests/{doc}/{decision}", d.api(d.apiDecide))
	return m
}

// base returns what every page of the desk has.
func (d *Desk) base(w http.ResponseWriter, r *http.Request, o *Officer, self string) page.Base {
	b := page.Base{Lang: page.Lang(w, r), Texts: d.texts, Now: d.now(), Self: self, Wide: true}
	if o != nil {
		b.Who = o.Name
		if a, ok := d.portal.Catalogue().Agency(o.Agency); ok {
			b.Role = a.Name.In(b.Lang)
		} else if o.Operator {
			b.Role, _ = b.T("role.operator") // Load has checked that it is there
		}
	}
	return b
}

// send draws a page and logs when that fails. Nothing personal is in the error:
// the texts' keys and the templates' names only.
func (d *Desk) send(w http.ResponseWriter, status int, name string, view any) {
	if err := d.pages.Send(w, status, name, view); err != nil {
		d.log.Error("desk page", "page", name, "err", err)
	}
}

// problem is a page that says what cannot be done and where to go on.
type problem struct {
	page.Base
	Text string // key
}

// fail answers an error of the portal or the ledger on a page.
func (d *Desk) fail(w http.ResponseWriter, r *http.Request, o Officer, err error) {
	status, key := http.StatusInternalServerError, "problem.internal"
	switch {
	case errors.Is(err, ledger.ErrNotFound), errors.Is(err, portal.ErrAgency):
		// Another agency's request looks the same as none: which there are is
		// not this officer's to know.
		status, key = http.StatusNotFound, "problem.missing"
	case errors.Is(err, errNoAnswer):
		status, key = http.StatusNotFound, "problem.stick"
	case errors.Is(err, portal.ErrDraft):
		status, key = http.StatusUnprocessableEntity, "problem.draft"
	case errors.Is(err, paper.ErrNotCertified):
		status, key = http.StatusConflict, "problem.not-certified"
	case errors.Is(err, portal.ErrNoKey):
		status, key = http.StatusServiceUnavailable, "problem.no-key"
	default:
		d.log.Error("desk", "route", r.Pattern, "err", err)
	}
	d.send(w, status, "problem", problem{d.base(w, r, &o, o.home()), key})
}
