package trust_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

var now = time.Date(2026, 6, 15, 9, 30, 0, 0, time.UTC)

func world(t testing.TB) *specimen.World {
	t.Helper()
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCentreStates(t *testing.T) {
	w := world(t)
	c, _ := w.Card("citizen-1")
	cert := c.Slots[specimen.SlotSign].Cert
	since := now.Add(-24 * time.Hour)
	for _, tt := range []struct {
		state  string
		at     time.Time
		proven bool
		want   trust.Finding
	}{
		{trust.Working, now, false, trust.Finding{Verdict: trust.Yes, Reason: trust.ReasonOK}},
		{trust.Ended, now, true, trust.Finding{Verdict: trust.No, Reason: trust.ReasonCentreEnded}},
		{trust.Ended, since.Add(-time.Hour), true, trust.Finding{Verdict: trust.Yes, Reason: trust.ReasonOK}},
		{trust.Ended, since.Add(-time.Hour), false, trust.Finding{Verdict: trust.Unknown, Reason: trust.ReasonCentreSince}},
		{trust.Suspended, now, true, trust.Finding{Verdict: trust.Unknown, Reason: trust.ReasonCentreSuspended}},
	} {
		b := *w.Trust()
		b.Centres = slices.Clone(b.Centres)
		b.Centres[0].State, b.Centres[0].Since = tt.state, since
		if got := b.CheckCert(cert, trust.UseCitizenSign, tt.at, tt.proven, now).Chain; got != tt.want {
			t.Errorf("%s, signed %v, proven %v: got %v, want %v", tt.state, tt.at, tt.proven, got, tt.want)
		}
	}
}

// TestUses tries every certificate of the world for every use: each is good for
// its own and for no other.
func TestUses(t *testing.T) {
	w := world(t)
	c, _ := w.Card("citizen-1")
	good := map[trust.Use]*x509.Certificate{
		trust.UseCitizenSign: c.Slots[specimen.SlotSign].Cert,
		trust.UseCitizenAuth: c.Slots[specimen.SlotAuth].Cert,
		trust.UseAgency:      w.Agencies["ombudsman"].Cert,
		trust.UseDevice:      w.Device.Signing.Cert,
		trust.UsePortal:      w.PortalReceipt.Cert,
		trust.UseRegister:    w.Register.Cert,
		trust.UseTSA:         w.TSA.Cert,
	}
	for use := range good {
		for of, cert := range good {
			got := w.Trust().CheckCert(cert, use, now, true, now).Worst()
			if use == of && got.Verdict != trust.Yes {
				t.Errorf("%s: got %v, want yes", use, got)
			}
			if use != of && got.Reason != trust.ReasonWrongUse {
				t.Errorf("certificate of %s as %s: got %v, want %s", of, use, got, trust.ReasonWrongUse)
			}
		}
		if got := w.Trust().CheckCert(w.PortalTLS.Cert, use, now, true, now).Worst(); got.Reason != trust.ReasonWrongUse {
			t.Errorf("TLS certificate as %s: got %v", use, got)
		}
		if got := w.Trust().CheckCert(w.Citizens.Cert, use, now, true, now).Worst(); got.Verdict != trust.No {
			t.Errorf("a centre as %s: got %v", use, got)
		}
	}
}

func TestRevokeAndRollback(t *testing.T) {
	w := world(t)
	old, first := w.Bundle(), w.Trust().Version
	c, _ := w.Card("citizen-2")
	cert := c.Slots[specimen.SlotAuth].Cert
	if got := w.Trust().CheckCard(cert, trust.UseCitizenAuth, now).Worst(); got.Verdict != trust.Yes {
		t.Errorf("before: got %v", got)
	}
	if err := w.Revoke(cert, now.Add(-time.Minute), false); err != nil {
		t.Fatal(err)
	}
	if got := w.Trust().CheckCard(cert, trust.UseCitizenAuth, now).Worst(); got.Reason != trust.ReasonRevoked {
		t.Errorf("after: got %v, want %s", got, trust.ReasonRevoked)
	}
	// A kiosk whose clock is behind must not take the card for a good one.
	if got := w.Trust().CheckCard(cert, trust.UseCitizenAuth, now.AddDate(0, 0, -3)).Worst(); got.Reason != trust.ReasonRevoked {
		t.Errorf("after, with the clock behind: got %v, want %s", got, trust.ReasonRevoked)
	}
	if _, err := trust.ParseBundle(old, w.Roots(), w.Trust().Version); !errors.Is(err, trust.ErrRollback) {
		t.Errorf("ParseBundle of the old one: %v, want ErrRollback", err)
	}
	if b, err := trust.ParseBundle(old, w.Roots(), first); err != nil || b.Version != first {
		t.Errorf("ParseBundle of the same version again: %v", err)
	}
}

func TestBundleComesBack(t *testing.T) {
	w := world(t)
	b := w.Trust()
	signed, err := b.Encode(w.Register.Signer())
	if err != nil {
		t.Fatal(err)
	}
	again, err := trust.ParseBundle(signed, w.Roots(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Centres) != 3 || !again.Centres[0].Cert.Equal(b.Centres[0].Cert) || again.Centres[0].Accreditation != b.Centres[0].Accreditation ||
		!again.Issued.Equal(b.Issued) || again.Recipients[0] != w.AgeRecipient || !bytes.Equal(again.CRLs[0], b.CRLs[0]) {
		t.Error("the bundle came back as another")
	}
	for i := range signed {
		bad := bytes.Clone(signed)
		bad[i] ^= 1
		if _, err := trust.ParseBundle(bad, w.Roots(), 0); err == nil {
			t.Fatalf("bit changed in byte %d of %d: it opens all the same", i, len(signed))
		}
	}
}

// TestPersonStaysHidden looks for the holder's name in what is printed.
func TestPersonStaysHidden(t *testing.T) {
	w := world(t)
	c, _ := w.Card("citizen-1")
	p, err := trust.Person(c.Slots[specimen.SlotAuth].Cert)
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%v %+v %#v", p, p, p); strings.Contains(s, "Nusga") || strings.Contains(s, "NUSGA0") {
		t.Errorf("printed: %s", s)
	}
	if _, err := trust.Person(w.TSA.Cert); err == nil {
		t.Error("Person of a time-stamping authority: want an error")
	}
}
