package edoc_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// node is one element of a DER tree, for making what no honest encoder makes.
type node struct {
	tag  byte
	body []byte // of a primitive element
	kids []*node
	raw  []byte // if not nil, the whole element, in DER or not
}

func derTree(t testing.TB, der []byte) *node {
	t.Helper()
	in := cryptobyte.String(der)
	n := derNode(t, &in)
	if !in.Empty() {
		t.Fatal("der: trailing bytes")
	}
	return n
}

func derNode(t testing.TB, in *cryptobyte.String) *node {
	t.Helper()
	var body cryptobyte.String
	var tag cbasn1.Tag
	if !in.ReadAnyASN1(&body, &tag) {
		t.Fatal("der: malformed")
	}
	n := &node{tag: byte(tag)}
	if tag&0x20 == 0 {
		n.body = body
		return n
	}
	for !body.Empty() {
		n.kids = append(n.kids, derNode(t, &body))
	}
	return n
}

func (n *node) bytes() []byte {
	if n.raw != nil {
		return n.raw
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.Tag(n.tag), func(b *cryptobyte.Builder) {
		b.AddBytes(n.body)
		for _, k := range n.kids {
			b.AddBytes(k.bytes())
		}
	})
	return b.BytesOrPanic()
}

// at follows a path of indexes.
func (n *node) at(path ...int) *node {
	for _, i := range path {
		n = n.kids[i]
	}
	return n
}

// p7s gives names to the parts of a signature that cms.Sign made.
type p7s struct{ root *node }

func (p p7s) data() *node   { return p.root.at(1, 0) }
func (p p7s) certs() *node  { return p.data().at(3) }
func (p p7s) signer() *node { return p.data().at(4, 0) }
func (p p7s) attrs() *node  { return p.signer().at(3) }

// resign signs the attributes as they are now.
func (p p7s) resign(t testing.TB, key *ecdsa.PrivateKey) {
	t.Helper()
	set := &node{tag: 0x31, kids: p.attrs().kids}
	sum := sha256.Sum256(set.bytes())
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	p.signer().at(5).body = sig
}
