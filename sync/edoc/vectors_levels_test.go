package edoc_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

// counterOutcome checks a signature and those beneath it.
func counterOutcome(v vector) (string, error) {
	content, err := base64.StdEncoding.DecodeString(v.header["content"])
	if err != nil {
		return "", err
	}
	sd, err := cms.Parse(v.body)
	if err != nil {
		return class(err), nil
	}
	if _, err := sd.Verify(content); err != nil {
		return "signature does not verify", nil
	}
	for _, c := range sd.CounterSignatures() {
		if _, err := c.Verify(); err != nil {
			return "counter-signature does not verify", nil
		}
	}
	return fmt.Sprintf("ok, %d counter-signatures", len(sd.CounterSignatures())), nil
}

// levelOutcome says of which document and level a container is.
func levelOutcome(v vector) (string, error) {
	c, err := edoc.Parse(v.body)
	if err != nil {
		return class(err), nil
	}
	if c.ID().String() != v.header["id"] {
		return "another document", nil
	}
	return c.Level(0).String(), nil
}

// counter is a counter-signature as a tree, signed anew by resign.
type counter struct{ *node }

func (c counter) attrs() *node { return c.at(3) }

func (c counter) resign(m *maker, key *ecdsa.PrivateKey) {
	slices.SortFunc(c.attrs().kids, func(a, b *node) int { return bytes.Compare(a.bytes(), b.bytes()) })
	sum := sha256.Sum256((&node{tag: 0x31, kids: c.attrs().kids}).bytes())
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		m.t.Fatal(err)
	}
	c.at(5).body = sig
}

func (m *maker) counters() {
	content := []byte("what is signed")
	over := "content: " + base64.StdEncoding.EncodeToString(content)
	signer := func(name string) specimen.Identity { return card(m.t, m.w, name).Slots[specimen.SlotSign] }
	c1, kiosk := signer("citizen-1"), m.w.Device.Signing
	must := func(sd *cms.SignedData, err error) *cms.SignedData {
		m.t.Helper()
		if err != nil {
			m.t.Fatal(err)
		}
		return sd
	}
	alone := func(i specimen.Identity) cms.Signer { return cms.Signer{Key: i.Key, Cert: i.Cert} }
	make1 := func(what string, i specimen.Identity) *cms.SignedData {
		return must(cms.Make([]byte(what), alone(i), now))
	}
	one := must(make1(string(content), c1).WithCounterSignature(alone(kiosk), now))
	two := must(one.WithCounterSignature(alone(signer("assistant")), now))
	m.add("counter-one", "counter", "ED-CTR-1 ED-CTR-3", "ok, 1 counter-signatures", "a kiosk beneath a citizen", one.Bytes(), over)
	m.add("counter-two", "counter", "ED-CTR-1", "ok, 2 counter-signatures", "a kiosk and an assistant beneath a citizen", two.Bytes(), over)
	m.add("counter-stamped", "counter", "ED-CTR-1 ED-SIG-7", "ok, 2 counter-signatures", "with a time stamp beside them",
		two.WithTimeStamp(m.token(two.Imprint())).Bytes(), over)

	bad := func(name, spec, expect, comment string, from *cms.SignedData, change func(p p7s, attr *node)) {
		p := p7s{derTree(m.t, from.Bytes())}
		change(p, p.signer().at(6, 0))
		m.add("counter-"+name, "counter", spec, expect, comment, p.root.bytes(), over)
	}
	const refused, wrong = "signature failure", "counter-signature does not verify"
	first := func(attr *node) counter { return counter{attr.at(1, 0)} }
	replaceWith := func(other *cms.SignedData) func(p p7s, attr *node) {
		return func(p p7s, attr *node) {
			attr.kids[1] = p7s{derTree(m.t, other.Bytes())}.signer().at(6, 0, 1)
		}
	}
	bad("moved", "ED-CTR-3", wrong, "moved here from the signature of another over the same", one,
		replaceWith(must(make1(string(content), signer("citizen-2")).WithCounterSignature(alone(kiosk), now))))
	bad("other-value", "ED-CTR-3", wrong, "over the content, not over the value of the signature", one, func(_ p7s, attr *node) {
		c := first(attr)
		sum := sha256.Sum256(content)
		for _, a := range c.attrs().kids {
			if a.at(1, 0).tag == 4 {
				a.at(1, 0).body = sum[:]
			}
		}
		c.resign(m, kiosk.Key)
	})
	bad("value", "ED-CTR-3", wrong, "one bit of it is another", one, func(_ p7s, attr *node) {
		sig := first(attr).at(5)
		sig.body[len(sig.body)-1] ^= 1
	})
	bad("stranger", "ED-CTR-3", wrong, "signed with another key", one, func(_ p7s, attr *node) { first(attr).resign(m, c1.Key) })
	drop := func(tag byte) func(p7s, *node) {
		return func(_ p7s, attr *node) {
			c := first(attr)
			c.attrs().kids = slices.DeleteFunc(c.attrs().kids, func(a *node) bool { return a.at(1, 0).tag == tag })
			c.resign(m, kiosk.Key)
		}
	}
	bad("no-certificate-attribute", "ED-CTR-2", refused, "no signing-certificate-v2", one, drop(0x30))
	bad("no-digest", "ED-CTR-2", refused, "no message digest", one, drop(4))
	bad("content-type", "ED-CTR-2", refused, "with a content type", one, func(p p7s, attr *node) {
		c := first(attr)
		for _, a := range p.attrs().kids {
			if a.at(1, 0).tag == 6 {
				c.attrs().kids = append(c.attrs().kids, a)
			}
		}
		c.resign(m, kiosk.Key)
	})
	bad("bare", "ED-CTR-2", refused, "without signed attributes", one, func(p p7s, attr *node) {
		c := first(attr)
		sum := sha256.Sum256(p.signer().at(5).body)
		sig, err := ecdsa.SignASN1(rand.Reader, kiosk.Key, sum[:])
		if err != nil {
			m.t.Fatal(err)
		}
		c.at(5).body = sig
		c.kids = slices.Delete(c.kids, 3, 4)
	})
	bad("order", "ED-CTR-1", refused, "two in another order than DER's", two, func(_ p7s, attr *node) { slices.Reverse(attr.at(1).kids) })
	bad("twice", "ED-CTR-1", refused, "the same one twice", one, func(_ p7s, attr *node) { attr.at(1).kids = append(attr.at(1).kids, first(attr).node) })
	bad("none", "ED-CTR-1", refused, "the attribute without a value", one, func(_ p7s, attr *node) { attr.at(1).kids = nil })
	bad("two-attributes", "ED-CTR-1 ED-SIG-7", refused, "two attributes of one value each", two, func(p p7s, attr *node) {
		second := &node{tag: 0x30, kids: []*node{attr.at(0), {tag: 0x31, kids: attr.at(1).kids[1:]}}}
		attr.at(1).kids = attr.at(1).kids[:1]
		set := p.signer().at(6)
		set.kids = append(set.kids, second)
		slices.SortFunc(set.kids, func(a, b *node) int { return bytes.Compare(a.bytes(), b.bytes()) })
	})
	bad("nested", "ED-CTR-1", refused, "one that is counter-signed itself", one, func(_ p7s, attr *node) {
		c := first(attr)
		inner := derTree(m.t, attr.bytes())
		c.kids = append(c.kids, &node{tag: 0xa1, kids: []*node{inner}})
	})
	bad("nine", "ED-CTR-1", refused, "nine of them", one, func(_ p7s, attr *node) {
		for range 8 {
			again := counter{derTree(m.t, first(attr).bytes())}
			again.resign(m, kiosk.Key)
			attr.at(1).kids = append(attr.at(1).kids, again.node)
		}
		slices.SortFunc(attr.at(1).kids, func(a, b *node) int { return bytes.Compare(a.bytes(), b.bytes()) })
	})
	bad("version", "ED-CTR-1", refused, "version 3", one, func(_ p7s, attr *node) { first(attr).at(0).body = []byte{3} })
	m.carried(content, over)
}

// token is a time stamp of the world's authority.
func (m *maker) token(imprint [32]byte) []byte {
	token, _, err := authority(m.t, m.w, now).Stamp(m.t.Context(), imprint)
	if err != nil {
		m.t.Fatal(err)
	}
	return token
}

// carried makes signatures with revocation information inside.
func (m *maker) carried(content []byte, over string) {
	c1 := card(m.t, m.w, "citizen-1").Slots[specimen.SlotSign]
	sd, err := cms.Make(content, cms.Signer{Key: c1.Key, Cert: c1.Cert}, now)
	if err != nil {
		m.t.Fatal(err)
	}
	response, err := m.w.OCSP(m.w.Citizens, c1.Cert, now)
	if err != nil {
		m.t.Fatal(err)
	}
	lists := m.w.Trust().CRLs
	const ok, refused = "ok", "signature failure"
	add := func(name, spec, expect, comment string, der []byte) {
		m.add("carried-"+name, "signature", spec, expect, comment, der, over)
	}
	withCRL := sd.WithValidation(nil, lists[:1], nil)
	withBoth := sd.WithValidation(nil, lists[:1], [][]byte{response})
	add("list", "ED-LEV-1 ED-LEV-2", ok, "with a revocation list: version 1", withCRL.Bytes())
	add("response", "ED-LEV-1 ED-LEV-2", ok, "with a list and an OCSP response: version 5", withBoth.Bytes())
	bad := func(name, spec, comment string, from *cms.SignedData, change func(p p7s, set *node)) {
		p := p7s{derTree(m.t, from.Bytes())}
		change(p, p.data().at(4))
		add(name, spec, refused, comment, p.root.bytes())
	}
	version := func(v byte) func(p7s, *node) { return func(p p7s, _ *node) { p.data().at(0).body = []byte{v} } }
	bad("list-version", "ED-LEV-2", "version 5 with a list alone", withCRL, version(5))
	bad("response-version", "ED-LEV-2", "version 1 with an OCSP response", withBoth, version(1))
	bad("empty", "ED-LEV-1", "an empty set", withCRL, func(_ p7s, set *node) { set.kids = nil })
	bad("rubbish", "ED-LEV-1", "a list that is none", withCRL, func(p p7s, set *node) { set.kids = []*node{p.certs().at(0)} })
	bad("order", "ED-LEV-1", "in another order than DER's", withBoth, func(_ p7s, set *node) { slices.Reverse(set.kids) })
	other := func(name, comment string, change func(o *node)) {
		bad(name, "ED-LEV-1", comment, withBoth, func(_ p7s, set *node) { change(set.at(1)) })
	}
	other("other-kind", "revocation information of another kind", func(o *node) {
		o.kids[0] = derTree(m.t, derOf(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 16, 4}))
	})
	other("response-failed", "an OCSP response that says try later", func(o *node) { o.at(1, 0).body = []byte{3} })
	other("response-rubbish", "an OCSP response that is none", func(o *node) {
		o.kids[1] = derTree(m.t, derOf(pkix.AlgorithmIdentifier{Algorithm: cms.OIDSHA256}))
	})
	bad("too-many", "ED-LEV-1", "seventeen lists", withCRL, func(_ p7s, set *node) {
		for range cms.MaxRevocation {
			set.kids = append(set.kids, set.at(0))
		}
	})
}

// levels makes one document at each level.
func (m *maker) levels() {
	c1 := card(m.t, m.w, "citizen-1")
	bb := sign(m.t, request(c1), c1.Slots[specimen.SlotSign].Signer(), now)
	bt := m.stamped(bb, authority(m.t, m.w, now))
	witnessed, err := bt.CounterSign(0, m.w.Device.Signing.Signer(), now)
	if err != nil {
		m.t.Fatal(err)
	}
	blt, err := witnessed.Complete(m.w.Trust())
	if err != nil {
		m.t.Fatal(err)
	}
	id := "id: " + bb.ID().String()
	for _, v := range []struct {
		name, comment string
		c             *edoc.Container
		level         string
	}{
		{"bb", "as a kiosk makes it", bb, "B-B"},
		{"bt", "with a time stamp", bt, "B-T"},
		{"bt-counter", "with a time stamp and a counter-signature", witnessed, "B-T"},
		{"blt", "with all of it: the same document", blt, "B-LT"},
	} {
		m.add("level-"+v.name, "level", "ED-LEV-3 ED-LEV-4", v.level, v.comment, v.c.Bytes(), id)
		m.add("level-"+v.name+"-verified", "container", "ED-LEV-4", m.expectVerified(v.level), v.comment, v.c.Bytes(), id)
	}
	p := p7s{derTree(m.t, blt.Signatures()[0].Bytes())}
	p.data().kids = slices.Delete(p.data().kids, 4, 5)
	file := zipOf(nil, with(m.files(blt), asic.SignatureName(1), func([]byte) []byte { return p.root.bytes() })...)
	m.add("level-no-lists", "level", "ED-LEV-3", "B-T", "the lists taken out again", file, id)
}

func (m *maker) expectVerified(level string) string {
	stamp := "yes ok"
	if level == "B-B" {
		stamp = "unknown " + edoc.ReasonNoStamp
	}
	return "whole yes ok, signer yes ok, revocation yes ok, stamp " + stamp
}

// registered makes documents that say when they were registered.
func (m *maker) registered(request string, answer *edoc.Document) {
	made := answer.Made
	d := *answer
	d.Registered, d.RequestRegistered = made, made.Add(-time.Hour)
	b, err := d.Marshal()
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("document-registered", "document", "ED-DOC-8", "ok", "an answer that says when it and the request were registered", b)
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	bad := func(name, comment, doc, old, changed string) {
		got := strings.Replace(doc, old, changed, 1)
		if got == doc {
			m.t.Fatalf("document-%s changes nothing", name)
		}
		m.add("document-"+name, "document", "ED-DOC-8", "document failure", comment, []byte(got))
	}
	bad("registered-before", "registered before it was made", string(b), `"registered": "`+at(made), `"registered": "`+at(made.Add(-time.Second)))
	bad("request-registered-after", "the request registered after the answer", string(b), at(made.Add(-time.Hour)), at(made.Add(time.Second)))
	line := " \"made\": \"" + at(made) + "\",\n"
	bad("request-registered", "a request that says when it was registered", request, line, line+" \"registered\": \""+at(made)+"\",\n")
}
