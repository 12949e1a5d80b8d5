package edoc_test

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// makeWorld makes the world of the vectors: beside the usual one, an agency is
// wrongly among the time-stamping authorities, citizen-3 is revoked an hour
// before now, and one seal is revoked.
func (m *maker) makeWorld() {
	c3 := card(m.t, m.w, "citizen-3").Slots[specimen.SlotSign]
	if err := m.w.Revoke(c3.Cert, now.Add(-time.Hour), false); err != nil {
		m.t.Fatal(err)
	}
	m.makeAuthorities()
	m.makeBranches()
	b := *m.w.Trust()
	b.Version++
	m.listBranches(&b)
	b.TSA = append(slices.Clip(b.TSA), append(m.tsa.list(), m.w.Agencies["ombudsman"].Cert)...)
	id := m.seal(m.copySeal("revoked"), m.w.Agencies["civil-registry"]).ID()
	b.RevokedSeals = [][]byte{id[:]}
	if err := m.w.Publish(&b); err != nil {
		m.t.Fatal(err)
	}
}

func (m *maker) trusts() {
	w := m.w
	m.add("bundle-good", "bundle", "ED-TRU-1", "ok", "of the register", w.Bundle())
	m.add("bundle-rollback", "bundle", "ED-TRU-2", "rollback", "a newer one is known", w.Bundle(), "least: 99")
	b := *w.Trust()
	encode := func(b trust.Bundle, s cms.Signer) []byte {
		signed, err := b.Encode(s)
		if err != nil {
			m.t.Fatal(err)
		}
		return signed
	}
	m.add("bundle-by-portal", "bundle", "ED-TRU-1", "bundle refused", "signed by the portal, which is not the register", encode(b, w.PortalReceipt.Signer()))
	stranger, err := specimen.New(now)
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("bundle-stranger", "bundle", "ED-TRU-1", "bundle refused", "of another root", stranger.Bundle())
	late := b
	late.Issued = now.AddDate(3, 0, 0)
	m.add("bundle-late", "bundle", "ED-TRU-1", "bundle refused", "issued after the end of the register's certificate", encode(late, w.Register.Signer()))
	own := b
	own.CRLs = [][]byte{m.crl(w.Infrastructure, 2, nil, w.Register.Cert)}
	m.add("bundle-revokes-register", "bundle", "ED-TRU-1", "bundle refused", "revokes the certificate it is signed with", encode(own, w.Register.Signer()))
	own.CRLs = [][]byte{m.crl(stranger.Citizens, 2, nil)}
	m.add("bundle-crl-stranger", "bundle", "ED-TRU-6", "bundle refused", "a revocation list of a centre that is not in it", encode(own, w.Register.Signer()))
	own.CRLs = [][]byte{m.crl(w.Citizens, 2, []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}})}
	own.CRLs = [][]byte{m.crl(w.Citizens, 2, []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Value: []byte{2, 1, 1}}})}
	m.add("bundle-crl-delta-quiet", "bundle", "ED-TRU-6", "bundle refused", "a delta whose centre forgot to say that this is critical", encode(own, w.Register.Signer()))
	own.CRLs = [][]byte{m.listOf(w.Citizens, now, func(l *x509.RevocationList) { l.SignatureAlgorithm = x509.ECDSAWithSHA1 })}
	m.add("bundle-crl-sha1", "bundle", "ED-TRU-6", "bundle refused", "a revocation list signed with SHA-1", encode(own, w.Register.Signer()))
	own.CRLs = [][]byte{m.crl(w.Citizens, 2, []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}})}
	m.add("bundle-crl-delta", "bundle", "ED-TRU-6", "bundle refused", "a delta as if it were a whole revocation list", encode(own, w.Register.Signer()))

	object := func(kind string, s cms.Signer) []byte {
		signed, err := trust.SignObjectAt(kind, []byte("{}"), s, now)
		if err != nil {
			m.t.Fatal(err)
		}
		return signed
	}
	cat := object("catalogue", w.Register.Signer())
	m.add("object-catalogue", "object", "ED-TRU-5", "ok", "a catalogue of the register", cat, "object: catalogue")
	m.add("object-kind", "object", "ED-TRU-4", "object refused", "a catalogue as a beacon", cat, "object: beacon")
	var parts []any
	if err := dcbor.Unmarshal(cat, &parts); err != nil {
		m.t.Fatal(err)
	}
	parts[0] = "beacon"
	renamed, err := dcbor.Marshal(parts)
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("object-renamed", "object", "ED-TRU-4", "object refused", "a catalogue renamed to a beacon", renamed, "object: beacon")
	m.add("object-portal", "object", "ED-TRU-5", "object refused", "a catalogue of the portal", object("catalogue", w.PortalReceipt.Signer()), "object: catalogue")
	m.add("object-beacon", "object", "ED-TRU-5", "ok", "a beacon of the portal", object("beacon", w.PortalReceipt.Signer()), "object: beacon")
	m.add("object-device", "object", "ED-TRU-5", "object refused", "a beacon of a kiosk", object("beacon", w.Device.Signing.Signer()), "object: beacon")
	// 0x83 is an array of three; 0x9f … 0xff the same of indefinite length.
	loose := append(append([]byte{0x9f}, cat[1:]...), 0xff)
	m.add("object-indefinite", "object", "ED-TRU-3", "object refused", "an array of indefinite length", loose, "object: catalogue")
	// Signed by the register, but with a key that is not known.
	payload, err := dcbor.Marshal(map[int]any{1: 1, 2: now.Unix(), 3: []any{}, 99: true})
	if err != nil {
		m.t.Fatal(err)
	}
	extra, err := trust.SignObjectAt("trust", payload, w.Register.Signer(), now)
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("bundle-unknown-key", "bundle", "ED-TRU-3", "bundle refused", "an unknown key", extra)
}

func (m *maker) crl(ca specimen.Identity, number int64, ext []pkix.Extension, revoked ...*x509.Certificate) []byte {
	l := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: now, NextUpdate: now.AddDate(0, 1, 0), ExtraExtensions: ext}
	for _, c := range revoked {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: now.Add(-time.Hour)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, ca.Cert, ca.Key)
	if err != nil {
		m.t.Fatal(err)
	}
	return der
}

func (m *maker) verifications() {
	w := m.w
	by := func(name string, slot byte, at time.Time) *edoc.Container {
		c := card(m.t, w, name)
		return sign(m.t, request(c), c.Slots[slot].Signer(), at)
	}
	at := func(t time.Time) string { return "now: " + t.Format(time.RFC3339) }
	add := func(name, spec, expect, comment string, b []byte, more ...string) {
		m.add("verify-"+name, "container", spec, expect, comment, b, more...)
	}
	const none = ", stamp unknown stamp.none"
	add("foreign", "ED-VER-1", "whole yes ok, signer no cert.foreign, revocation unknown crl.none"+none, "of a centre that is not in the bundle", by("foreign", specimen.SlotSign, now).Bytes())
	add("expired", "ED-VER-2", "whole yes ok, signer no cert.expired, revocation unknown crl.late"+none, "the certificate was over when signing", by("expired", specimen.SlotSign, now).Bytes())
	early := by("citizen-1", specimen.SlotSign, time.Unix(60, 0))
	add("clock-1970", "ED-VER-2", "whole yes ok, signer unknown cert.not_yet_valid, revocation yes ok"+none, "the claimed time is in 1970", early.Bytes())
	add("clock-1970-stamped", "ED-VER-2", "whole yes ok, signer yes ok, revocation yes ok, stamp yes ok", "the claimed time is in 1970, the time stamp is right", m.stamped(early, authority(m.t, w, now)).Bytes())

	// Research 1.5, forgery 3: libraries that check the chain at the claimed
	// time let an expired key sign for ever.
	add("backdated", "ED-VER-3", "whole yes ok, signer unknown cert.expired_since, revocation unknown crl.late"+none, "forgery: an expired key claims a time when it was in force",
		by("expired", specimen.SlotSign, now.AddDate(0, -6, 0)).Bytes())
	add("later", "ED-VER-3 ED-VER-7", "whole yes ok, signer unknown cert.expired_since, revocation unknown crl.stale"+none, "provisional still, years later", by("citizen-1", specimen.SlotSign, now).Bytes(), at(now.AddDate(5, 0, 0)))
	stamped := m.stamped(by("citizen-1", specimen.SlotSign, now), authority(m.t, w, now.Add(time.Hour)))
	add("stamped-later", "ED-VER-2 ED-VER-7", "whole yes ok, signer yes ok, revocation unknown crl.stale, stamp yes ok", "with a time stamp, years later", stamped.Bytes(), at(now.AddDate(5, 0, 0)))

	add("login-key", "ED-VER-4", "whole yes ok, signer no cert.wrong_use, revocation yes ok"+none, "signed with the key for logging in", by("citizen-1", specimen.SlotAuth, now).Bytes())
	agency := w.Agencies["civil-registry"]
	c := card(m.t, w, "citizen-1")
	req := request(c)
	add("request-by-agency", "ED-VER-4", "whole yes ok, signer no cert.wrong_use, revocation yes ok"+none, "an agency signs a citizen's request", sign(m.t, req, agency.Signer(), now).Bytes())
	ans := answer(by("citizen-1", specimen.SlotSign, now))
	add("answer", "ED-VER-4 ED-VER-6", accepted, "an answer by the agency", sign(m.t, ans, agency.Signer(), now).Bytes())
	add("answer-by-citizen", "ED-VER-4", "whole yes ok, signer no cert.wrong_use, revocation yes ok"+none, "an answer signed by a citizen", sign(m.t, ans, c.Slots[specimen.SlotSign].Signer(), now).Bytes())
	add("answer-by-other", "ED-VER-6", "whole yes ok, signer no signer.not_sender, revocation yes ok"+none, "an answer in the name of another agency", sign(m.t, ans, w.Agencies["ombudsman"].Signer(), now).Bytes())
	anon := request(c)
	anon.Sender = edoc.Party{}
	add("kiosk", "ED-VER-4 ED-VER-6", accepted, "a complaint with no name, signed by the kiosk", sign(m.t, anon, w.Device.Signing.Signer(), now).Bytes())
	add("kiosk-tls-key", "ED-VER-4", "whole yes ok, signer no cert.wrong_use, revocation yes ok"+none, "signed with the kiosk's TLS key", sign(m.t, anon, w.Device.TLS.Signer(), now).Bytes())
	anon.Kiosk = "K-000002"
	add("kiosk-other", "ED-VER-6", "whole yes ok, signer no signer.not_sender, revocation yes ok"+none, "the document says it is of another kiosk", sign(m.t, anon, w.Device.Signing.Signer(), now).Bytes())
	for2 := request(c)
	add("impersonation", "ED-VER-6", "whole yes ok, signer no signer.not_sender, revocation yes ok"+none, "citizen-2 signs in the name of citizen-1",
		sign(m.t, for2, card(m.t, w, "citizen-2").Slots[specimen.SlotSign].Signer(), now).Bytes())

	add("suspended", "ED-VER-5", "whole yes ok, signer yes ok, revocation no cert.suspended"+none, "the certificate is on hold", by("suspended", specimen.SlotSign, now).Bytes())
	add("revoked", "ED-VER-5", "whole yes ok, signer yes ok, revocation no cert.revoked"+none, "the certificate was cancelled an hour before", by("citizen-3", specimen.SlotSign, now).Bytes())
	before := by("citizen-3", specimen.SlotSign, now.Add(-2*time.Hour))
	add("revoked-since", "ED-VER-5", "whole yes ok, signer yes ok, revocation unknown cert.revoked_since"+none, "claims a time before the cancellation", before.Bytes())
	add("revoked-after-stamp", "ED-VER-5", "whole yes ok, signer yes ok, revocation yes ok, stamp yes ok", "stamped before the cancellation", m.stamped(before, authority(m.t, w, now.Add(-90*time.Minute))).Bytes())

	good := by("citizen-1", specimen.SlotSign, now)
	other := m.stamped(by("citizen-2", specimen.SlotSign, now), authority(m.t, w, now))
	add("stamp-of-other", "ED-VER-8 ED-TSP-1", "whole yes ok, signer yes ok, revocation yes ok, stamp no stamp.broken", "the time stamp of another signature",
		m.replaced(good, good.Signatures()[0].WithTimeStamp(other.Signatures()[0].TimeStamp()).Bytes()))
	stranger, err := specimen.New(now)
	if err != nil {
		m.t.Fatal(err)
	}
	add("stamp-foreign", "ED-VER-8 ED-TSP-2", "whole yes ok, signer yes ok, revocation yes ok, stamp no stamp.foreign", "the time stamp of a stranger", m.stamped(good, authority(m.t, stranger, now)).Bytes())
	add("signature-of-other", "ED-VER-9", "whole no signature.broken, signer unknown not.asked, revocation unknown not.asked"+none, "the signature of another document",
		m.replaced(good, by("citizen-2", specimen.SlotSign, now).Signatures()[0].Bytes()))
}

func (m *maker) copySeal(purpose string) seal.Seal {
	doc := sha256.Sum256([]byte("an answer"))
	return seal.Seal{
		Kind: seal.Copy, Issuer: "civil-registry", Service: "residence-certificate", Doc: doc[:], Date: now, Subject: "Aýna N.",
		Facts: [][2]string{{"address", "Aşgabat, NUSGA köçesi 7"}, {"since", "2011-03-02"}, {"purpose", purpose}}, Expires: now.AddDate(0, 6, 0),
	}
}

func (m *maker) receiptSeal() seal.Seal {
	doc := sha256.Sum256([]byte("a request"))
	return seal.Seal{
		Kind: seal.Receipt, Issuer: "K-000001", Service: "residence-certificate", Doc: doc[:], Date: now,
		Index: 1234, Size: 1300, Root: doc[8:24],
	}
}

func (m *maker) seal(s seal.Seal, by specimen.Identity) *seal.Sealed {
	m.t.Helper()
	x, err := seal.Make(s, by.Key, by.Cert)
	if err != nil {
		m.t.Fatal(err)
	}
	return x
}

func (m *maker) seals() {
	w := m.w
	agency := w.Agencies["civil-registry"]
	good := m.seal(m.copySeal("school"), agency)
	add := func(name, spec, expect, comment, text string, more ...string) {
		m.add("seal-"+name, "seal", spec, expect, comment, []byte(text), more...)
	}
	add("copy", "ED-SEAL-1 ED-SEAL-5", "yes ok", "of a certified copy", good.URL("https://portal.specimen"))
	add("receipt", "ED-SEAL-3 ED-SEAL-4", "yes ok", "of a receipt", m.seal(m.receiptSeal(), w.Device.Signing).URL("https://portal.specimen"))
	add("bare-lower", "ED-SEAL-1", "yes ok", "the Base32 alone, in lower case", strings.ToLower(good.Text()))
	add("padded", "ED-SEAL-1", "seal failure", "padding", good.Text()+"=")
	add("spelling", "ED-SEAL-1", "seal failure", "bits at the end that decode to nothing", spell(good.Text()))
	if strings.Contains(spell(good.Text()), "unchanged") {
		m.t.Fatal("the seal has no spare bits")
	}

	untagged := good.Bytes()[1:]
	add("untagged", "ED-SEAL-2", "seal failure", "COSE_Sign1 without its tag", base32Text(untagged))
	p := good.Bytes()
	p[len(p)-1] ^= 1
	add("broken", "ED-SEAL-5", "no seal.broken", "one bit of the signature is another", base32Text(p))
	p = good.Bytes()
	p[strings.Index(string(p), "2011-03-02")+3]++
	add("changed", "ED-SEAL-5", "no seal.broken", "a fact was changed", base32Text(p))

	bad := m.receiptSeal()
	bad.Index, bad.Size, bad.Root = 0, 0, nil
	if _, err := seal.Make(bad, w.Device.Signing.Key, w.Device.Signing.Cert); err == nil {
		m.t.Error("a receipt without its place in the journal was sealed")
	}
	// A receipt that names someone: made by taking a copy's payload apart.
	add("receipt-with-subject", "ED-SEAL-3", "seal failure", "a copy that says it is a receipt", base32Text([]byte(strings.Replace(string(good.Bytes()), "\x01\x02\x02\x6e", "\x01\x01\x02\x6e", 1))))
	add("other-agency", "ED-SEAL-4", "no seal.not_issuer", "by another agency than it says", m.seal(m.copySeal("school"), w.Agencies["ombudsman"]).Text())
	add("by-kiosk", "ED-SEAL-4", "no seal.unknown_signer", "a copy certified by a kiosk", m.seal(m.copySeal("school"), w.Device.Signing).Text())
	stranger, err := specimen.New(now)
	if err != nil {
		m.t.Fatal(err)
	}
	add("stranger", "ED-SEAL-4", "no seal.unknown_signer", "by a stranger's key", m.seal(m.copySeal("school"), stranger.Agencies["civil-registry"]).Text())
	add("later", "ED-SEAL-4", "unknown cert.expired_since", "the agency's certificate is over", m.seal(noEnd(m.copySeal("school")), agency).Text(), "now: "+now.AddDate(5, 0, 0).Format(time.RFC3339))
	// Sealed again: another signature of the same statement.
	add("revoked", "ED-SEAL-6", "no seal.revoked", "revoked by its id; the signature is another than the revoked one's", m.seal(m.copySeal("revoked"), agency).Text())
	add("expired", "ED-SEAL-7", "no seal.expired", "after its end", good.Text(), "now: "+now.AddDate(0, 7, 0).Format(time.RFC3339))
}

func noEnd(s seal.Seal) seal.Seal {
	s.Expires = time.Time{}
	return s
}

func (m *maker) envelopes() {
	id, err := age.ParseX25519Identity(m.w.AgeIdentity)
	if err != nil {
		m.t.Fatal(err)
	}
	c1 := card(m.t, m.w, "citizen-1")
	both, err := envelope.Seal([]byte("for two"), m.w.AgeRecipient, c1.Recipient())
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("envelope-good", "envelope", "ED-ENV-1", "for two", "to the portal and to a card", both)
	alone, err := envelope.Seal([]byte("for one"), c1.Recipient())
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("envelope-other", "envelope", "ED-ENV-1", "for someone else", "to a card alone", alone)
	cut := both[:len(both)-1]
	m.add("envelope-cut", "envelope", "ED-ENV-1", "envelope failure", "the last byte is missing", cut)
	m.add("envelope-uncompressed", "envelope", "ED-ENV-1", "envelope failure", "not compressed", ageOf(m.t, []byte("plain"), id.Recipient()))
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		m.t.Fatal(err)
	}
	bomb := z.EncodeAll(make([]byte, envelope.MaxPlain+1), nil)
	m.add("envelope-bomb", "envelope", "ED-ENV-4", "envelope failure", "64 MiB and a byte of zeros", ageOf(m.t, bomb, id.Recipient()))

	r := c1.Recipient()
	m.add("recipient-card", "recipient", "ED-ENV-2", "ok", "a card's", []byte(r))
	m.add("recipient-portal", "recipient", "ED-ENV-2", "ok", "the portal's", []byte(m.w.AgeRecipient))
	m.add("recipient-checksum", "recipient", "ED-ENV-2", "recipient refused", "two symbols changed places", []byte(swapSymbols(r)))
	// x = 1 is on no point: 1 - 3 + b is not a square. Its checksum is right.
	m.add("recipient-not-on-curve", "recipient", "ED-ENV-2", "recipient refused", "a point that is not on the curve", []byte(notOnCurve(m.t)))
	m.add("recipient-ssh", "recipient", "ED-ENV-2", "recipient refused", "another kind of recipient", []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN"))

	code := edoc.ID(sha256.Sum256([]byte("a request"))).Code()
	forCode, err := envelope.SealForCode([]byte("for whoever knows the code"), code)
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("code-envelope", "code-envelope", "ED-ENV-3", "for whoever knows the code", "sealed to a code", forCode, "code: "+code)
	m.add("code-envelope-other", "code-envelope", "ED-ENV-3", "for someone else", "another code", forCode, "code: 0000000000")
	heavy, err := age.NewScryptRecipient(code)
	if err != nil {
		m.t.Fatal(err)
	}
	heavy.SetWorkFactor(16)
	m.add("code-envelope-heavy", "code-envelope", "ED-ENV-3", "envelope failure", "wants more work than allowed", ageOf(m.t, []byte("x"), heavy), "code: "+code)

	packet, err := envelope.Packet{Container: []byte("PK"), Seal: []byte{0xd2}}.Marshal()
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("packet-good", "packet", "ED-ENV-5", "ok", "container and seal", packet)
	m.add("packet-trailing", "packet", "ED-ENV-5", "packet failure", "a byte follows", append(slices.Clone(packet), 0))
	m.add("packet-empty", "packet", "ED-ENV-5", "packet failure", "no container", []byte{0xa0})
}

func (m *maker) codes() {
	id := edoc.ID(sha256.Sum256([]byte("a request")))
	code := id.Code()
	m.add("code-of-id", "code-of", "ED-CODE-1", code, "of the SHA-256 of «a request»", []byte(id.String()))
	secret := "00112233445566778899aabbccddeeff"
	b, err := hex.DecodeString(secret)
	if err != nil {
		m.t.Fatal(err)
	}
	sum := sha256.Sum256(slices.Concat([]byte("penjire-code/1"), id[:], b))
	m.add("code-of-secret", "code-of", "ED-CODE-4", edoc.CodeOf(sum[:]), "the same id, in a document with a secret", []byte(id.String()), "secret: "+secret)
	m.add("code-zero", "code-of", "ED-CODE-1", "0000000000", "of an id of zeros", []byte(strings.Repeat("0", 64)))
	m.add("code-one", "code-of", "ED-CODE-1", "G000000005", "the first bit alone: 16, times 2, is 32, which is 5", []byte("8"+strings.Repeat("0", 63)))
	m.add("code-typed", "code", "ED-CODE-2", code, "in lower case, with spaces, dot and hyphen", []byte(" "+strings.ToLower(code[:3])+"-"+code[3:5]+" · "+code[5:]))
	m.add("code-letters", "code", "ED-CODE-2", "0000000000", "O for 0", []byte("OOooO·00000"))
	wrong := []byte(code)
	if wrong[4]++; wrong[4] == ':' || wrong[4] == 'I' || wrong[4] == 'L' || wrong[4] == 'O' || wrong[4] == 'U' || wrong[4] == '[' {
		wrong[4] = '0'
	}
	m.add("code-wrong-symbol", "code", "ED-CODE-3", "not a code", "one symbol is another", wrong)
	swapped := []byte(code)
	for i := range 9 {
		if swapped[i] != swapped[i+1] {
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			break
		}
	}
	m.add("code-swapped", "code", "ED-CODE-3", "not a code", "two symbols changed places", swapped)
	m.add("code-short", "code", "ED-CODE-2", "not a code", "nine symbols", []byte(code[:9]))
	m.add("code-u", "code", "ED-CODE-2", "not a code", "U is not in the alphabet", []byte("U000000000"))
}
