package edoc_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// authorities are time-stamping authorities that the vectors' bundle lists by
// somebody's mistake, or did not strike out.
type authorities struct{ notCritical, twoUses, anyUse, expired, revoked, revokedLater, held specimen.Identity }

// makeAuthorities certifies them; it revokes what is to be revoked.
func (m *maker) makeAuthorities() {
	m.t.Helper()
	w := m.w
	usage := asn1.ObjectIdentifier{2, 5, 29, 37}
	stamping := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
	n := int64(7000)
	issue := func(cn string, critical bool, from, to time.Time, uses ...asn1.ObjectIdentifier) specimen.Identity {
		n++
		return m.certify(w.Infrastructure, n, func(t *x509.Certificate) {
			t.Subject = pkix.Name{Country: []string{"TM"}, Organization: []string{"SPECIMEN"}, CommonName: "SPECIMEN " + cn}
			t.KeyUsage = x509.KeyUsageContentCommitment | x509.KeyUsageDigitalSignature
			t.NotBefore, t.NotAfter = from, to
			t.ExtraExtensions = []pkix.Extension{{Id: usage, Critical: critical, Value: derOf(uses)}}
		})
	}
	from, to := now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)
	m.tsa = authorities{
		notCritical:  issue("Stamps, not critical", false, from, to, stamping),
		twoUses:      issue("Stamps and mail", true, from, to, stamping, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 4}),
		anyUse:       issue("Everything", true, from, to, asn1.ObjectIdentifier{2, 5, 29, 37, 0}),
		expired:      issue("Stamps of before", true, now.AddDate(-3, 0, 0), now.AddDate(-1, 0, 0), stamping),
		revoked:      issue("Stamps, revoked", true, from, to, stamping),
		revokedLater: issue("Stamps, key lost", true, from, to, stamping),
		held:         issue("Stamps, on hold", true, from, to, stamping),
	}
	if err := w.Revoke(m.tsa.held.Cert, now.Add(-time.Hour), true); err != nil {
		m.t.Fatal(err)
	}
	for cert, at := range map[*x509.Certificate]time.Time{
		m.tsa.revoked.Cert: now.AddDate(0, -1, 0), m.tsa.revokedLater.Cert: now.Add(-time.Minute),
	} {
		if err := w.Revoke(cert, at, false); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (a authorities) list() []*x509.Certificate {
	return []*x509.Certificate{a.notCritical.Cert, a.twoUses.Cert, a.anyUse.Cert, a.expired.Cert, a.revoked.Cert, a.revokedLater.Cert, a.held.Cert}
}

// tstInfo names the parts of a TSTInfo.
type tstInfo struct{ *node }

func (i tstInfo) insert(at int, n *node) { i.kids = slices.Insert(i.kids, at, n) }

func (m *maker) hostileTokens() {
	imprint := sha256.Sum256([]byte("a signature value"))
	over := "imprint: " + edoc.ID(imprint).String()
	const (
		broken   = "token failure"
		stranger = "token of a stranger"
		bad      = "token does not verify"
	)
	add := func(name, rule, expect, why, story string, token []byte) {
		m.hostile("token", "token-"+name, "token", rule, expect, why, story, token, over)
	}
	a, err := tsp.NewAuthority(m.w.TSA.Signer(), func() time.Time { return now })
	if err != nil {
		m.t.Fatal(err)
	}
	good, _, err := a.Stamp(m.t.Context(), imprint)
	if err != nil {
		m.t.Fatal(err)
	}
	info := func() tstInfo { return tstInfo{derTree(m.t, p7s{derTree(m.t, good)}.data().at(2, 1, 0).body)} }
	by := func(id specimen.Identity, i []byte) []byte {
		token, err := cms.SignAttached(cms.OIDTSTInfo, i, cms.Signer{Key: id.Key, Cert: id.Cert})
		if err != nil {
			m.t.Fatal(err)
		}
		return token
	}
	says := func(name, rule, expect, story string, change func(i tstInfo)) {
		i := info()
		change(i)
		add(name, rule, expect, "", story, by(m.w.TSA, i.bytes()))
	}
	const (
		iVersion = iota
		iPolicy
		iImprint
		iSerial
		iTime
		iAccuracy
	)
	says("version", "ED-TSP-1", broken, "version 2 of what is stamped", func(i tstInfo) { i.at(iVersion).body = []byte{2} })
	says("no-policy", "ED-TSP-1", broken, "no policy", func(i tstInfo) { i.kids = slices.Delete(i.kids, iPolicy, iPolicy+1) })
	says("no-serial", "ED-TSP-1", broken, "no serial number", func(i tstInfo) { i.kids = slices.Delete(i.kids, iSerial, iSerial+1) })
	says("no-time", "ED-TSP-1", broken, "no time", func(i tstInfo) { i.kids = slices.Delete(i.kids, iTime, iTime+1) })
	times := func(name, story string, tag byte, value string) {
		says("time-"+name, "ED-TSP-1", broken, story, func(i tstInfo) { i.kids[iTime] = &node{tag: tag, body: []byte(value)} })
	}
	times("fraction-zero", "a fraction that ends with a zero: two encodings of one time", 0x18, "20260615093000.50Z")
	times("fraction-empty", "a point and no fraction", 0x18, "20260615093000.Z")
	times("comma", "a comma before the fraction", 0x18, "20260615093000,5Z")
	times("offset", "a time with an offset", 0x18, "20260615143000+0500")
	times("local", "a time of no zone", 0x18, "20260615093000")
	times("utctime", "a UTCTime: of which century?", 0x17, "260615093000Z")
	times("no-seconds", "a time without seconds", 0x18, "202606150930Z")
	times("impossible", "the 31st of February", 0x18, "20260231093000Z")
	sha1Sum := sha1.Sum([]byte("a signature value"))
	says("imprint-sha1", "ED-TSP-1", broken, "the imprint is in SHA-1", func(i tstInfo) {
		i.kids[iImprint] = seq(seq(oidNode(oidSHA1...)), octets(sha1Sum[:]))
	})
	says("imprint-sha1-labelled", "ED-TSP-1", broken, "20 bytes that say they are SHA-256", func(i tstInfo) { i.at(iImprint).kids[1] = octets(sha1Sum[:]) })
	says("imprint-short", "ED-TSP-1", broken, "half of the imprint", func(i tstInfo) { i.at(iImprint).kids[1] = octets(imprint[:16]) })
	says("imprint-long", "ED-TSP-1", broken, "the imprint and a byte", func(i tstInfo) { i.at(iImprint).kids[1] = octets(append(imprint[:], 0)) })
	says("imprint-empty", "ED-TSP-1", broken, "an imprint of no bytes, over everything", func(i tstInfo) { i.at(iImprint).kids[1] = octets(nil) })
	says("imprint-sha512-label", "ED-TSP-1", broken, "SHA-256 that says it is SHA-512", func(i tstInfo) {
		i.at(iImprint, 0).kids = []*node{oidNode(oidSHA512...)}
	})
	accuracy := func(name, story string, kids ...*node) {
		says("accuracy-"+name, "ED-TSP-5", broken, story, func(i tstInfo) { i.kids[iAccuracy] = seq(kids...) })
	}
	accuracy("negative", "accurate to less than nothing: the time could be moved both ways", &node{tag: 2, body: []byte{0xff}})
	accuracy("millis", "more milliseconds than a second has", &node{tag: 2, body: []byte{1}}, &node{tag: 0x80, body: []byte{0x03, 0xe8}})
	accuracy("garbage", "something else where the accuracy belongs", octets([]byte("exact")))
	says("ordering-false", "ED-TSP-5", broken, "a default that DER leaves out", func(i tstInfo) { i.insert(iAccuracy+1, &node{tag: 1, body: []byte{0}}) })
	says("nonce-twice", "ED-TSP-1", broken, "two nonces", func(i tstInfo) {
		i.kids = append(i.kids[:iAccuracy+1:iAccuracy+1], &node{tag: 2, body: []byte{1}}, &node{tag: 2, body: []byte{2}})
	})
	says("extension", "ED-TSP-1", broken, "an extension, which could change what is said", func(i tstInfo) {
		i.kids = append(i.kids, &node{tag: 0xa1, kids: []*node{seq(oidNode(1, 2, 3, 4), &node{tag: 1, body: []byte{0xff}}, octets([]byte{5, 0}))}})
	})
	says("field", "ED-TSP-1", broken, "a field that is not known", func(i tstInfo) { i.kids = append(i.kids, octets([]byte("x"))) })
	add("trailing", "ED-TSP-1", broken, "", "something follows what is stamped", by(m.w.TSA, append(info().bytes(), 0)))
	add("info-indefinite", "ED-TSP-1", broken, "", "what is stamped has indefinite length", by(m.w.TSA, indefinite(info().node).raw))

	spoil := func(name, rule, expect, story string, change func(p p7s)) {
		p := p7s{derTree(m.t, good)}
		change(p)
		add(name, rule, expect, "", story, p.root.bytes())
	}
	spoil("two-signers", "ED-TSP-2", broken, "two signers: the authority and someone", func(p p7s) {
		p.data().at(4).kids = append(p.data().at(4).kids, p.signer())
	})
	spoil("version-1", "ED-TSP-1", broken, "version 1, though the content is no data", func(p p7s) { p.data().at(0).body = []byte{1} })
	spoil("detached", "ED-TSP-1", broken, "what is stamped is not inside", func(p p7s) { p.data().at(2).kids = p.data().at(2).kids[:1] })
	spoil("type", "ED-TSP-1", broken, "what is stamped says it is data", func(p p7s) { p.data().at(2).kids[0] = oidNode(1, 2, 840, 113549, 1, 7, 1) })
	spoil("time-changed", "ED-TSP-2", bad, "the time was changed after stamping", func(p p7s) {
		o := p.data().at(2, 1, 0)
		o.body = bytes.Replace(o.body, []byte("20260615"), []byte("20250615"), 1)
	})
	spoil("no-attributes", "ED-SIG-3", broken, "without signed attributes", func(p p7s) { p.signer().kids = slices.Delete(p.signer().kids, 3, 4) })
	spoil("unsigned-stamp", "ED-TSP-5", broken, "a token in a token", func(p p7s) {
		t := derTree(m.t, good)
		p.signer().kids = append(p.signer().kids, &node{tag: 0xa1, kids: []*node{seq(oidNode(1, 2, 840, 113549, 1, 9, 16, 2, 14), set(t))}})
	})
	spoil("certificate-exchanged", "ED-TSP-2", "ok", "with a stranger's certificate inside: the bundle's counts", func(p p7s) {
		p.certs().kids = []*node{{raw: card(m.t, m.w, "citizen-2").Slots[specimen.SlotSign].Cert.Raw}}
	})
	h := m.hostileSigner()
	add("document-signature", "ED-TSP-1", broken, "", "a signature of a document where a token belongs", h.good)
	add("by-citizen", "ED-TSP-2", stranger, "", "a citizen stamps his own signature", by(card(m.t, m.w, "citizen-1").Slots[specimen.SlotSign], info().bytes()))
	add("usage-not-critical", "ED-TSP-3", stranger, "", "the use for time stamps is not critical", by(m.tsa.notCritical, info().bytes()))
	add("usage-two", "ED-TSP-3", stranger, "", "the key is for mail too", by(m.tsa.twoUses, info().bytes()))
	add("usage-any", "ED-TSP-3", stranger, "", "the key is for everything", by(m.tsa.anyUse, info().bytes()))
	add("expired", "ED-TSP-4", stranger, "", "the authority's certificate was over at the time it states", by(m.tsa.expired, info().bytes()))
	m.hostileStamps()
}

// hostileStamps are documents with a time stamp that is in order by itself.
func (m *maker) hostileStamps() {
	c, _ := m.good()
	at := func(id specimen.Identity, when time.Time) []byte {
		a, err := tsp.NewAuthority(id.Signer(), func() time.Time { return when })
		if err != nil {
			m.t.Fatal(err)
		}
		token, _, err := a.Stamp(m.t.Context(), c.SignatureDigest())
		if err != nil {
			m.t.Fatal(err)
		}
		return token
	}
	add := func(name, rule, stamp, story string, token []byte, more ...string) {
		m.hostile("token", "verify-stamp-"+name, "container", rule, "whole yes ok, signer yes ok, revocation yes ok, stamp "+stamp, "", story,
			m.replaced(c, c.Signatures()[0].WithTimeStamp(token).Bytes()), more...)
	}
	add("revoked", "ED-TSP-2 ED-VER-8", "no stamp.foreign", "the authority's certificate was cancelled before it stamped", at(m.tsa.revoked, now))
	add("key-lost", "ED-TSP-6 ED-VER-8", "no stamp.foreign", "the authority's key was cancelled after the time it states, no harmless reason given: whoever has it now states any time",
		at(m.tsa.revokedLater, now.Add(-time.Hour)))
	add("future", "ED-TSP-7 ED-VER-8", "unknown stamp.future", "the time stamp is of the day after tomorrow", at(m.w.TSA, now.AddDate(0, 0, 2)))
	add("near-future", "ED-TSP-7", "yes ok", "the time stamp is of a minute ahead: clocks differ", at(m.w.TSA, now.Add(time.Minute)))
	imprint := sha256.Sum256(c.Manifest())
	a := authority(m.t, m.w, now)
	overManifest, _, err := a.Stamp(m.t.Context(), imprint)
	if err != nil {
		m.t.Fatal(err)
	}
	add("over-manifest", "ED-TSP-1 ED-VER-8", "no stamp.broken", "a time stamp over the manifest, not over the signature: the signature could be of later", overManifest)
	add("garbage", "ED-VER-8", "no stamp.broken", "something that is no token", seq(oidNode(1, 2, 3)).bytes())
}
