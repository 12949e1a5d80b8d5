package edoc_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

func derOf(v any) []byte {
	b, err := asn1.Marshal(v)
	if err != nil {
		panic(err) // the values are the tests' own
	}
	return b
}

func (m *maker) signatures() {
	content := []byte("what is signed")
	c1 := card(m.t, m.w, "citizen-1").Slots[specimen.SlotSign]
	good, err := cms.Sign(content, cms.Signer{Key: c1.Key, Cert: c1.Cert}, now)
	if err != nil {
		m.t.Fatal(err)
	}
	tree := func() p7s { return p7s{derTree(m.t, good)} }
	over := func(b []byte) string { return "content: " + base64.StdEncoding.EncodeToString(b) }
	bad := func(name, spec, comment string, change func(p p7s)) {
		p := tree()
		change(p)
		m.add("signature-"+name, "signature", spec, "signature failure", comment, p.root.bytes(), over(content))
	}
	m.add("signature-good", "signature", "ED-SIG-1 ED-SIG-9", "ok", "as a card makes it", good, over(content))
	m.add("signature-content", "signature", "ED-SIG-4 ED-SIG-9", "signature does not verify", "the content is another", good, over([]byte("what is not signed")))
	broken := bytes.Clone(good)
	broken[len(broken)-1] ^= 1
	m.add("signature-value", "signature", "ED-SIG-9", "signature does not verify", "one bit of the signature is another", broken, over(content))

	m.add("signature-trailing", "signature", "ED-SIG-1", "signature failure", "a byte follows", append(bytes.Clone(good), 0), over(content))
	ber := append([]byte{0x30, 0x80}, good[4:]...)
	m.add("signature-ber", "signature", "ED-SIG-1", "signature failure", "indefinite length", append(ber, 0, 0), over(content))
	bad("two-signers", "ED-SIG-2", "two signers", func(p p7s) { p.data().at(4).kids = append(p.data().at(4).kids, p.signer()) })
	bad("no-signer", "ED-SIG-2", "no signer at all", func(p p7s) { p.data().at(4).kids = nil })
	bad("version", "ED-SIG-2", "version 3", func(p p7s) { p.data().at(0).body = []byte{3} })

	// Research 1.5, forgery 1: the signed attributes of a genuine signature
	// become the content of a forged one that has none. openssl cms and two Go
	// libraries say it is in order.
	p := tree()
	forged := (&node{tag: 0x31, kids: p.attrs().kids}).bytes()
	p.signer().kids = slices.Delete(p.signer().kids, 3, 4)
	m.add("signature-forged-attributes", "signature", "ED-SIG-3", "signature failure",
		"forgery: the signed attributes of a genuine signature as content, without signed attributes", p.root.bytes(), over(forged))

	bad("attribute-twice", "ED-SIG-4", "two message digests", func(p p7s) {
		for _, a := range p.attrs().kids {
			if bytes.Equal(a.at(0).body, derTree(m.t, derOf(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4})).body) {
				p.attrs().kids = append(p.attrs().kids, a)
				break
			}
		}
		p.resign(m.t, c1.Key)
	})
	bad("attribute-order", "ED-SIG-4", "the attributes in another order", func(p p7s) {
		slices.Reverse(p.attrs().kids)
		p.resign(m.t, c1.Key)
	})
	bad("attribute-two-values", "ED-SIG-4", "a message digest with two values", func(p p7s) {
		for _, a := range p.attrs().kids {
			if a.at(1, 0).tag == 4 {
				a.at(1).kids = append(a.at(1).kids, a.at(1, 0))
			}
		}
		p.resign(m.t, c1.Key)
	})
	drop := func(tagOfValue byte) func(p p7s) {
		return func(p p7s) {
			p.attrs().kids = slices.DeleteFunc(p.attrs().kids, func(a *node) bool { return a.at(1, 0).tag == tagOfValue })
			p.resign(m.t, c1.Key)
		}
	}
	bad("no-digest", "ED-SIG-4", "no message digest", drop(4))
	bad("no-content-type", "ED-SIG-4", "no content type", drop(6))
	bad("no-certificate-attribute", "ED-SIG-5", "no signing-certificate-v2", drop(0x30))

	// The same key in another certificate with the same issuer and number.
	twin := *c1.Cert
	twin.Subject.CommonName = "NUSGA, another"
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: c1.Cert.SerialNumber, Subject: pkix.Name{CommonName: "NUSGA, another"},
		NotBefore: c1.Cert.NotBefore, NotAfter: c1.Cert.NotAfter,
	}, m.w.Citizens.Cert, c1.Key.Public(), m.w.Citizens.Key)
	if err != nil {
		m.t.Fatal(err)
	}
	p = tree()
	p.certs().kids = []*node{derTree(m.t, der)}
	m.add("signature-other-certificate", "signature", "ED-SIG-5", "signature does not verify",
		"the certificate was exchanged for another of the same key and number", p.root.bytes(), over(content))
	p = tree()
	p.data().kids = slices.Delete(p.data().kids, 3, 4)
	m.add("signature-no-certificate", "signature", "ED-SIG-5", "signature does not verify", "no certificate to check with", p.root.bytes(), over(content))

	p = tree()
	sha1 := derTree(m.t, derOf(pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}}))
	p.data().at(1).kids = []*node{sha1}
	p.signer().kids[2] = sha1
	m.add("signature-sha1", "signature", "ED-SIG-6", "signature does not verify", "SHA-1", p.root.bytes(), over(content))
	m.foreignKeys(content)

	bad("unsigned-attribute", "ED-SIG-7", "an unsigned attribute that is not a time stamp", func(p p7s) {
		p.signer().kids = append(p.signer().kids, &node{tag: 0xa1, kids: []*node{p.attrs().at(0)}})
	})
	bad("unsigned-empty", "ED-SIG-7", "an empty set of unsigned attributes", func(p p7s) {
		p.signer().kids = append(p.signer().kids, &node{tag: 0xa1})
	})
	bad("attached", "ED-SIG-8", "the content is inside", func(p p7s) {
		p.data().at(2).kids = append(p.data().at(2).kids, &node{tag: 0xa0, kids: []*node{{tag: 4, body: content}}})
	})
}

// foreignKeys makes signatures with keys other than ours: taken and not taken.
func (m *maker) foreignKeys(content []byte) {
	over := "content: " + base64.StdEncoding.EncodeToString(content)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	sign := func(tbs []byte) []byte { return ed25519.Sign(ed, tbs) }
	sha512 := asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	m.add("signature-ed25519", "signature", "ED-SIG-6", "signature does not verify", "Ed25519",
		m.foreignP7S(content, ed.Public(), sha512, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 3, 101, 112}}, sign), over)
	m.t.Setenv("GODEBUG", "rsa1024min=0") // or Go makes no short key
	for bits, expect := range map[int]string{2048: "ok", 1024: "signature does not verify"} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			m.t.Fatal(err)
		}
		sign := func(tbs []byte) []byte {
			sum := sha256.Sum256(tbs)
			sig, err := rsa.SignPKCS1v15(rand.Reader, key, 5, sum[:])
			if err != nil {
				m.t.Fatal(err)
			}
			return sig
		}
		name := "signature-rsa-2048"
		if bits == 1024 {
			name = "signature-rsa-1024"
		}
		m.add(name, "signature", "ED-SIG-6", expect, "RSA, PKCS #1 v1.5", m.foreignP7S(content, key.Public(), cms.OIDSHA256,
			pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: asn1.NullRawValue}, sign), over)
	}
}

// foreignP7S makes a signature in the profile with any key.
func (m *maker) foreignP7S(content []byte, pub any, digest asn1.ObjectIdentifier, alg pkix.AlgorithmIdentifier, sign func([]byte) []byte) []byte {
	ca := m.w.Citizens
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "NUSGA"}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
	}, ca.Cert, pub, ca.Key)
	if err != nil {
		m.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		m.t.Fatal(err)
	}
	c1 := card(m.t, m.w, "citizen-1").Slots[specimen.SlotSign]
	b, err := cms.Sign(content, cms.Signer{Key: c1.Key, Cert: c1.Cert}, now)
	if err != nil {
		m.t.Fatal(err)
	}
	p := p7s{derTree(m.t, b)}
	digestAlg := derTree(m.t, derOf(pkix.AlgorithmIdentifier{Algorithm: digest}))
	p.data().at(1).kids = []*node{digestAlg}
	p.certs().kids = []*node{derTree(m.t, der)}
	s := p.signer()
	s.kids[1] = &node{tag: 0x30, kids: []*node{derTree(m.t, cert.RawIssuer), {tag: 2, body: []byte{77}}}}
	s.kids[2], s.kids[4] = digestAlg, derTree(m.t, derOf(alg))
	sum := sha256.Sum256(cert.Raw)
	for _, a := range p.attrs().kids {
		switch v := a.at(1, 0); v.tag {
		case 0x30: // signing-certificate-v2: the digest alone
			v.at(0, 0).kids = []*node{{tag: 4, body: sum[:]}}
		case 4:
			for _, x := range cms.Algorithms() {
				if x.Digest.Equal(digest) {
					h := x.New()
					_, _ = h.Write(content)
					v.body = h.Sum(nil)
				}
			}
		}
	}
	slices.SortFunc(p.attrs().kids, func(a, b *node) int { return bytes.Compare(a.bytes(), b.bytes()) })
	s.at(5).body = sign((&node{tag: 0x31, kids: p.attrs().kids}).bytes())
	return p.root.bytes()
}

func (m *maker) tokens() {
	imprint := sha256.Sum256([]byte("a signature value"))
	over := "imprint: " + edoc.ID(imprint).String()
	token := func(s cms.Signer, at time.Time) []byte {
		a, err := tsp.NewAuthority(s, func() time.Time { return at })
		if err != nil {
			m.t.Fatal(err)
		}
		b, _, err := a.Stamp(m.t.Context(), imprint)
		if err != nil {
			m.t.Fatal(err)
		}
		return b
	}
	tsa := m.w.TSA
	good := token(tsa.Signer(), now)
	m.add("token-good", "token", "ED-TSP-1", "ok", "of the world's authority", good, over)
	m.add("token-imprint", "token", "ED-TSP-1", "token over something else", "asked about another signature", good, "imprint: "+edoc.ID(sha256.Sum256([]byte("x"))).String())
	p := p7s{derTree(m.t, good)}
	p.data().kids = slices.Delete(p.data().kids, 3, 4)
	m.add("token-without-certificate", "token", "ED-TSP-2", "ok", "without its certificate: the bundle has it", p.root.bytes(), over)

	// Research 1.5, forgery 2: a token without certificates, signed with a
	// wrong key, in 1999. A widely used library returns it without an error.
	mallory := card(m.t, m.w, "citizen-2").Slots[specimen.SlotSign]
	p = p7s{derTree(m.t, token(tsa.Signer(), now))}
	info := derTree(m.t, p.data().at(2, 1, 0).body)
	info.at(4).body = []byte("19990101000000Z")
	p.data().at(2, 1, 0).body = info.bytes()
	sum := sha256.Sum256(info.bytes())
	for _, a := range p.attrs().kids {
		if a.at(1, 0).tag == 4 {
			a.at(1, 0).body = sum[:]
		}
	}
	slices.SortFunc(p.attrs().kids, func(a, b *node) int { return bytes.Compare(a.bytes(), b.bytes()) })
	p.data().kids = slices.Delete(p.data().kids, 3, 4)
	p = p7s{&node{tag: 0x30, kids: p.root.kids}}
	signer := p.data().at(3, 0)
	set := (&node{tag: 0x31, kids: signer.at(3).kids}).bytes()
	digest := sha256.Sum256(set)
	sig, err := mallory.Key.Sign(rand.Reader, digest[:], nil)
	if err != nil {
		m.t.Fatal(err)
	}
	signer.at(5).body = sig
	m.add("token-forged-key", "token", "ED-TSP-2", "token does not verify", "forgery: without certificates, signed with a wrong key, in 1999", p.root.bytes(), over)

	stranger, err := specimen.New(now)
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("token-stranger", "token", "ED-TSP-2", "token of a stranger", "in order, by an authority that the bundle does not list", token(stranger.TSA.Signer(), now), over)

	// An agency in the bundle's list of authorities, by somebody's mistake.
	c1 := m.w.Agencies["ombudsman"]
	attached, err := cms.SignAttached(cms.OIDTSTInfo, p7s{derTree(m.t, good)}.data().at(2, 1, 0).body, c1.Signer())
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("token-usage", "token", "ED-TSP-3", "token of a stranger", "by a listed certificate that is not for time stamps", attached, over)
	m.add("token-late", "token", "ED-TSP-4", "token of a stranger", "its time is after the certificate's end", token(tsa.Signer(), now.AddDate(30, 0, 0)), over)
}

func (m *maker) stamped(c *edoc.Container, s tsp.Stamper) *edoc.Container {
	m.t.Helper()
	e, err := c.Stamp(m.t.Context(), s)
	if err != nil {
		m.t.Fatal(err)
	}
	return e
}

// replaced packs a container with another first signature.
func (m *maker) replaced(c *edoc.Container, p7s []byte) []byte {
	return zipOf(nil, with(m.files(c), asic.SignatureName(1), func([]byte) []byte { return p7s })...)
}
