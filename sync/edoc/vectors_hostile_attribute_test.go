package edoc_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"github.com/penjire/penjire/sync/edoc/specimen"
)

func (m *maker) hostileAttributes() {
	h := m.hostileSigner()
	spoil := func(name, rule, expect, why, story string, change func(p p7s)) {
		h.spoil("attribute", name, rule, expect, why, story, true, change)
	}
	sum := sha256.Sum256(h.id.Cert.Raw)
	other := card(m.t, m.w, "citizen-2").Slots[specimen.SlotSign].Cert
	otherSum := sha256.Sum256(other.Raw)
	ess := func(p p7s) *node { return p.attr(attrCertV2...).at(1, 0, 0) } // the list of ESSCertIDv2
	name := func(c *x509.Certificate) *node { return &node{tag: 0xa4, kids: []*node{{raw: c.RawIssuer}}} }

	spoil("ess-serial", "ED-SIG-5", noVerify, "", "the digest of the certificate fits, the serial number beside it does not", func(p p7s) {
		e := ess(p).at(0)
		e.kids[len(e.kids)-1] = seq(seq(name(h.id.Cert)), &node{tag: 2, body: []byte{77}})
	})
	spoil("ess-issuer", "ED-SIG-5", noVerify, "", "the digest of the certificate fits, the issuer beside it does not", func(p p7s) {
		e := ess(p).at(0)
		e.kids[len(e.kids)-1] = seq(seq(name(m.w.AgenciesCA.Cert)), &node{raw: derOf(h.id.Cert.SerialNumber)})
	})
	spoil("ess-digest", "ED-SIG-5", noVerify, "", "issuer and number fit, the digest is of another certificate", func(p p7s) {
		e := ess(p).at(0)
		e.kids[0] = octets(otherSum[:])
	})
	spoil("ess-second", "ED-SIG-5", noVerify, "", "the certificate is named second, after another", func(p p7s) {
		ess(p).kids = append([]*node{seq(octets(otherSum[:]))}, ess(p).kids...)
	})
	spoil("ess-empty", "ED-SIG-5", refused, "", "an empty list of certificates", func(p p7s) { ess(p).kids = nil })
	spoil("ess-short", "ED-SIG-5", noVerify, "", "the first half of the digest", func(p p7s) { ess(p).kids = []*node{seq(octets(sum[:16]))} })
	spoil("ess-nothing", "ED-SIG-5", noVerify, "", "a digest of no bytes, which fits everything where only what is there is compared", func(p p7s) {
		ess(p).kids = []*node{seq(octets(nil))}
	})
	weak := sha1.Sum(h.id.Cert.Raw)
	spoil("ess-sha1", "ED-SIG-5", noVerify, "", "the certificate is named by SHA-1, for which a second certificate can be made", func(p p7s) {
		ess(p).kids = []*node{seq(seq(oidNode(1, 3, 14, 3, 2, 26)), octets(weak[:]))}
	})
	spoil("ess-v1", "ED-SIG-5", refused, "", "the older attribute, which is of SHA-1, in its place", func(p p7s) {
		*p.attr(attrCertV2...) = *seq(oidNode(1, 2, 840, 113549, 1, 9, 16, 2, 12), set(seq(seq(seq(octets(weak[:]))))))
	})
	spoil("ess-two-values", "ED-SIG-5", refused, "", "two values that name two certificates", func(p p7s) {
		a := p.attr(attrCertV2...)
		a.at(1).kids = append(a.at(1).kids, seq(seq(seq(octets(otherSum[:])))))
		slices.SortFunc(a.at(1).kids, func(a, b *node) int { return bytes.Compare(a.bytes(), b.bytes()) })
	})
	spoil("ess-twice", "ED-SIG-5", refused, "", "two attributes that name two certificates", func(p p7s) {
		p.attrs().kids = append(p.attrs().kids, seq(oidNode(attrCertV2...), set(seq(seq(seq(octets(otherSum[:])))))))
	})
	spoil("ess-follows", "ED-SIG-5", refused, "", "something follows the list of certificates", func(p p7s) {
		v := p.attr(attrCertV2...).at(1, 0)
		v.kids = append(v.kids, octets([]byte("what nobody reads")))
	})

	spoil("digest-values", "ED-SIG-4", refused, "", "two digests in one attribute, of two contents: whichever is asked", func(p p7s) {
		x := sha256.Sum256([]byte("what is not signed"))
		two := []*node{p.attr(attrDigest...).at(1, 0), octets(x[:])}
		slices.SortFunc(two, func(a, b *node) int { return bytes.Compare(a.bytes(), b.bytes()) })
		p.attr(attrDigest...).at(1).kids = two
	})
	spoil("digest-none", "ED-SIG-4", refused, "", "a message digest without a value", func(p p7s) { p.attr(attrDigest...).at(1).kids = nil })
	spoil("digest-empty", "ED-SIG-4", noVerify, "", "a digest of no bytes", func(p p7s) { p.attr(attrDigest...).at(1, 0).body = nil })
	spoil("digest-short", "ED-SIG-4", noVerify, "", "the first byte of the digest alone", func(p p7s) {
		n := p.attr(attrDigest...).at(1, 0)
		n.body = n.body[:1]
	})
	spoil("digest-sha1", "ED-SIG-4", noVerify, "", "the content's SHA-1 where SHA-256 is named", func(p p7s) {
		x := sha1.Sum(h.content)
		p.attr(attrDigest...).at(1, 0).body = x[:]
	})
	spoil("type-twice", "ED-SIG-4", refused, "", "two content types", func(p p7s) {
		p.attrs().kids = append(p.attrs().kids, seq(oidNode(attrContentType...), set(oidNode(1, 2, 840, 113549, 1, 9, 16, 1, 4))))
	})
	spoil("type-other", "ED-SIG-4", refused, "", "the signed type is a time stamp's, the outer one data's", func(p p7s) {
		p.attr(attrContentType...).at(1).kids[0] = oidNode(1, 2, 840, 113549, 1, 9, 16, 1, 4)
	})
	spoil("signed-countersignature", "ED-SIG-4", refused, "", "a counter-signature among the signed attributes, where it says nothing", func(p p7s) {
		p.attrs().kids = append(p.attrs().kids, seq(oidNode(1, 2, 840, 113549, 1, 9, 6), set(&node{raw: p.signer().bytes()})))
	})
	spoil("signed-stamp", "ED-SIG-4", refused, "", "a time stamp among the signed attributes: the signer's word for a stranger's", func(p p7s) {
		p.attrs().kids = append(p.attrs().kids, seq(oidNode(1, 2, 840, 113549, 1, 9, 16, 2, 14), set(seq(oidNode(1, 2, 840, 113549, 1, 7, 2)))))
	})
	times := func(name, story string, tag byte, value string) {
		spoil("time-"+name, "ED-SIG-1", refused, "", story, func(p p7s) {
			p.attr(attrTime...).at(1).kids[0] = &node{tag: tag, body: []byte(value)}
		})
	}
	times("generalized", "a GeneralizedTime before 2050: two encodings of one time", 0x18, "20260615093000Z")
	times("offset", "a UTCTime with an offset: some readers drop it", 0x17, "260615143000+0500")
	times("no-seconds", "a UTCTime without seconds", 0x17, "2606150930Z")
	times("local", "a GeneralizedTime of no zone", 0x18, "20600615093000")
	times("fraction", "a GeneralizedTime with a fraction", 0x18, "20600615093000.5Z")
	times("impossible", "the 31st of February", 0x17, "260231093000Z")
	times("text", "a time as text", 0x0c, "2026-06-15")
	spoil("time-twice", "ED-SIG-4", refused, "", "two signing times: the older one would let an expired key sign", func(p p7s) {
		p.attrs().kids = append(p.attrs().kids, seq(oidNode(attrTime...), set(&node{tag: 0x17, body: []byte("200101000000Z")})))
	})
	spoil("time-values", "ED-SIG-4", refused, "", "a signing time of two values", func(p p7s) {
		a := p.attr(attrTime...).at(1)
		a.kids = append([]*node{{tag: 0x17, body: []byte("200101000000Z")}}, a.kids...)
	})
	h.spoil("attribute", "dropped-after", "ED-SIG-9", noVerify, "", "the signing time taken out after signing", false, func(p p7s) {
		p.attrs().kids = slices.DeleteFunc(p.attrs().kids, func(a *node) bool { return bytes.Equal(a.at(0).bytes(), derOf(asn1.ObjectIdentifier(attrTime))) })
	})
	h.spoil("attribute", "added-after", "ED-SIG-9", noVerify, "", "an attribute added after signing", false, func(p p7s) {
		p.attrs().kids = append(p.attrs().kids, seq(oidNode(1, 2, 3, 4), set(octets([]byte("I agree to everything")))))
		p.sort()
	})
	h.spoil("attribute", "moved-to-unsigned", "ED-SIG-7", refused, "", "the signing time moved to the unsigned attributes, where anyone can change it", false, func(p p7s) {
		a := p.attr(attrTime...)
		p.attrs().kids = slices.DeleteFunc(p.attrs().kids, func(b *node) bool { return a == b })
		p.signer().kids = append(p.signer().kids, &node{tag: 0xa1, kids: []*node{a}})
		p.resign(m.t, h.id.Key)
	})
}
