package edoc_test

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/penjire/penjire/sync/edoc/dcbor"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// named returns the body of another vector.
func (w *vectorWorld) named(name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(w.dir, name+".txt"))
	if err != nil {
		return nil, err
	}
	v, err := parseVector(name, b)
	return v.body, err
}

// bundleOutcome opens a bundle, as one who knows another already if the vector
// says so.
func (w *vectorWorld) bundleOutcome(v vector, least uint64) (string, error) {
	k := trust.Known{Roots: w.roots, Version: least}
	if name := v.header["known"]; name != "" {
		b, err := w.named(name)
		if err != nil {
			return "", err
		}
		if k.Bundle, err = trust.ParseBundle(b, w.roots, 0); err != nil {
			return "", err
		}
	}
	switch _, err := trust.Open(v.body, k); {
	case errors.Is(err, trust.ErrRollback):
		return "rollback", nil
	case err != nil:
		return "bundle refused", nil
	}
	return "ok", nil
}

// deltaOutcome applies a delta to the bundle that the vector names, and opens what
// comes of it.
func (w *vectorWorld) deltaOutcome(v vector) (string, error) {
	old, err := w.named(v.header["from"])
	if err != nil {
		return "", err
	}
	signed, err := trust.Apply(old, v.body)
	switch {
	case errors.Is(err, trust.ErrOtherBase):
		return "another base", nil
	case err != nil:
		return "delta refused", nil
	}
	b, err := trust.ParseBundle(signed, w.roots, 0)
	if err != nil {
		return "bundle refused", nil
	}
	return fmt.Sprintf("version %d", b.Version), nil
}

// crossed certifies id's name and key once more, by another.
func (m *maker) crossed(id, by specimen.Identity, from time.Time) *x509.Certificate {
	m.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(7000), RawSubject: id.Cert.RawSubject, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, NotBefore: from, NotAfter: now.AddDate(10, 0, 0),
	}, by.Cert, id.Key.Public(), by.Key)
	if err != nil {
		m.t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		m.t.Fatal(err)
	}
	return c
}

// root makes a further root.
func (m *maker) root(cn string) specimen.Identity {
	id := m.certify(m.w.Root, 7001, sub(cn, -1))
	id.Cert = m.crossed(id, id, now.AddDate(-1, 0, 0))
	return id
}

// registerUnder certifies a register by the centre for infrastructure, whose own
// certificate is of that root.
func (m *maker) registerUnder(root specimen.Identity) specimen.Identity {
	infra := m.w.Infrastructure
	infra.Cert, infra.Chain = m.crossed(infra, root, now.AddDate(-1, 0, 0)), []*x509.Certificate{root.Cert}
	old := m.w.Register.Cert
	return m.certify(infra, 7002, func(t *x509.Certificate) {
		t.RawSubject, t.KeyUsage, t.Policies = old.RawSubject, old.KeyUsage, old.Policies
		t.NotBefore, t.NotAfter = old.NotBefore, old.NotAfter
	})
}

func (m *maker) rotations() {
	w := m.w
	version := w.Trust().Version
	add := func(name, spec, expect, comment string, by specimen.Identity, change func(b *trust.Bundle), more ...string) {
		b := *w.Trust()
		version++
		b.Version = version
		change(&b)
		signed, err := b.Encode(by.Signer())
		if err != nil {
			m.t.Fatal(err)
		}
		m.add("bundle-"+name, "bundle", spec, expect, comment, signed, more...)
	}
	day := func(n int) time.Time { return now.AddDate(0, 0, n) }
	second, third, thief := m.root("SPECIMEN Root 2"), m.root("SPECIMEN Root 3"), m.root("SPECIMEN Root of a thief")
	under2, under3, underThief := m.registerUnder(second), m.registerUnder(third), m.registerUnder(thief)
	next := func(root, by specimen.Identity, from time.Time) trust.NextRoot {
		return trust.NextRoot{Cert: root.Cert, Cross: m.crossed(root, by, from)}
	}
	to2, to3 := next(second, w.Root, day(-60)), next(third, second, day(-20))
	roots := func(list ...trust.NextRoot) func(*trust.Bundle) {
		return func(b *trust.Bundle) { b.Roots = list }
	}
	const refused = "bundle refused"
	add("announces", "ED-TRU-7", "ok", "signed under the old root, announces the next", w.Register, roots(to2))
	add("next-root", "ED-TRU-7", "ok", "signed under the next root, which the old one signed over", under2, roots(to2))
	add("next-root-unannounced", "ED-TRU-7 ED-TRU-1", refused, "signed under a root that nobody announced", under2, roots())
	add("next-root-early", "ED-TRU-7", refused, "the next root counts from tomorrow", under2, roots(next(second, w.Root, day(1))))
	add("next-root-stranger", "ED-TRU-7", refused, "a stranger signed the next root over", under2, roots(next(second, thief, day(-60))))
	add("next-root-other-key", "ED-TRU-7", refused, "the cross certificate is of another key", under2, roots(trust.NextRoot{Cert: second.Cert, Cross: to3.Cross}))
	add("walk", "ED-TRU-7", "ok", "signed under the third root: a walk of two announcements, in either order", under3, roots(to3, to2))
	add("walk-gap", "ED-TRU-7", refused, "the same without the first announcement", under3, roots(to3))

	retire := func(root specimen.Identity, since time.Time, list ...trust.NextRoot) func(*trust.Bundle) {
		return func(b *trust.Bundle) {
			b.Roots, b.Retired = list, []trust.RetiredRoot{{Key: trust.RootKey(root.Cert), Since: since}}
		}
	}
	add("retires", "ED-TRU-8", "ok", "signed under the next root, retires the old one", under2, retire(w.Root, day(-1), to2))
	add("retires-early", "ED-TRU-8", refused, "retires the old root 20 days after the next began", under2, retire(w.Root, day(-40), to2))
	add("retires-alone", "ED-TRU-8", refused, "retires the only root there is", w.Register, retire(w.Root, day(1)))
	add("retires-own", "ED-TRU-8", refused, "signed under the root that it retires", w.Register, retire(w.Root, day(-1), to2))
	add("retired-not-known", "ED-TRU-8", "ok", "signed under the old root, for a reader who knows of no retirement", w.Register, roots(to2))
	add("retired", "ED-TRU-8", refused, "the same, for a reader who does", w.Register, roots(to2), "known: bundle-retires")
	add("retired-announces", "ED-TRU-8", refused, "a thief with the old root's key announces a root of his own", underThief,
		roots(to2, next(thief, w.Root, day(-90))), "known: bundle-retires")
	add("retired-before", "ED-TRU-8", refused, "the thief says that it was issued before the retirement", w.Register,
		func(b *trust.Bundle) { b.Issued, b.Roots = day(-2), []trust.NextRoot{to2} }, "known: bundle-retires")
	back := w.Register
	back.Chain = append(slices.Clone(back.Chain), m.crossed(w.Root, second, day(-60)))
	add("retired-crossed", "ED-TRU-8", refused, "the old root's key under another certificate: the next root certified it", back, roots(to2), "known: bundle-retires")
	add("after-retired", "ED-TRU-8", "ok", "signed under the next root, for a reader who knows of the retirement", under2, roots(to2), "known: bundle-retires")
}

// wireObject is an object taken apart, to be put together wrongly.
type wireObject struct {
	_       struct{} `cbor:",toarray"`
	Kind    string
	Payload []byte
	P7S     []byte
}

func (m *maker) deltas() {
	w := m.w
	from := "from: bundle-good"
	b := *w.Trust()
	b.Version += 100
	b.CRLs = append([][]byte{m.crl(w.Citizens, 99, nil, m.b.region.Cert)}, b.CRLs[1:]...)
	signed, err := b.Encode(w.Register.Signer())
	if err != nil {
		m.t.Fatal(err)
	}
	delta, err := trust.Delta(w.Bundle(), signed)
	if err != nil {
		m.t.Fatal(err)
	}
	if len(delta)*3 > len(signed) {
		m.t.Errorf("the delta of one list has %d bytes, the bundle %d", len(delta), len(signed))
	}
	changed := func(change func(p map[uint64]cbor.RawMessage)) []byte {
		var o wireObject
		p := map[uint64]cbor.RawMessage{}
		if err := errors.Join(dcbor.Unmarshal(delta, &o), dcbor.Unmarshal(o.Payload, &p)); err != nil {
			m.t.Fatal(err)
		}
		change(p)
		if o.Payload, err = dcbor.Marshal(p); err != nil {
			m.t.Fatal(err)
		}
		out, err := dcbor.Marshal(o)
		if err != nil {
			m.t.Fatal(err)
		}
		return out
	}
	raw := func(v any) cbor.RawMessage {
		r, err := dcbor.Marshal(v)
		if err != nil {
			m.t.Fatal(err)
		}
		return r
	}
	version := fmt.Sprintf("version %d", b.Version)
	add := func(name, expect, comment string, body []byte, from string) {
		m.add("delta-"+name, "delta", "ED-TRU-9", expect, comment, body, from)
	}
	add("good", version, "one revocation list is new", delta, from)
	add("other-base", "another base", "for another version than the reader's", delta, "from: bundle-retires")
	add("digest", "another base", "it promises another digest", changed(func(p map[uint64]cbor.RawMessage) { p[3] = raw(make([]byte, 32)) }), from)
	add("version", "delta refused", "it says another version than comes of it", changed(func(p map[uint64]cbor.RawMessage) { p[2] = raw(b.Version + 1) }), from)
	add("outside", "delta refused", "it takes from the old list what is not there",
		changed(func(p map[uint64]cbor.RawMessage) { p[5] = raw(map[int]any{4: []any{map[int]any{1: 2, 2: 1000}}}) }), from)
	add("no-list", "delta refused", "it edits what is no list",
		changed(func(p map[uint64]cbor.RawMessage) { p[5] = raw(map[int]any{1: []any{map[int]any{2: 1}}}) }), from)
	same := map[int]any{2: len(b.CRLs)}
	bomb := make([]any, 1<<15)
	for i := range bomb {
		bomb[i] = same
	}
	add("bomb", "delta refused", "it repeats all lists 32768 times", changed(func(p map[uint64]cbor.RawMessage) { p[5] = raw(map[int]any{4: bomb}) }), from)

	add("new-and-edited", "delta refused", "it sends a list of nothings and repeats it", changed(func(p map[uint64]cbor.RawMessage) {
		set := map[uint64]cbor.RawMessage{}
		if err := dcbor.Unmarshal(p[4], &set); err != nil {
			m.t.Fatal(err)
		}
		set[9] = raw(make([]int, 1<<10))
		p[4] = raw(set)
		p[5] = raw(map[int]any{9: []any{map[int]any{2: 1 << 10}, map[int]any{2: 1 << 10}}})
	}), from)

	// Right in itself, but more than the register signed: one portal more.
	more := b
	more.Portals = append([]*x509.Certificate{card(m.t, w, "citizen-2").Slots[specimen.SlotSign].Cert}, b.Portals...)
	other, err := more.Encode(w.Register.Signer())
	if err != nil {
		m.t.Fatal(err)
	}
	says, err := trust.Delta(w.Bundle(), other)
	if err != nil {
		m.t.Fatal(err)
	}
	var x, y wireObject
	if err := errors.Join(dcbor.Unmarshal(says, &x), dcbor.Unmarshal(delta, &y)); err != nil {
		m.t.Fatal(err)
	}
	x.P7S = y.P7S
	out, err := dcbor.Marshal(x)
	if err != nil {
		m.t.Fatal(err)
	}
	if sha256.Sum256(x.Payload) == sha256.Sum256(y.Payload) {
		m.t.Fatal("the delta says nothing more")
	}
	add("says-more", "bundle refused", "it says more than the register signed", out, from)
}
