package edoc

import (
	"crypto/x509"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// useOf says as what a certificate signs a document of that kind; kind "" is
// that of a further signature or a counter-signature.
func useOf(kind string, cert *x509.Certificate, b *trust.Bundle) (trust.Use, string) {
	if id := trust.AgencyID(cert); id != "" && kind != KindRequest {
		return trust.UseAgency, id
	}
	switch {
	case kind == KindAnswer:
		return trust.UseAgency, ""
	case kind == "" && trust.Listed(b.Portals, cert):
		return trust.UsePortal, ""
	}
	if id := trust.DeviceID(cert); id != "" {
		return trust.UseDevice, id
	}
	return trust.UseCitizenSign, ""
}

// nameOf returns the name of a signer who is no person.
func nameOf(use trust.Use, cert *x509.Certificate) string {
	switch use {
	case trust.UseAgency, trust.UseDevice, trust.UsePortal:
		if trust.AgencyID(cert)+trust.DeviceID(cert) != "" || use == trust.UsePortal {
			return trust.Name(cert).Reveal()
		}
	}
	return ""
}

// roleOf names the part that the signer has in the document.
func (c *Container) roleOf(first bool, use trust.Use, cert *x509.Certificate, cr trust.CertReport) Role {
	if cr.Centre == nil {
		return RoleOther
	}
	switch use {
	case trust.UseAgency:
		return RoleAgency
	case trust.UseDevice:
		return RoleKiosk
	case trust.UsePortal:
		return RolePortal
	}
	switch {
	case cr.Centre.Kind != trust.KindCitizens:
		return RoleOther
	case c.represents(cr.Limits, cert):
		return RoleRepresentative
	case !first && trust.Unit(cert) == trust.UnitAssistant:
		return RoleAssistant
	}
	return RoleCitizen
}

// represents says whether the certificate gives powers for the document's
// sender, and the sender is not the holder himself.
func (c *Container) represents(l *trust.Limits, cert *x509.Certificate) bool {
	if l == nil || l.Powers == nil || c.doc.Sender.ID.IsZero() {
		return false
	}
	if p, err := trust.Person(cert); err == nil && p.ID.Equal(c.doc.Sender.ID.Text) {
		return false
	}
	return c.doc.Sender.ID.Reveal() == plainID(l.Powers.Of)
}

// plainID writes an id as the document's sender.id has it.
func plainID(id string) string { return strings.ToUpper(strings.ReplaceAll(id, "-", "")) }

// checkSender says whether the signer is who the document says sends it: a
// citizen by the unified identifier, or one whom the certificate lets him
// represent; a kiosk by its id, an agency by its id where the sender has one.
func (c *Container) checkSender(role Role, use trust.Use, cert *x509.Certificate) Finding {
	var same bool
	switch use {
	case trust.UseDevice:
		same = c.doc.Kiosk == trust.DeviceID(cert)
	case trust.UseAgency:
		same = c.doc.Sender.ID.IsZero() || c.doc.Sender.ID.Reveal() == plainID(trust.AgencyID(cert))
	default:
		p, err := trust.Person(cert)
		if err != nil {
			return Finding{Verdict: No, Reason: ReasonUnreadable}
		}
		same = role == RoleRepresentative || p.ID.Equal(c.doc.Sender.ID.Text) && c.doc.Sender.names(p)
	}
	if !same {
		return Finding{Verdict: No, Reason: ReasonNotSender}
	}
	return Finding{Verdict: Yes, Reason: ReasonOK}
}

// names says whether a party is that person and nobody else: people read the
// name, not the number. Who signs for himself speaks for no organisation: that
// takes powers.
func (p Party) names(of citizen.Person) bool {
	same := func(a, b citizen.Text) bool {
		one := func(t citizen.Text) string { return strings.Join(strings.Fields(t.Reveal()), " ") }
		return a.IsZero() || strings.EqualFold(one(a), one(b))
	}
	return p.Organisation == "" && same(p.Surname, of.Surname) && same(p.Name, of.Name) && same(p.Patronymic, of.Patronymic)
}

// counters judges the counter-signatures of one signature. Their time is only
// claimed: the time stamp is over the signature they confirm, not over them.
func counters(sd *cms.SignedData, carried *trust.Carried, b *trust.Bundle, now time.Time) []CounterReport {
	var out []CounterReport
	for _, s := range sd.CounterSignatures() {
		r := CounterReport{
			Role: RoleOther, Claimed: s.SigningTime(),
			Signer:     Finding{Verdict: No, Reason: ReasonBroken},
			Revocation: Finding{Verdict: Unknown, Reason: ReasonNotAsked},
		}
		known := append(append([]*x509.Certificate{}, b.Agencies...), b.Portals...)
		cert, err := s.Certificate(known...)
		if err != nil {
			r.Signer = Finding{Verdict: Unknown, Reason: ReasonNoSigner}
			out = append(out, r)
			continue
		}
		r.Cert = cert
		if _, err := s.Verify(known...); err != nil {
			out = append(out, r)
			continue
		}
		use, id := useOf("", cert, b)
		q := trust.At(use, r.Claimed, false, now)
		q.Carried = carried
		cr := b.Check(cert, q)
		r.ID, r.Name = id, nameOf(use, cert)
		r.Signer, r.Revocation = cr.Chain, cr.Revocation
		if r.Role = counterRole(use, cert, cr); r.Role == RoleOther && r.Signer.Verdict == Yes {
			r.Signer = Finding{Verdict: No, Reason: ReasonCounter}
		}
		out = append(out, r)
	}
	return out
}

// counterRole says as what somebody confirms a signature: a kiosk, a portal, an
// agency, an assistant of a telecentre. Nobody else may.
func counterRole(use trust.Use, cert *x509.Certificate, cr trust.CertReport) Role {
	switch {
	case cr.Centre == nil:
	case use == trust.UseAgency:
		return RoleAgency
	case use == trust.UseDevice:
		return RoleKiosk
	case use == trust.UsePortal:
		return RolePortal
	case cr.Centre.Kind == trust.KindCitizens && trust.Unit(cert) == trust.UnitAssistant:
		return RoleAssistant
	}
	return RoleOther
}
