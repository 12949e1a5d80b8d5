package edoc_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// listOf is a revocation list of a centre, with what change makes of it.
func (m *maker) listOf(ca specimen.Identity, at time.Time, change func(l *x509.RevocationList)) []byte {
	m.t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(88), ThisUpdate: at, NextUpdate: at.AddDate(0, 0, 30)}
	if change != nil {
		change(l)
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, ca.Cert, ca.Key)
	if err != nil {
		m.t.Fatal(err)
	}
	return der
}

// revocations are stories of lists and responses that a signature carries, which
// a reader of the newest alone gets wrong. The signature is of now, stamped an
// hour later, and looked at half a year after.
func (m *maker) revocations() {
	id := m.certify(m.w.Citizens, 9031, m.signing())
	doc := m.stamped(m.by(id, now), authority(m.t, m.w, now.Add(time.Hour)))
	add := func(name, spec, revocation, comment string, at time.Time, crls, ocsps [][]byte) {
		m.t.Helper()
		sd := doc.Signatures()[0].WithValidation(nil, crls, ocsps)
		if len(sd.CRLs())+len(sd.OCSPs()) != len(crls)+len(ocsps) {
			m.t.Fatalf("%s: not everything is carried", name)
		}
		m.add("carried-"+name, "container", spec, "whole yes ok, signer yes ok, revocation "+revocation+", stamp yes ok", comment,
			m.replaced(doc, sd.Bytes()), "now: "+at.Format(time.RFC3339))
	}
	hour := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	later := now.AddDate(0, 6, 0)
	type entry = x509.RevocationListEntry
	list := func(at time.Time, entries ...entry) []byte {
		return m.listOf(m.w.Citizens, at, func(l *x509.RevocationList) { l.RevokedCertificateEntries = entries })
	}
	says := func(since time.Time, reason int) entry {
		return entry{SerialNumber: id.Cert.SerialNumber, RevocationTime: since, ReasonCode: reason}
	}
	const hold, removed, keyLost = 6, 8, 1
	heldFirst := list(hour(2), says(now, hold))

	add("hold-cancelled", "ED-VER-15", "no cert.revoked", "on hold when it was signed, and cancelled later without being restored", later,
		[][]byte{heldFirst, list(hour(4), says(hour(3), keyLost))}, nil)
	add("hold-again", "ED-VER-15", "no cert.suspended_then", "on hold when it was signed, restored, and on hold again", later,
		[][]byte{heldFirst, list(hour(4), says(hour(3), hold))}, nil)
	add("hold-cancelled-between", "ED-VER-15", "unknown cert.suspended_then", "a hold before the signature, and a cancellation after it: nothing says whether it was lifted meanwhile", later,
		[][]byte{list(now, says(hour(-1), hold)), list(hour(4), says(hour(3), keyLost))}, nil)
	add("crl-twice", "ED-TRU-6", "no cert.revoked", "one list cancels the certificate, and names it once more as restored", later,
		[][]byte{list(hour(2), says(now, keyLost), says(hour(1), removed))}, nil)
	narrow := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Value: []byte{0x30, 3, 0x82, 1, 0xff}}
	add("crl-narrow", "ED-TRU-6", "unknown crl.stale", "a list of centres' certificates alone, whose centre forgot to say that this is critical", later,
		[][]byte{m.listOf(m.w.Citizens, hour(2), func(l *x509.RevocationList) { l.ExtraExtensions = []pkix.Extension{narrow} })}, nil)
	add("crl-sha1", "ED-TRU-6", "unknown crl.stale", "a list signed with SHA-1", later,
		[][]byte{m.listOf(m.w.Citizens, hour(2), func(l *x509.RevocationList) { l.SignatureAlgorithm = x509.ECDSAWithSHA1 })}, nil)
	add("crl-old-key", "ED-VER-23", "unknown crl.stale", "a list by the centre's old key, whose time was over when the list was made", later,
		[][]byte{m.listOf(m.b.oldKey, hour(2), nil)}, nil)

	answer := func(at time.Time, status int, ext ...pkix.Extension) []byte {
		der, err := ocsp.CreateResponse(m.w.Citizens.Cert, m.w.Citizens.Cert, ocsp.Response{
			Status: status, SerialNumber: id.Cert.SerialNumber, ThisUpdate: at, NextUpdate: at.AddDate(0, 0, 7),
			IssuerHash: crypto.SHA256, ExtraExtensions: ext,
		}, m.w.Citizens.Key)
		if err != nil {
			m.t.Fatal(err)
		}
		return der
	}
	one := func(b []byte) [][]byte { return [][]byte{b} }
	add("hold-unheard", "ED-VER-12 ED-VER-14", "no cert.hold_over", "on hold by a list; a newer response does not know the certificate", later,
		one(heldFirst), one(answer(hour(3), ocsp.Unknown)))
	over := id.Cert.NotAfter
	add("ocsp-after-end", "ED-VER-13", "unknown crl.stale", "a response from after the certificate's end: «good» says nothing of it any more", over.AddDate(0, 0, 2),
		nil, one(answer(over.AddDate(0, 0, 1), ocsp.Good)))
	cutoff := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 6}, Value: append([]byte{0x18, 15}, now.Format("20060102150405Z")...)}
	add("ocsp-archive", "ED-VER-13", "yes ok", "the same, of a responder that still knows what ended since", over.AddDate(0, 0, 2),
		nil, one(answer(over.AddDate(0, 0, 1), ocsp.Good, cutoff)))

	// A time-stamping authority on hold: nobody says who has its key.
	stamper, err := tsp.NewAuthority(m.tsa.held.Signer(), func() time.Time { return now.Add(-2 * time.Hour) })
	if err != nil {
		m.t.Fatal(err)
	}
	held := m.stamped(doc.WithoutStamp(), stamper)
	m.add("stamp-on-hold", "container", "ED-TSP-6", "whole yes ok, signer yes ok, revocation yes ok, stamp no stamp.foreign",
		"by an authority that is on hold, of a time before that", held.Bytes())
}

// holders are documents whose words say more than the certificate does.
func (m *maker) holders() {
	c1 := card(m.t, m.w, "citizen-1")
	id := c1.Slots[specimen.SlotSign]
	add := func(name, signer, comment string, change func(d *edoc.Document)) {
		d := request(c1)
		change(d)
		m.add("holder-"+name, "container", "ED-VER-6", "whole yes ok, signer "+signer+", revocation yes ok"+noStamp, comment, sign(m.t, d, id.Signer(), now).Bytes())
	}
	const not = "no signer.not_sender"
	add("surname", not, "the holder's own identifier, and another's surname", func(d *edoc.Document) { d.Sender.Surname = citizen.NewText("Başgaýew") })
	add("patronymic", not, "another patronymic", func(d *edoc.Document) { d.Sender.Patronymic = citizen.NewText("Başgaýewiç") })
	add("organisation", not, "he signs for an organisation; his certificate gives no powers", func(d *edoc.Document) { d.Sender.Organisation = "NUSGA bank" })
	add("unnamed", "yes ok", "the identifier alone", func(d *edoc.Document) {
		d.Sender.Surname, d.Sender.Name, d.Sender.Patronymic = citizen.Text{}, citizen.Text{}, citizen.Text{}
	})
	m.add("holder-usage", "container", "ED-VER-4", "whole yes ok, signer no cert.wrong_use, revocation yes ok"+noStamp, "a key usage for binding signatures, and an extended one, critical, for logging in alone",
		m.person(m.w.Citizens, 9032, now, func(t *x509.Certificate) {
			t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: derOf([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 2}})}}
		}).Bytes())
	m.add("holder-seal", "seal", "ED-SEAL-4", "no limit.service", "a seal for a service that is outside the agency's certificate", []byte(m.seal(m.copySeal("school"), m.b.limited).Text()))
}
