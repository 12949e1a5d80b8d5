package edoc_test

import (
	"bytes"
	"encoding/base64"
	"slices"

	"github.com/penjire/penjire/sync/edoc/cms"
)

func (m *maker) hostileEncodings() {
	h := m.hostileSigner()
	spoil := func(name, rule, why, story string, change func(p p7s)) {
		h.spoil("encoding", name, rule, refused, why, story, false, change)
	}
	signed := func(name, rule, why, story string, change func(p p7s)) {
		h.spoil("encoding", name, rule, refused, why, story, true, change)
	}
	keyID := h.id.Cert.SubjectKeyId
	if len(keyID) == 0 {
		keyID = make([]byte, 20)
	}
	spoil("key-identifier", "ED-SIG-2", "", "the signer is named by a key identifier, which a certificate can choose freely", func(p p7s) {
		p.data().at(0).body = []byte{3}
		p.signer().at(0).body = []byte{3}
		p.signer().kids[1] = &node{tag: 0x80, body: keyID}
	})
	spoil("signer-version-3", "ED-SIG-2", "", "version 3 of a signer that is named by issuer and number", func(p p7s) { p.signer().at(0).body = []byte{3} })
	spoil("version-0", "ED-SIG-2", "", "version 0", func(p p7s) { p.data().at(0).body = []byte{0} })
	spoil("version-long", "ED-SIG-1", "", "version 1 in two bytes", func(p p7s) { p.data().at(0).body = []byte{0, 1} })
	spoil("inner-indefinite", "ED-SIG-1", "", "indefinite length of SignedData alone", func(p p7s) { p.root.at(1).kids[0] = indefinite(p.data()) })
	signed("attribute-indefinite", "ED-SIG-1", "", "a signed attribute of indefinite length: two encodings of what is signed", func(p p7s) {
		p.attrs().kids[0] = indefinite(p.attrs().kids[0])
	})
	signed("attribute-long-length", "ED-SIG-1", "", "the length of a signed attribute in two bytes", func(p p7s) {
		der := p.attrs().kids[0].bytes()
		p.attrs().kids[0] = &node{raw: slices.Concat([]byte{der[0], 0x81}, der[1:])}
	})
	spoil("constructed-octets", "ED-SIG-1", "", "the signature value in pieces", func(p p7s) {
		v := p.signer().at(5).body
		p.signer().kids[5] = &node{tag: 0x24, kids: []*node{octets(v[:10]), octets(v[10:])}}
	})
	spoil("high-tag", "ED-SIG-1", "", "a tag in its long form", func(p p7s) {
		der := p.data().bytes()
		p.root.at(1).kids[0] = &node{raw: append([]byte{0x3f, 0x10}, der[1:]...)}
	})
	spoil("content-info", "ED-SIG-1", "it is not a SignedData", "another type of content than signed data", func(p p7s) {
		p.root.kids[0] = oidNode(1, 2, 840, 113549, 1, 7, 3)
	})
	spoil("content-type-outside", "ED-SIG-4", "", "the content is a time stamp by its outer type, data by its signed one", func(p p7s) {
		p.data().at(2).kids[0] = oidNode(1, 2, 840, 113549, 1, 9, 16, 1, 4)
	})
	spoil("digest-algorithms-none", "ED-SIG-6", "", "no digest algorithm outside the signer", func(p p7s) { p.data().at(1).kids = nil })
	spoil("digest-algorithms-other", "ED-SIG-6", "", "another digest algorithm outside the signer than in it", func(p p7s) {
		p.data().at(1).kids = []*node{seq(oidNode(2, 16, 840, 1, 101, 3, 4, 2, 3))}
	})
	spoil("digest-algorithms-two", "ED-SIG-6", "", "a weak digest algorithm beside the signer's", func(p p7s) {
		p.data().at(1).kids = append([]*node{seq(oidNode(1, 3, 14, 3, 2, 26))}, p.data().at(1).kids...)
	})
	spoil("certificates-empty", "ED-SIG-1", "", "an empty set of certificates", func(p p7s) { p.certs().kids = nil })
	spoil("certificates-order", "ED-SIG-1", "", "the certificates in another order than DER's", func(p p7s) {
		two := []*node{{raw: m.w.Citizens.Cert.Raw}, {raw: h.id.Cert.Raw}}
		slices.SortFunc(two, func(a, b *node) int { return bytes.Compare(b.raw, a.raw) })
		p.certs().kids = two
	})
	spoil("certificates-many", "ED-SIG-1", "", "more certificates than anyone needs: work for the reader", func(p p7s) {
		for range cms.MaxCertificates {
			p.certs().kids = append(p.certs().kids, p.certs().kids[0])
		}
	})
	spoil("certificate-of-other-kind", "ED-SIG-1", "", "an attribute certificate among the certificates", func(p p7s) {
		p.certs().kids = append(p.certs().kids, &node{tag: 0xa2, kids: p.certs().kids[0].kids})
	})
	spoil("certificate-broken", "ED-SIG-1", "", "a certificate that does not parse beside the signer's", func(p p7s) {
		p.certs().kids = append(p.certs().kids, seq(seq(), seq(), &node{tag: 3, body: []byte{0}}))
	})
	spoil("after-signers", "ED-SIG-1", "", "a further field after the signers", func(p p7s) { p.data().kids = append(p.data().kids, octets([]byte("x"))) })
	spoil("after-unsigned", "ED-SIG-1", "", "a further field of the signer", func(p p7s) { p.signer().kids = append(p.signer().kids, octets([]byte("x"))) })
	spoil("empty-attributes", "ED-SIG-3", "", "an empty set of signed attributes: some libraries then check the bare content", func(p p7s) { p.attrs().kids = nil })
	spoil("attributes-as-set", "ED-SIG-3", "", "the signed attributes with the tag that is signed, not the one that is sent", func(p p7s) { p.attrs().tag = 0x31 })
	spoil("stamp-twice", "ED-SIG-7", "", "two time stamps in one attribute: which time counts?", func(p p7s) {
		x := seq(oidNode(1, 2, 840, 113549, 1, 7, 2))
		p.signer().kids = append(p.signer().kids, &node{tag: 0xa1, kids: []*node{seq(oidNode(1, 2, 840, 113549, 1, 9, 16, 2, 14), set(x, x))}})
	})
	spoil("stamp-attribute-twice", "ED-SIG-7", "", "two attributes with a time stamp", func(p p7s) {
		x := seq(oidNode(1, 2, 840, 113549, 1, 9, 16, 2, 14), set(seq(oidNode(1, 2, 840, 113549, 1, 7, 2))))
		p.signer().kids = append(p.signer().kids, &node{tag: 0xa1, kids: []*node{x, x}})
	})
	spoil("digest-unsigned", "ED-SIG-7", "", "a second message digest among the unsigned attributes, where some libraries look too", func(p p7s) {
		p.signer().kids = append(p.signer().kids, &node{tag: 0xa1, kids: []*node{p.attr(attrDigest...)}})
	})
	// The rest of DER that OpenSSL reads: a million empty lists in each other.
	deep := []byte{}
	for range 3000 {
		deep = (&node{raw: slices.Concat([]byte{0x30}, derLength(len(deep)), deep)}).bytes()
	}
	h.add("encoding", "deep", "ED-SIG-1", refused, "", "three thousand lists in each other, to exhaust the reader", deep)
	h.add("encoding", "length-huge", "ED-SIG-1", refused, "", "says it has 4 GiB", append([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, h.good[4:]...))
	h.add("encoding", "cut", "ED-SIG-1", refused, "", "the last byte is missing", h.good[:len(h.good)-1])
	h.add("encoding", "empty", "ED-SIG-1", refused, "", "nothing at all", []byte{0x30, 0})
	h.add("encoding", "pem", "ED-SIG-1", refused, "", "PEM where DER belongs", []byte("-----BEGIN PKCS7-----\n"+base64.StdEncoding.EncodeToString(h.good)+"\n-----END PKCS7-----\n"))
	h.add("encoding", "twice", "ED-SIG-1", refused, "", "two signatures, one after the other", slices.Concat(h.good, h.good))
}

func derLength(n int) []byte {
	if n < 0x80 {
		return []byte{byte(n)}
	}
	if n < 0x100 {
		return []byte{0x81, byte(n)}
	}
	return []byte{0x82, byte(n >> 8), byte(n)}
}
