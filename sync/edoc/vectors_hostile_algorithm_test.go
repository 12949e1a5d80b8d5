package edoc_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// ecdsaSig is an ECDSA signature value, to be changed.
type ecdsaSig struct{ R, S *big.Int }

func readSig(der []byte) ecdsaSig {
	var s ecdsaSig
	if rest, err := asn1.Unmarshal(der, &s); err != nil || len(rest) > 0 {
		panic("not a signature value")
	}
	return s
}

// twin returns the other signature value that verifies: (r, n - s). Anyone can
// make it.
func twin(sig []byte) []byte {
	s := readSig(sig)
	return derOf(ecdsaSig{s.R, new(big.Int).Sub(elliptic.P256().Params().N, s.S)})
}

var (
	oidECDSASHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidRSASHA256   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidRSAPSS      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidSHA512      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	oidSHA1        = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidMGF1        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
)

func (m *maker) hostileAlgorithms() {
	h := m.hostileSigner()
	n := elliptic.P256().Params().N
	value := func(name, story string, change func(s ecdsaSig) []byte) {
		h.spoil("algorithm", "value-"+name, "ED-SIG-9", noVerify, "does not fit", story, false, func(p p7s) {
			p.signer().at(5).body = change(readSig(p.signer().at(5).body))
		})
	}
	value("zero-r", "r is zero", func(s ecdsaSig) []byte { return derOf(ecdsaSig{new(big.Int), s.S}) })
	value("zero-s", "s is zero", func(s ecdsaSig) []byte { return derOf(ecdsaSig{s.R, new(big.Int)}) })
	value("zero", "r and s are zero: readers that do not look accept it for everything", func(ecdsaSig) []byte { return derOf(ecdsaSig{new(big.Int), new(big.Int)}) })
	value("r-plus-n", "r and the order of the curve: the same modulo n", func(s ecdsaSig) []byte { return derOf(ecdsaSig{new(big.Int).Add(s.R, n), s.S}) })
	value("s-plus-n", "s and the order of the curve: the same modulo n", func(s ecdsaSig) []byte { return derOf(ecdsaSig{s.R, new(big.Int).Add(s.S, n)}) })
	value("r-is-n", "r is the order of the curve: zero modulo n", func(s ecdsaSig) []byte { return derOf(ecdsaSig{n, s.S}) })
	value("negative", "s is negative: the same modulo n", func(s ecdsaSig) []byte { return derOf(ecdsaSig{s.R, new(big.Int).Sub(s.S, n)}) })
	value("zeros", "a zero before r: another encoding of the same value", func(s ecdsaSig) []byte {
		r := derTree(m.t, derOf(s))
		r.at(0).body = append([]byte{0, 0}, r.at(0).body...)
		return r.bytes()
	})
	value("trailing", "a byte after r and s", func(s ecdsaSig) []byte { return append(derOf(s), 0) })
	value("third", "a third number after r and s", func(s ecdsaSig) []byte {
		r := derTree(m.t, derOf(s))
		r.kids = append(r.kids, &node{tag: 2, body: []byte{1}})
		return r.bytes()
	})
	value("plain", "r and s without DER, as cards give them", func(s ecdsaSig) []byte {
		return append(s.R.FillBytes(make([]byte, 32)), s.S.FillBytes(make([]byte, 32))...)
	})
	value("indefinite", "r and s in a list of indefinite length", func(s ecdsaSig) []byte { return indefinite(derTree(m.t, derOf(s))).raw })
	value("swapped", "s and r", func(s ecdsaSig) []byte { return derOf(ecdsaSig{s.S, s.R}) })
	value("empty", "no value at all", func(ecdsaSig) []byte { return nil })
	h.spoil("algorithm", "value-twin", "ED-SIG-9 ED-MAN-4", "ok", "", "(r, n - s) for (r, s): anyone can make it, and it verifies; so nothing is known by its signature value", false, func(p p7s) {
		p.signer().at(5).body = twin(p.signer().at(5).body)
	})
	c, _ := m.good()
	p := p7s{derTree(m.t, c.Signatures()[0].Bytes())}
	p.signer().at(5).body = twin(p.signer().at(5).body)
	m.hostile("algorithm", "container-twin", "container", "ED-MAN-4 ED-SIG-9", accepted, "", "the same document with the other signature value: it keeps its id, and counts once",
		m.replaced(c, p.root.bytes()), "id: "+c.ID().String())

	alg := func(name, why, story string, digest, sig *node) {
		h.spoil("algorithm", "pair-"+name, "ED-SIG-6", noVerify, why, story, false, func(p p7s) {
			p.data().at(1).kids = []*node{digest}
			p.signer().kids[2], p.signer().kids[4] = digest, sig
		})
	}
	sha256Node := seq(oidNode(cms.OIDSHA256...))
	alg("crossed", "not accepted", "digest SHA-512, signature with SHA-256", seq(oidNode(oidSHA512...)), seq(oidNode(oidECDSASHA256...)))
	alg("rsa", "another kind", "says RSA, the certificate's key is on a curve", sha256Node, seq(oidNode(oidRSASHA256...), &node{tag: 5}))
	alg("null", "not accepted", "ECDSA with parameters, which it does not have", sha256Node, seq(oidNode(oidECDSASHA256...), &node{tag: 5}))
	alg("md5", "not accepted", "MD5", seq(oidNode(1, 2, 840, 113549, 2, 5)), seq(oidNode(oidECDSASHA256...)))
	alg("none", "not accepted", "an algorithm that no one registered", sha256Node, seq(oidNode(1, 2, 3, 4)))
	alg("mac", "not accepted", "a MAC: whoever checks could have made it", sha256Node, seq(oidNode(1, 2, 840, 113549, 2, 9)))
	alg("digest-parameters", "", "parameters of SHA-256, which it does not have", seq(oidNode(cms.OIDSHA256...), octets([]byte("x"))), seq(oidNode(oidECDSASHA256...)))

	m.hostileRSA(h)
	m.hostileCurves(h)
}

// hostileCurves are keys on other curves than the certificate's reader thinks.
func (m *maker) hostileCurves(h hostileSigner) {
	ecdsaAlg := pkix.AlgorithmIdentifier{Algorithm: oidECDSASHA256}
	for _, x := range []struct {
		name  string
		curve elliptic.Curve
	}{{"p224", elliptic.P224()}, {"p521", elliptic.P521()}} {
		key, err := ecdsa.GenerateKey(x.curve, rand.Reader)
		if err != nil {
			m.t.Fatal(err)
		}
		h.add("algorithm", "curve-"+x.name, "ED-SIG-6", noVerify, "another kind", "a curve that is not accepted: "+x.name,
			m.foreignP7S(h.content, key.Public(), cms.OIDSHA256, ecdsaAlg, func(tbs []byte) []byte {
				sum := sha256.Sum256(tbs)
				sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
				if err != nil {
					m.t.Fatal(err)
				}
				return sig
			}))
	}
	spki := func(cert *node) *node { return cert.at(0, 6) }
	key := func(name, expect, story string, change func(spki *node)) {
		h.spoil("algorithm", "curve-"+name, "ED-SIG-6", expect, "", story, false, func(p p7s) {
			change(spki(p.certs().at(0)))
		})
	}
	spoil := func(name, story string, change func(spki *node)) { key(name, refused, story, change) }
	params := elliptic.P256().Params()
	spoil("explicit", "CVE-2020-0601: the curve spelled out, with the citizen's own public key as generator, so that 1 is the private key", func(k *node) {
		number := func(x *big.Int) *node { return &node{raw: derOf(x)} }
		a := new(big.Int).Sub(params.P, big.NewInt(3))
		k.at(0).kids[1] = seq(number(big.NewInt(1)), seq(oidNode(1, 2, 840, 10045, 1, 1), number(params.P)),
			seq(octets(a.Bytes()), octets(params.B.FillBytes(make([]byte, 32)))), octets(k.at(1).body[1:]), number(params.N), number(big.NewInt(1)))
	})
	spoil("implicit", "a curve «inherited» from someone", func(k *node) { k.at(0).kids[1] = &node{tag: 5} })
	spoil("none", "no curve at all", func(k *node) { k.at(0).kids = k.at(0).kids[:1] })
	spoil("relabelled", "the key is on P-256, the certificate says P-384", func(k *node) { k.at(0).kids[1] = oidNode(1, 3, 132, 0, 34) })
	spoil("off", "a point that is not on the curve", func(k *node) {
		k.at(1).body = slices.Clone(k.at(1).body)
		k.at(1).body[len(k.at(1).body)-1] ^= 1
	})
	spoil("infinity", "the point at infinity, whose signatures are easy", func(k *node) { k.at(1).body = []byte{0, 0} })
	key("ed25519", noVerify, "a key of another kind under the old digest", func(k *node) {
		*k = *derTree(m.t, mustPKIX(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize))))
	})
}

func mustPKIX(pub any) []byte {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		panic(err) // the keys are the tests' own
	}
	return der
}
