package uplink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/socket"
	"github.com/penjire/penjire/sync/wire"
)

// Codes of Status.LastError. They key the words of the screen and the runbook.
const (
	CodeUnreachable       = "portal.unreachable" // no connection, or it was cut
	CodePortalCertificate = "portal.certificate" // whoever answers is not the portal
	CodeKioskCertificate  = "kiosk.certificate"  // the portal refuses this kiosk's certificate
	CodeProtocol          = "portal.protocol"    // what came is no valid frame, or not in place
	CodeVersion           = "portal.version"     // no common version
	CodeBusy              = "portal.busy"        // the portal asked to come back later
	CodeQuota             = "kiosk.quota"        // the portal has had as much from this kiosk as it takes
	CodeSilent            = "portal.silent"      // connected, but nothing comes
	CodeStorage           = "kiosk.storage"      // the outbox could not read or store
)

// coded is an error with a code of its own.
type coded struct {
	code string
	err  error
}

// Error implements error.
func (e *coded) Error() string { return e.err.Error() }

// Unwrap gives errors.Is and errors.As what is inside.
func (e *coded) Unwrap() error { return e.err }

// Code returns the stable code of an error of a session; "" for nil.
func Code(err error) string {
	if err == nil {
		return ""
	}
	var own *coded
	var verify *tls.CertificateVerificationError
	var op *net.OpError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &verify), errors.As(err, &authority), errors.As(err, &host), errors.As(err, &invalid):
		return CodePortalCertificate
	case errors.Is(err, socket.ErrForbidden), errors.As(err, &op) && op.Op == "remote error": // a TLS alert
		return CodeKioskCertificate
	case errors.Is(err, wire.ErrSilent):
		return CodeSilent
	case errors.Is(err, wire.ErrFormat), errors.Is(err, wire.ErrType), errors.Is(err, wire.ErrLimit), errors.Is(err, wire.ErrValue):
		return CodeProtocol
	}
	return CodeUnreachable
}

// FrameNote is one frame that went over the wire, for live views. It tells
// nothing of what was inside.
type FrameNote struct {
	At    time.Time `json:"at"`
	Up    bool      `json:"up"`
	Type  string    `json:"type"`
	Bytes int       `json:"bytes"`
	Count int       `json:"count"` // records, receipts or items in it
}

// Status is how the uplink is doing.
type Status struct {
	Connected  bool        `json:"connected"`
	Since      time.Time   `json:"since"`      // of Connected
	LastError  string      `json:"last_error"` // code; stays until a session works again
	Refused    string      `json:"refused"`    // code of the last thing that was not taken: a nack, or an item that does not verify
	Journal    string      `json:"journal"`    // code for which the portal refused the journal's head; stays until it keeps one
	Aside      int         `json:"aside"`      // decisions of the portal that were not believed, and are asked for again
	Sent       int64       `json:"sent"`       // bytes as TCP or the line carries them, since the start
	Received   int64       `json:"received"`
	Attempts   int         `json:"attempts"`
	Waits      string      `json:"waits"`       // what keeps requests from the portal, WaitsWindow …; "": nothing does
	Until      time.Time   `json:"until"`       // of Waits
	LastFrames []FrameNote `json:"last_frames"` // the last 50, oldest first
}

// keepFrames is how many FrameNotes are kept.
const keepFrames = 50

type status struct {
	mu sync.Mutex
	s  Status

	carrier        counter // in use, if it counts
	sent, received int64   // by those before it

	closed      string // by the schedule: WaitsWindow or WaitsBudget
	closedUntil time.Time
	away        pause // by the portal's bye
	paused      pause // by its nacks
	shortUntil  time.Time
}

// Status returns how the uplink is doing.
func (u *Uplink) Status() Status {
	u.st.mu.Lock()
	defer u.st.mu.Unlock()
	s := u.st.s
	s.LastFrames = append([]FrameNote(nil), s.LastFrames...)
	s.Sent, s.Received = u.bytes()
	s.Aside = u.aside.count()
	s.Waits, s.Until = u.st.waiting(u.c.Now())
	return s
}

func (s *status) attempt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.Attempts++
}

func (s *status) up(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.Connected, s.s.Since, s.s.LastError = true, now, ""
}

func (s *status) down(now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.s.Connected || s.s.Since.IsZero() {
		s.s.Connected, s.s.Since = false, now
	}
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errBetter) && !errors.Is(err, errSchedule) && !errors.Is(err, errAside) {
		s.s.LastError = Code(err)
	}
}

func (s *status) waits(what string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.closedUntil = what, until
}

func (s *status) refused(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.Refused = code
}

func (s *status) headRefused(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.Journal = code
}

func (s *status) headTaken() { s.headRefused("") }

func (s *status) frame(now time.Time, up bool, f wire.Frame, n int) {
	note := FrameNote{At: now, Up: up, Type: f.Type().String(), Bytes: n, Count: 1}
	switch f := f.(type) {
	case *wire.Records:
		note.Count = len(f.Records)
	case *wire.Receipts:
		note.Count = f.Count()
	case *wire.Items:
		note.Count = f.Count()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.LastFrames = append(s.s.LastFrames, note)
	if n := len(s.s.LastFrames); n > keepFrames {
		s.s.LastFrames = append([]FrameNote(nil), s.s.LastFrames[n-keepFrames:]...)
	}
}
