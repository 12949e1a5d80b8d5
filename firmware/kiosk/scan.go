package kiosk

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/ui/screen"
)

// stillThere is how long a code must be out of sight to count as shown again: a
// paper that lies before the scanner is read over and over.
const stillThere = 3 * time.Second

// scannerThere reports whether a code scanner may be there. One on a line that
// tells nothing may; one that is known to be gone or broken is not offered.
func (k *Kiosk) scannerThere() bool {
	if k.scanner == nil {
		return false
	}
	switch k.scanner.Health() {
	case device.Online, device.Busy, device.Unknown:
		return true
	}
	return false
}

// aim switches the scanner on while the page of v wants it, and off otherwise:
// nobody's paper is read on any other page. k.mu is held.
func (k *Kiosk) aim(v *visit) {
	wants := k.scanner != nil && v.state.Scans()
	switch {
	case wants && v.unscan == nil:
		ctx, cancel := context.WithCancel(k.life)
		v.unscan = cancel
		id := v.id
		k.tasks.Go(func() { k.scan(ctx, id) })
	case !wants && v.unscan != nil:
		v.unscan()
		v.unscan = nil
	}
}

// scan tells the visit id what the scanner reads, until ctx ends. A scanner that
// is gone or broken comes back by itself.
func (k *Kiosk) scan(ctx context.Context, id string) {
	changes := k.scanner.Changes(ctx)
	var last [sha256.Size]byte
	var seen time.Time
	for ctx.Err() == nil {
		c, err := k.scanner.Scan(ctx)
		if err != nil {
			t := time.NewTimer(time.Second)
			select {
			case <-ctx.Done():
			case <-changes:
			case <-t.C:
			}
			t.Stop()
			continue
		}
		sum := sha256.Sum256(c.Data)
		again := sum == last && time.Since(seen) < stillThere
		last, seen = sum, time.Now()
		if !again {
			k.feed(id, k.scanned(string(c.Data)))
		}
		clear(c.Data)
	}
}

// scanned makes of a code's text what the visit can use: a tracking code, or a
// seal with the verifier's answer. Nothing of it is kept or logged.
func (k *Kiosk) scanned(text string) session.Scanned {
	if code, err := edoc.ParseCode(text); err == nil {
		return session.Scanned{Code: citizen.NewText(edoc.FormatCode(code))}
	}
	s, err := seal.Parse(text)
	if err != nil {
		return session.Scanned{}
	}
	out := k.checkSeal(s)
	if s.Kind == seal.Receipt && out.Verdict == string(trust.Yes) {
		// The code of a request without a card does not follow from its identity.
		if svc, ok := k.know.catalogue().Service(s.Service); ok && svc.Identification != catalog.IdentifyNone {
			return session.Scanned{Code: citizen.NewText(edoc.FormatCode(edoc.CodeOf(s.Doc)))}
		}
	}
	return session.Scanned{Seal: out}
}

// checkSeal checks s with what the kiosk knows: it needs no connection.
func (k *Kiosk) checkSeal(s *seal.Sealed) *session.Seal {
	now, known := k.clock.Now(), k.clock.Binding()
	if !known { // the machine's clock may claim any year
		now = k.clock.Signed()
	}
	r := s.VerifyIn(k.know.catalogue().FieldOf(s.Service), k.know.trust(), now, k.know.revoked())
	q, f := explain.Seal, r.Finding
	switch {
	case f.Verdict != trust.Yes:
	case r.Revocation.Verdict == trust.Unknown:
		q, f = explain.Revocation, r.Revocation
	case !known:
		q, f = explain.Revocation, trust.Finding{Verdict: trust.Unknown, Reason: trust.ReasonStaleCRL}
	}
	out := &session.Seal{
		Kind: s.Kind, Verdict: string(f.Verdict), Service: s.Service, Issuer: s.Issuer, Signer: r.SignerName,
		Subject: citizen.NewText(s.Subject), Total: s.Total, Date: s.Date.In(zone),
		Number: edoc.FormatCode(s.CheckNumber()), Days: int(r.RevocationAge / (24 * time.Hour)),
		Heading: inAll(func(lang string) string { return explain.Heading(lang, explain.Seal, f.Verdict) }),
		Found:   inAll(func(lang string) string { return explain.Finding(lang, q, f).Found }),
		Means:   inAll(func(lang string) string { return explain.Finding(lang, q, f).Means }),
	}
	if r.SignerCert == nil {
		out.Days = -1 // nothing was looked up
	}
	if !s.Expires.IsZero() {
		out.Expires = s.Expires.In(zone)
	}
	for _, p := range s.Facts {
		out.Facts = append(out.Facts, screen.CheckLine{Name: p[0], Label: p[0], Value: citizen.NewText(p[1])})
	}
	if f.Verdict == trust.No { // what a forgery says is nobody's statement
		out.Facts, out.Subject, out.Signer, out.Total = nil, citizen.Text{}, "", 0
	}
	return out
}

// inAll says something in every language.
func inAll(say func(lang string) string) catalog.Text {
	return catalog.Text{TK: say("tk"), RU: say("ru"), EN: say("en")}
}
