package edoc

import (
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// Report is what checking a container found: three answers, never one boolean.
// Signer and Revocation are of the first signature, whose signer is the sender;
// Whole is of all of them.
type Report struct {
	ID         ID
	Whole      Finding // is it complete and unchanged since signing?
	Signer     Finding // was the signer entitled, at the trusted time?
	Revocation Finding // was the certificate cancelled or suspended?
	Stamp      Finding // is there a time stamp to be believed? Unknown: none

	SignerUse  trust.Use         // as what the signer signed: citizen, kiosk or agency
	SignerID   string            // id of the kiosk or agency; "" of a citizen
	SignerName string            // of the kiosk or agency; "" of a citizen, whose name is the sender's
	SignerCert *x509.Certificate // nil if not at hand

	Claimed       time.Time     // by the signer's clock
	Trusted       time.Time     // by the time stamp; zero if there is only the claim
	RevocationAge time.Duration // how old the knowledge of revocation is
	Provisional   bool          // nothing but the claim says when it was signed

	Cosigners []Cosigner // of further signatures
}

// Cosigner is the signer of a further signature.
type Cosigner struct {
	Signer     Finding
	Revocation Finding
	ID         string // of the kiosk or agency; "" of a citizen
	Cert       *x509.Certificate
	Claimed    time.Time
}

// Accepted reports whether the document may be acted upon: whole, by an
// entitled signer, and not known to be revoked.
func (r Report) Accepted() bool {
	return r.Whole.Verdict == Yes && r.Signer.Verdict == Yes && r.Revocation.Verdict != No
}

// Verify checks the container against b, as known now.
func (c *Container) Verify(b *trust.Bundle, now time.Time) Report {
	sd := c.signatures[0]
	r := Report{
		ID: c.ID(), Claimed: sd.SigningTime(), Provisional: true,
		Whole:      Finding{Verdict: Yes, Reason: ReasonOK},
		Signer:     Finding{Verdict: Unknown, Reason: ReasonNotAsked},
		Revocation: Finding{Verdict: Unknown, Reason: ReasonNotAsked},
	}
	certs := c.checkWhole(b, &r)
	r.checkStamp(sd, b, now)
	if r.Whole.Verdict != Yes {
		return r
	}
	at := r.Claimed
	if !r.Provisional {
		at = r.Trusted
	}
	r.SignerCert = certs[0]
	r.SignerUse, r.SignerID = useOf(c.doc.Kind, certs[0])
	if r.SignerID != "" {
		r.SignerName = trust.Name(certs[0]).Reveal() // no person's
	}
	cr := b.CheckCert(certs[0], r.SignerUse, at, !r.Provisional, now)
	r.Signer, r.Revocation, r.RevocationAge = cr.Chain, cr.Revocation, cr.RevocationAge
	if r.Signer.Verdict == Yes {
		r.Signer = c.checkSender(r.SignerUse, certs[0])
	}
	for i, sd := range c.signatures[1:] {
		use, id := useOf("", certs[i+1])
		cr := b.CheckCert(certs[i+1], use, sd.SigningTime(), false, now)
		r.Cosigners = append(r.Cosigners, Cosigner{cr.Chain, cr.Revocation, id, certs[i+1], sd.SigningTime()})
	}
	return r
}

// checkWhole checks digests and signatures, and returns the signers'
// certificates.
func (c *Container) checkWhole(b *trust.Bundle, r *Report) []*x509.Certificate {
	if !c.whole() {
		r.Whole = Finding{Verdict: No, Reason: ReasonChanged}
		return nil
	}
	var certs []*x509.Certificate
	for i, sd := range c.signatures {
		cert, err := sd.Verify(c.manifests[i], b.Agencies...)
		switch {
		case errors.Is(err, cms.ErrNoCertificate):
			r.Whole = Finding{Verdict: Unknown, Reason: ReasonNoSigner}
			return nil
		case err != nil:
			r.Whole = Finding{Verdict: No, Reason: ReasonBroken}
			return nil
		}
		certs = append(certs, cert)
	}
	return certs
}

// checkStamp looks for a time that someone else states.
func (r *Report) checkStamp(sd *cms.SignedData, b *trust.Bundle, now time.Time) {
	token := sd.TimeStamp()
	if token == nil {
		r.Stamp = Finding{Verdict: Unknown, Reason: ReasonNoStamp}
		return
	}
	t, err := tsp.Parse(token)
	if err != nil {
		r.Stamp = Finding{Verdict: No, Reason: ReasonStampBroken}
		return
	}
	cert, err := t.Verify(sd.Imprint(), b.TSA)
	switch {
	case errors.Is(err, tsp.ErrSigner):
		r.Stamp = Finding{Verdict: No, Reason: ReasonStampForeign}
		return
	case err != nil:
		r.Stamp = Finding{Verdict: No, Reason: ReasonStampBroken}
		return
	}
	if f := b.CheckCert(cert, trust.UseTSA, t.Time, true, now).Worst(); f.Verdict != Yes {
		r.Stamp = Finding{Verdict: No, Reason: ReasonStampForeign}
		return
	}
	r.Stamp = Finding{Verdict: Yes, Reason: ReasonOK}
	r.Trusted, r.Provisional = t.Time, false
}

// useOf says as what a certificate signs a document of that kind.
func useOf(kind string, cert *x509.Certificate) (trust.Use, string) {
	if id := trust.AgencyID(cert); id != "" && kind != KindRequest {
		return trust.UseAgency, id
	}
	if kind == KindAnswer {
		return trust.UseAgency, ""
	}
	if id := trust.DeviceID(cert); id != "" {
		return trust.UseDevice, id
	}
	return trust.UseCitizenSign, ""
}

// checkSender says whether the signer is who the document says sends it: a
// citizen by the unified identifier, a kiosk by its id, an agency by its id
// where the sender has one.
func (c *Container) checkSender(use trust.Use, cert *x509.Certificate) Finding {
	var same bool
	switch use {
	case trust.UseDevice:
		same = c.doc.Kiosk == trust.DeviceID(cert)
	case trust.UseAgency:
		want := strings.ToUpper(strings.ReplaceAll(trust.AgencyID(cert), "-", ""))
		same = c.doc.Sender.ID.IsZero() || c.doc.Sender.ID.Reveal() == want
	default:
		p, err := trust.Person(cert)
		if err != nil {
			return Finding{Verdict: No, Reason: ReasonUnreadable}
		}
		same = p.ID.Equal(c.doc.Sender.ID.Text)
	}
	if !same {
		return Finding{Verdict: No, Reason: ReasonNotSender}
	}
	return Finding{Verdict: Yes, Reason: ReasonOK}
}
