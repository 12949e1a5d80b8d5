package edoc_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
)

// hostileCertificates are containers in order but for whose certificate it is.
func (m *maker) hostileCertificates() {
	w := m.w
	const none = ", stamp unknown stamp.none"
	c1 := card(m.t, w, "citizen-1")
	id := c1.Slots[specimen.SlotSign]
	// issue certifies a fresh key like citizen-1's certificate, but for change.
	issue := func(by specimen.Identity, change func(t *x509.Certificate)) specimen.Identity {
		return m.certify(by, 4711, func(t *x509.Certificate) {
			t.RawSubject, t.KeyUsage = id.Cert.RawSubject, x509.KeyUsageContentCommitment
			t.NotBefore, t.NotAfter = id.Cert.NotBefore, id.Cert.NotAfter
			change(t)
		})
	}
	same := func(*x509.Certificate) {}
	add := func(name, rule, expect, story string, s specimen.Identity) {
		m.hostile("certificate", "verify-"+name, "container", rule, expect+none, "", story, sign(m.t, request(c1), s.Signer(), now).Bytes())
	}
	const (
		foreign   = "whole yes ok, signer no cert.foreign, revocation unknown crl.none"
		wrongUse  = "whole yes ok, signer no cert.wrong_use, revocation yes ok"
		malformed = "whole yes ok, signer no cert.malformed, revocation yes ok"
	)
	m.add("verify-new-key", "container", "ED-VER-1", accepted, "the centre certified a new key of citizen-1: the others of these certificates differ from this one",
		sign(m.t, request(c1), issue(w.Citizens, same).Signer(), now).Bytes())
	// A centre of the same name: everything is as it should be but the key.
	rogue, err := specimen.New(now)
	if err != nil {
		m.t.Fatal(err)
	}
	add("rogue-centre", "ED-VER-1", foreign, "a stranger's centre of the same name certified a key for citizen-1", issue(rogue.Citizens, same))
	add("same-number", "ED-VER-1 ED-SIG-5", foreign, "issuer and serial number of citizen-1's certificate, another key, certified by a centre of the same name",
		issue(rogue.Citizens, func(t *x509.Certificate) { t.SerialNumber = id.Cert.SerialNumber }))
	add("by-citizen", "ED-VER-1", foreign, "a citizen's certificate used as if it were a centre's", issue(card(m.t, w, "citizen-2").Slots[specimen.SlotSign], same))
	add("by-kiosk", "ED-VER-1", foreign, "a kiosk's certificate used as if it were a centre's", issue(w.Device.Signing, same))
	add("by-root", "ED-VER-1", foreign, "the root itself certified it, past every centre", issue(w.Root, same))
	cross := issue(w.Citizens, func(t *x509.Certificate) {
		t.RawSubject, t.IsCA, t.KeyUsage = rogue.Citizens.Cert.RawSubject, true, x509.KeyUsageCertSign
	})
	add("cross-signed", "ED-VER-1", foreign, "a centre of the bundle cross-certified a stranger's centre: the bundle does not list it", issue(cross, same))
	add("by-agencies", "ED-VER-4", wrongUse, "the centre for agencies certified a citizen", issue(w.AgenciesCA, same))
	add("is-centre", "ED-VER-1", malformed, "the signer's certificate is one of a centre", issue(w.Citizens, func(t *x509.Certificate) {
		t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageContentCommitment
	}))
	add("critical", "ED-VER-1", malformed, "a critical extension that no one knows", issue(w.Citizens, func(t *x509.Certificate) {
		t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	}))
	add("not-yet", "ED-VER-2", "whole yes ok, signer unknown cert.not_yet_valid, revocation yes ok", "the certificate begins tomorrow", issue(w.Citizens, func(t *x509.Certificate) {
		t.NotBefore = now.AddDate(0, 0, 1)
	}))
	add("no-usage", "ED-VER-4", wrongUse, "no key usage at all: some readers take that for every use", issue(w.Citizens, func(t *x509.Certificate) { t.KeyUsage = 0 }))
	add("login-usage", "ED-VER-4", wrongUse, "a key for logging in, which signs what a server sends it", issue(w.Citizens, func(t *x509.Certificate) { t.KeyUsage = x509.KeyUsageDigitalSignature }))
	add("nameless", "ED-VER-6", "whole yes ok, signer no signer.unreadable, revocation yes ok", "a certificate that names no one", issue(w.Citizens, func(t *x509.Certificate) {
		t.RawSubject, t.Subject = nil, pkix.Name{CommonName: "NUSGA"}
	}))
	add("name-alone", "ED-VER-6", "whole yes ok, signer no signer.not_sender, revocation yes ok", "citizen-1's surname and name, the identifier of another", issue(w.Citizens, func(t *x509.Certificate) {
		t.RawSubject, t.Subject = nil, id.Cert.Subject
		for _, n := range id.Cert.Subject.Names { // surname and given name
			if len(n.Type) == 4 && (n.Type[3] == 4 || n.Type[3] == 42) {
				t.Subject.ExtraNames = append(t.Subject.ExtraNames, n)
			}
		}
		t.Subject.SerialNumber = "NUSGA00099"
	}))
	add("prefix", "ED-VER-6", "whole yes ok, signer no signer.unreadable, revocation yes ok", "an identifier that begins like citizen-1's", issue(w.Citizens, func(t *x509.Certificate) {
		t.RawSubject, t.Subject = nil, id.Cert.Subject
		for _, n := range id.Cert.Subject.Names { // surname and given name
			if len(n.Type) == 4 && (n.Type[3] == 4 || n.Type[3] == 42) {
				t.Subject.ExtraNames = append(t.Subject.ExtraNames, n)
			}
		}
		t.Subject.SerialNumber += "\x00X"
	}))
	add("kiosk-unit", "ED-VER-4", wrongUse, "a citizen's certificate that says it is a kiosk's", issue(w.Citizens, func(t *x509.Certificate) {
		t.RawSubject, t.Subject = nil, pkix.Name{CommonName: "SPECIMEN Kiosk K-000001", OrganizationalUnit: []string{"kiosk"}, SerialNumber: "K-000001"}
	}))
	add("kiosk-by-agencies", "ED-VER-4", wrongUse, "the centre for agencies certified a kiosk", issue(w.AgenciesCA, func(t *x509.Certificate) { t.RawSubject = w.Device.Signing.Cert.RawSubject }))
	add("kiosk-no-policy", "ED-VER-4", wrongUse, "a kiosk's certificate without the policy for signing", issue(w.Infrastructure, func(t *x509.Certificate) { t.RawSubject = w.Device.Signing.Cert.RawSubject }))

	future := sign(m.t, request(c1), id.Signer(), now.AddDate(3, 0, 0))
	m.hostile("certificate", "verify-claims-later", "container", "ED-VER-2", "whole yes ok, signer no cert.expired, revocation yes ok"+none, "", "claims a time after the certificate's end", future.Bytes())
	early := sign(m.t, request(c1), id.Signer(), now.AddDate(-3, 0, 0))
	m.hostile("certificate", "verify-claims-earlier", "container", "ED-VER-2", "whole yes ok, signer unknown cert.not_yet_valid, revocation yes ok"+none, "", "claims a time before the certificate began", early.Bytes())
	hold := sign(m.t, request(card(m.t, w, "suspended")), card(m.t, w, "suspended").Slots[specimen.SlotSign].Signer(), now.AddDate(0, 0, -7))
	m.hostile("certificate", "verify-suspended-backdated", "container", "ED-VER-5", "whole yes ok, signer yes ok, revocation unknown cert.suspended_since"+none, "",
		"a suspended key claims a time before the suspension", hold.Bytes())
	c3 := card(m.t, w, "citizen-3")
	late := m.stamped(sign(m.t, request(c3), c3.Slots[specimen.SlotSign].Signer(), now.Add(-2*time.Hour)), authority(m.t, w, now.Add(-time.Hour/2)))
	m.hostile("certificate", "verify-revoked-before-stamp", "container", "ED-VER-5", "whole yes ok, signer yes ok, revocation no cert.revoked, stamp yes ok", "",
		"claims a time before the cancellation, and is stamped after it", late.Bytes())
	exp := card(m.t, w, "expired")
	lateExp := m.stamped(sign(m.t, request(exp), exp.Slots[specimen.SlotSign].Signer(), now.AddDate(0, -6, 0)), authority(m.t, w, now))
	m.hostile("certificate", "verify-expired-before-stamp", "container", "ED-VER-2", "whole yes ok, signer no cert.expired, revocation unknown crl.late, stamp yes ok", "",
		"claims a time when the certificate was in force, and is stamped after its end", lateExp.Bytes())

	// Someone else's certificate put in the place of the signer's.
	c := sign(m.t, request(c1), id.Signer(), now)
	p := p7s{derTree(m.t, c.Signatures()[0].Bytes())}
	p.certs().kids = []*node{{raw: card(m.t, w, "citizen-2").Slots[specimen.SlotSign].Cert.Raw}}
	m.hostile("certificate", "verify-exchanged", "container", "ED-SIG-5", "whole unknown signer.missing, signer unknown not.asked, revocation unknown not.asked"+none, "",
		"the signer's certificate exchanged for another citizen's", m.replaced(c, p.root.bytes()))
	p.data().kids = slices.Delete(p.data().kids, 3, 4)
	m.hostile("certificate", "verify-no-certificate", "container", "ED-SIG-5", "whole unknown signer.missing, signer unknown not.asked, revocation unknown not.asked"+none, "",
		"without the signer's certificate, which no list has", m.replaced(c, p.root.bytes()))
}
