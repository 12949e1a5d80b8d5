package desk

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/portal/page"
)

// How long an officer stays signed in: without touching anything, and at most.
const (
	idle   = 30 * time.Minute
	atMost = 10 * time.Hour
)

const cookieName = "desk"

// sessions are who is signed in. They live in memory: a portal that starts
// again asks everyone to sign in again. A session is kept by the digest of its
// secret, so that a look at the memory or a slip of a log gives no cookie away.
type sessions struct {
	now func() time.Time

	mu   sync.Mutex
	open map[[32]byte]*session
}

type session struct {
	officer     string
	since, last time.Time
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, open: map[[32]byte]*session{}}
}

// begin opens a session and returns its secret.
func (s *sessions) begin(officer string) string {
	secret := rand.Text()
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range s.open { // few officers: a walk over all is cheap
		if s.over(v, now) {
			delete(s.open, k)
		}
	}
	s.open[sha256.Sum256([]byte(secret))] = &session{officer, now, now}
	return secret
}

func (s *sessions) over(v *session, now time.Time) bool {
	return now.Sub(v.last) > idle || now.Sub(v.since) > atMost
}

// officer returns whose session it is, and notes that it is used.
func (s *sessions) officer(secret string) (string, bool) {
	key := sha256.Sum256([]byte(secret))
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.open[key]
	if v == nil {
		return "", false
	}
	if s.over(v, now) {
		delete(s.open, key)
		return "", false
	}
	v.last = now
	return v.officer, true
}

func (s *sessions) end(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(secret)))
}

// who returns the officer signed in on r.
func (d *Desk) who(r *http.Request) (Officer, bool) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return Officer{}, false
	}
	id, ok := d.sessions.officer(c.Value)
	if !ok {
		return Officer{}, false
	}
	o, ok := d.officers[id]
	return o, ok
}

// signedIn lets in an agency's officers; an operator without an agency is led to
// the kiosks.
func (d *Desk) signedIn(h func(http.ResponseWriter, *http.Request, Officer)) http.HandlerFunc {
	return d.someone(func(w http.ResponseWriter, r *http.Request, o Officer) {
		if o.Agency == "" {
			http.Redirect(w, r, o.home(), http.StatusSeeOther)
			return
		}
		h(w, r, o)
	})
}

// someone leads whoever is not signed in to the sign-in page.
func (d *Desk) someone(h func(http.ResponseWriter, *http.Request, Officer)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o, ok := d.who(r)
		if !ok {
			http.Redirect(w, r, "/desk/sign-in", http.StatusSeeOther)
			return
		}
		h(w, r, o)
	}
}

type signInView struct {
	page.Base
	ID    string
	Wrong string // key of what was wrong; "" for nothing
}

func (d *Desk) signInView(w http.ResponseWriter, r *http.Request) signInView {
	v := signInView{Base: d.base(w, r, nil, "/desk/sign-in")}
	v.Wide = false
	return v
}

func (d *Desk) signInPage(w http.ResponseWriter, r *http.Request) {
	if o, ok := d.who(r); ok {
		http.Redirect(w, r, o.home(), http.StatusSeeOther)
		return
	}
	d.send(w, http.StatusOK, "sign-in", d.signInView(w, r))
}

func (d *Desk) signIn(w http.ResponseWriter, r *http.Request) {
	v := d.signInView(w, r)
	v.ID = r.PostFormValue("officer")
	if d.tries.Spent(r) {
		v.Fault, v.Wrong = true, "sign-in.slow"
		w.Header().Set("Retry-After", "60")
		d.send(w, http.StatusTooManyRequests, "sign-in", v)
		return
	}
	o, ok := d.admit(r.Context(), v.ID, r.PostFormValue("password"))
	if !ok {
		d.tries.Allow(r) // only what fails counts
		v.Fault, v.Wrong = true, "sign-in.wrong"
		d.send(w, http.StatusUnprocessableEntity, "sign-in", v)
		return
	}
	// A session that was there before is not taken over: a new secret each time.
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: d.sessions.begin(o.ID), Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	d.log.Info("desk: signed in", "officer", o.ID, "agency", o.Agency)
	http.Redirect(w, r, o.home(), http.StatusSeeOther)
}

func (d *Desk) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		d.sessions.end(c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil})
	http.Redirect(w, r, "/desk/sign-in", http.StatusSeeOther)
}
