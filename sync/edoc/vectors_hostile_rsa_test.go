package edoc_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"math/big"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// hostileRSA are signatures that some checks of RSA took, and were made without
// the private key.
func (m *maker) hostileRSA(h hostileSigner) {
	pkcs1 := pkix.AlgorithmIdentifier{Algorithm: oidRSASHA256, Parameters: asn1.NullRawValue}
	// A modulus is all that these need. It is a key's, and no number at random:
	// that has small factors, or not, and BouncyCastle looks for them.
	modulus := func(bits int) *big.Int {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			m.t.Fatal(err)
		}
		return key.N
	}
	info := func(sum [32]byte) []byte { // DigestInfo of SHA-256
		return append([]byte{0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20}, sum[:]...)
	}
	padded := func(tbs []byte, size, pad int) []byte {
		out := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, pad)...)
		out = append(append(out, 0), info(sha256.Sum256(tbs))...)
		return append(out, make([]byte, size-len(out))...)
	}
	one := modulus(2048)
	h.add("algorithm", "rsa-e1", "ED-SIG-6", noVerify, "", "the public exponent is 1: the padded digest is its own signature",
		m.foreignP7S(h.content, &rsa.PublicKey{N: one, E: 1}, cms.OIDSHA256, pkcs1, func(tbs []byte) []byte { return padded(tbs, 256, 256-3-51) }))
	three := modulus(2048)
	h.add("algorithm", "rsa-e3", "ED-SIG-6", noVerify, "", "Bleichenbacher's forgery of 2006: exponent 3, short padding, and garbage behind the digest",
		m.foreignP7S(h.content, &rsa.PublicKey{N: three, E: 3}, cms.OIDSHA256, pkcs1, func(tbs []byte) []byte {
			// The cube root of what begins with the padded digest, rounded up:
			// its cube begins with the same bytes.
			want := new(big.Int).SetBytes(padded(tbs, 256, 8))
			root := cubeRoot(want)
			return root.Add(root, big.NewInt(1)).FillBytes(make([]byte, 256))
		}))
	m.t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		m.t.Fatal(err)
	}
	sign := func(pss *rsa.PSSOptions) func(tbs []byte) []byte {
		return func(tbs []byte) []byte {
			sum := sha256.Sum256(tbs)
			var sig []byte
			if pss == nil {
				sig, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
			} else {
				sig, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], pss)
			}
			if err != nil {
				m.t.Fatal(err)
			}
			return sig
		}
	}
	add := func(name, expect, why, story string, alg pkix.AlgorithmIdentifier, sign func([]byte) []byte) {
		h.add("algorithm", "rsa-"+name, "ED-SIG-6", expect, why, story, m.foreignP7S(h.content, key.Public(), cms.OIDSHA256, alg, sign))
	}
	params := func(hash, mgf asn1.ObjectIdentifier, salt int, trailer bool) pkix.AlgorithmIdentifier {
		s := seq(
			&node{tag: 0xa0, kids: []*node{seq(oidNode(hash...), &node{tag: 5})}},
			&node{tag: 0xa1, kids: []*node{seq(oidNode(oidMGF1...), seq(oidNode(mgf...), &node{tag: 5}))}},
			&node{tag: 0xa2, kids: []*node{{raw: derOf(salt)}}},
		)
		if trailer {
			s.kids = append(s.kids, &node{tag: 0xa3, kids: []*node{{raw: derOf(2)}}})
		}
		return pkix.AlgorithmIdentifier{Algorithm: oidRSAPSS, Parameters: asn1.RawValue{FullBytes: s.bytes()}}
	}
	same := &rsa.PSSOptions{SaltLength: 32}
	const notTaken = "not accepted"
	m.add("signature-rsa-pss", "signature", "ED-SIG-6", "ok", "RSASSA-PSS in its one accepted form",
		m.foreignP7S(h.content, key.Public(), cms.OIDSHA256, params(cms.OIDSHA256, cms.OIDSHA256, 32, false), sign(same)), "content: "+base64.StdEncoding.EncodeToString(h.content))
	add("pss-mgf-sha1", noVerify, notTaken, "PSS whose mask is made with SHA-1", params(cms.OIDSHA256, oidSHA1, 32, false), sign(same))
	add("pss-hash-other", noVerify, notTaken, "PSS of another digest than the signer's", params(oidSHA512, oidSHA512, 64, false), sign(same))
	add("pss-salt-none", noVerify, notTaken, "PSS without salt", params(cms.OIDSHA256, cms.OIDSHA256, 0, false), sign(&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
	add("pss-salt-lie", noVerify, "", "PSS with a shorter salt than it says", params(cms.OIDSHA256, cms.OIDSHA256, 32, false), sign(&rsa.PSSOptions{SaltLength: 20}))
	add("pss-trailer", noVerify, notTaken, "PSS with another trailer", params(cms.OIDSHA256, cms.OIDSHA256, 32, true), sign(same))
	add("pss-defaults", noVerify, notTaken, "PSS without parameters: SHA-1 by its defaults", pkix.AlgorithmIdentifier{Algorithm: oidRSAPSS}, sign(same))
	add("pss-as-pkcs1", noVerify, "", "PSS that says it is PKCS #1 v1.5", pkcs1, sign(same))
	add("short", noVerify, "", "the value without its first byte", pkcs1, func(tbs []byte) []byte { return sign(nil)(tbs)[1:] })
	add("plus-n", noVerify, "", "the value and the modulus: the same modulo n", pkcs1, func(tbs []byte) []byte {
		v := new(big.Int).SetBytes(sign(nil)(tbs))
		return v.Add(v, key.N).FillBytes(make([]byte, 257))
	})
	add("zero", noVerify, "", "the value zero", pkcs1, func([]byte) []byte { return make([]byte, 256) })
	huge := new(big.Int).Lsh(key.N, 16384-2048) // nobody has its key
	huge.SetBit(huge, 0, 1)
	h.add("algorithm", "rsa-16384", "ED-SIG-6", noVerify, "", "a key so long that checking it is work for a kiosk",
		m.foreignP7S(h.content, &rsa.PublicKey{N: huge, E: 1<<31 - 1}, cms.OIDSHA256, pkcs1, func([]byte) []byte { return make([]byte, 2048) }))
}

// cubeRoot returns the integer part of the cube root.
func cubeRoot(n *big.Int) *big.Int {
	lo, hi := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(n.BitLen()/3+1))
	for new(big.Int).Sub(hi, lo).Cmp(big.NewInt(1)) > 0 {
		mid := new(big.Int).Rsh(new(big.Int).Add(lo, hi), 1)
		if new(big.Int).Exp(mid, big.NewInt(3), nil).Cmp(n) <= 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}
