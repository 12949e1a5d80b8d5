package enrol

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/enrol"
)

const (
	identityCert = "identity.crt"
	signingCert  = "signing.crt"
)

// Options are what a fresh kiosk is enrolled with.
type Options struct {
	Dir   string           // the kiosk's folder: setup.json is there, settings.json will be
	Board string           // of the image
	Built time.Time        // of the software: the time cannot be before
	TPM   string           // device; "" is /dev/tpmrm0. Where there is none, keys are in files
	Now   func() time.Time // nil is time.Now
	Log   *slog.Logger     // nil: slog.Default(). It is told no secret
	// Say is called with every change of the status; nil: nobody is told. It must
	// not wait.
	Say func(Status)
}

// Enroller brings a fresh kiosk to its certificates. Its methods may be called by
// several goroutines at once.
//
// Contract: each step is durable before the next one begins, and is not done again:
// a kiosk that is cut off anywhere goes on with the same keys, and the portal gives
// the same certificates for them. settings.json is written last: it is there when
// all else is.
type Enroller struct {
	o       Options
	anchors []*x509.Certificate
	roots   *x509.CertPool
	wake    chan struct{} // a code or certificates came

	one     sync.Mutex // one step at a time: the network's and the stick's
	refused error      // why the portal does not take the code that was forgotten; under one

	mu    sync.Mutex
	setup Setup
	st    Status
}

// The steps of enrolment, and what it can lack.
const (
	StepKeys        = "keys"
	StepCertificate = "certificates"
	StepKnowledge   = "knowledge"
	StepDone        = "done"

	LacksNothing = ""
	LacksCode    = "code"    // a person has to type a one-time code
	LacksStick   = "stick"   // there is no network: the request goes by memory stick
	LacksPortal  = "portal"  // the portal does not answer
	LacksTrust   = "trust"   // who answers is not the portal
	LacksChip    = "chip"    // the TPM that the keys are in does not answer
	LacksRoom    = "storage" // the kiosk's own folder cannot be written
)

// Status is how far enrolment is. It tells no secret.
type Status struct {
	Kiosk   string    `json:"kiosk"`
	Step    string    `json:"step"`
	Lacks   string    `json:"lacks"`             // one of the Lacks words; "": nothing
	Refusal string    `json:"refusal,omitempty"` // code of enrol.Refusals, with which the portal refused
	Fault   string    `json:"fault,omitempty"`   // what the last try said
	Tries   int       `json:"tries"`
	Next    time.Time `json:"next,omitzero"` // the next try
}

// Due reports whether a kiosk's folder waits for enrolment: it has a set-up and no
// settings yet.
func Due(settingsFile string) bool {
	_, err := os.Stat(settingsFile)
	if !errors.Is(err, os.ErrNotExist) {
		return false
	}
	_, err = os.Stat(filepath.Join(filepath.Dir(settingsFile), SetupFile))
	return err == nil
}

// Open reads the set-up of a kiosk.
func Open(o Options) (*Enroller, error) {
	b, err := os.ReadFile(filepath.Join(o.Dir, SetupFile))
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	e := &Enroller{o: o, wake: make(chan struct{}, 1), roots: x509.NewCertPool()}
	if e.setup, err = ParseSetup(b); err != nil {
		return nil, err
	}
	if e.anchors, err = certificates([]byte(e.setup.Roots)); err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	for _, c := range e.anchors {
		e.roots.AddCert(c)
	}
	if e.o.TPM == "" {
		e.o.TPM = "/dev/tpmrm0"
	}
	if e.o.Now == nil {
		e.o.Now = time.Now
	}
	if e.o.Log == nil {
		e.o.Log = slog.Default()
	}
	e.st = Status{Kiosk: e.setup.Kiosk, Step: StepKeys}
	return e, nil
}

// Status says how far it is.
func (e *Enroller) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.st
}

func (e *Enroller) set(f func(*Status)) {
	e.mu.Lock()
	before := e.st
	f(&e.st)
	after := e.st
	e.mu.Unlock()
	if e.o.Say != nil && after != before {
		e.o.Say(after)
	}
}

// The waits between tries: twice as long each time, and by chance (full jitter): a
// district whose power comes back does not knock all at once.
const (
	firstWait = 4 * time.Second
	mostWait  = 10 * time.Minute
	leastWait = time.Second
)

func wait(tries int, least time.Duration) time.Duration {
	most := min(firstWait<<min(tries, 10), mostWait)
	return max(leastWait, least) + rand.N(most) //nolint:gosec // it spreads, and hides nothing
}

// Run enrols the kiosk. It returns nil when settings.json is there, or ctx's error.
// It tries for ever: a code can be typed, a cable plugged in, a stick brought at any
// time.
func (e *Enroller) Run(ctx context.Context) error {
	for {
		least, err := e.try(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var w time.Duration
		e.set(func(s *Status) {
			w = wait(s.Tries, least)
			s.Tries++
			s.Lacks, s.Refusal, s.Fault = lacks(err)
			s.Next = e.o.Now().Add(w).UTC()
		})
		e.o.Log.Warn("not enrolled yet", "lacks", e.Status().Lacks, "err", err, "again", w.Round(time.Second).String())
		t := time.NewTimer(w)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		case <-e.wake:
			t.Stop()
		}
		e.set(func(s *Status) { s.Next = time.Time{} })
	}
}

// SetCode takes the one-time code that a person typed, makes it durable, and tries
// at once.
func (e *Enroller) SetCode(c enrol.Code) error {
	e.one.Lock()
	defer e.one.Unlock()
	s := e.current()
	s.Code, e.refused = c, nil
	if err := e.keepSetup(s); err != nil {
		return err
	}
	e.set(func(st *Status) { st.Tries, st.Lacks, st.Refusal, st.Fault = 0, LacksNothing, "", "" })
	e.again()
	return nil
}

func (e *Enroller) again() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *Enroller) current() Setup {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.setup
}

func (e *Enroller) keepSetup(s Setup) error {
	b, err := s.Marshal()
	if err != nil {
		return err
	}
	if err := keep(e.o.Dir, SetupFile, b); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.setup = s
	return nil
}

// forget erases a code that the portal refuses: it never brings anything. why is what
// its status goes on saying.
func (e *Enroller) forget(why error) {
	if no, ok := errors.AsType[*enrol.Refusal](why); !ok || !no.OfCode() {
		return
	}
	e.refused = why
	s := e.current()
	s.Code = enrol.Code{}
	if err := e.keepSetup(s); err != nil {
		e.o.Log.Warn("a code that was refused stays in the set-up", "err", err) // it opens nothing
	}
}
