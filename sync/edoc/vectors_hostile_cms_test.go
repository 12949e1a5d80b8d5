package edoc_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"slices"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

const (
	refused  = "signature failure"
	noVerify = "signature does not verify"
)

// hostileSigner spoils signatures of citizen-1.
type hostileSigner struct {
	m       *maker
	id      specimen.Identity
	good    []byte
	content []byte
}

func (m *maker) hostileSigner() hostileSigner {
	m.t.Helper()
	h := hostileSigner{m: m, id: card(m.t, m.w, "citizen-1").Slots[specimen.SlotSign], content: []byte("what is signed")}
	var err error
	if h.good, err = cms.Sign(h.content, h.id.Signer(), now); err != nil {
		m.t.Fatal(err)
	}
	p := h.tree()
	p.certs().kids = p.certs().kids[:1:1] // the signer's own alone
	h.good = p.root.bytes()
	return h
}

func (h hostileSigner) tree() p7s {
	p := p7s{derTree(h.m.t, h.good)}
	for i, c := range p.certs().kids {
		if bytes.Equal(c.bytes(), h.id.Cert.Raw) {
			p.certs().kids[0], p.certs().kids[i] = p.certs().kids[i], p.certs().kids[0]
		}
	}
	return p
}

func (h hostileSigner) add(class, name, rule, expect, why, story string, p7s []byte) {
	h.m.t.Helper()
	h.m.hostile(class, "signature-"+name, "signature", rule, expect, why, story, p7s, "content: "+base64.StdEncoding.EncodeToString(h.content))
}

// spoil changes the tree; signed means that the signer himself signs what it
// then says.
func (h hostileSigner) spoil(class, name, rule, expect, why, story string, signed bool, change func(p p7s)) {
	h.m.t.Helper()
	p := h.tree()
	change(p)
	if signed {
		p.sort()
		p.resign(h.m.t, h.id.Key)
	}
	h.add(class, name, rule, expect, why, story, p.root.bytes())
}

// sort puts the signed attributes in DER's order.
func (p p7s) sort() {
	slices.SortFunc(p.attrs().kids, func(a, b *node) int { return bytes.Compare(a.bytes(), b.bytes()) })
}

// attr returns the signed attribute of that type.
func (p p7s) attr(oid ...int) *node {
	for _, a := range p.attrs().kids {
		if bytes.Equal(a.at(0).bytes(), derOf(asn1.ObjectIdentifier(oid))) {
			return a
		}
	}
	panic("no such attribute")
}

var (
	attrContentType = []int{1, 2, 840, 113549, 1, 9, 3}
	attrDigest      = []int{1, 2, 840, 113549, 1, 9, 4}
	attrTime        = []int{1, 2, 840, 113549, 1, 9, 5}
	attrCertV2      = []int{1, 2, 840, 113549, 1, 9, 16, 2, 47}
)

func oidNode(oid ...int) *node { return &node{raw: derOf(asn1.ObjectIdentifier(oid))} }

func seq(kids ...*node) *node { return &node{tag: 0x30, kids: kids} }

func set(kids ...*node) *node { return &node{tag: 0x31, kids: kids} }

func octets(b []byte) *node { return &node{tag: 4, body: b} }

// indefinite writes n with indefinite length.
func indefinite(n *node) *node {
	der := n.bytes()
	head := 2
	if der[1] > 0x80 {
		head += int(der[1] & 0x7f)
	}
	return &node{raw: slices.Concat([]byte{der[0], 0x80}, der[head:], []byte{0, 0})}
}
