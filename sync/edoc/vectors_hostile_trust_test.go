package edoc_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// certify has by certify a fresh key.
func (m *maker) certify(by specimen.Identity, number int64, change func(t *x509.Certificate)) specimen.Identity {
	m.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(number), BasicConstraintsValid: true}
	change(t)
	der, err := x509.CreateCertificate(rand.Reader, t, by.Cert, key.Public(), by.Key)
	if err != nil {
		m.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		m.t.Fatal(err)
	}
	return specimen.Identity{Key: key, Cert: cert, Chain: append([]*x509.Certificate{by.Cert}, by.Chain...)}
}

func (m *maker) hostileTrust() {
	w := m.w
	encode := func(b trust.Bundle, s cms.Signer) []byte {
		signed, err := b.Encode(s)
		if err != nil {
			m.t.Fatal(err)
		}
		return signed
	}
	add := func(name, rule, why, story string, body []byte) {
		m.hostile("trust", "bundle-"+name, "bundle", rule, "bundle refused", why, story, body)
	}
	with := func(name, rule, why, story string, change func(b *trust.Bundle)) {
		b := *w.Trust()
		change(&b)
		add(name, rule, why, story, encode(b, w.Register.Signer()))
	}
	by := func(name, story string, ca specimen.Identity, change func(t *x509.Certificate)) {
		id := m.certify(ca, 8000, func(t *x509.Certificate) {
			t.Subject, t.KeyUsage = pkix.Name{CommonName: "SPECIMEN Register"}, x509.KeyUsageContentCommitment
			t.NotBefore, t.NotAfter = now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)
			t.Policies = []x509.OID{trust.PolicyRegister()}
			change(t)
		})
		add("by-"+name, "ED-TRU-1", "", story, encode(*w.Trust(), id.Signer()))
	}
	by("citizens-centre", "the centre for citizens certified a register", w.Citizens, func(*x509.Certificate) {})
	by("kiosk-policy", "signed with a kiosk's policy for signing", w.Infrastructure, func(t *x509.Certificate) { t.Policies = []x509.OID{trust.PolicyDevice()} })
	by("no-policy", "a certificate of the name, without the policy", w.Infrastructure, func(t *x509.Certificate) { t.Policies = nil })
	by("login-key", "a register's certificate that is not for binding signatures", w.Infrastructure, func(t *x509.Certificate) { t.KeyUsage = x509.KeyUsageDigitalSignature })
	by("expired", "a register's certificate that was over", w.Infrastructure, func(t *x509.Certificate) { t.NotAfter = now.AddDate(0, -1, 0) })
	by("citizen", "a citizen's card certified a register", card(m.t, w, "citizen-1").Slots[specimen.SlotSign], func(*x509.Certificate) {})

	good := w.Bundle()
	cut := good[:len(good)-1]
	add("cut", "ED-TRU-3", "", "the last byte is missing", cut)
	add("trailing", "ED-TRU-3", "", "a byte follows", append(bytes.Clone(good), 0))
	bit := bytes.Clone(good)
	bit[bytes.Index(bit, []byte("working"))] = 'W'
	add("changed", "ED-TRU-1", "", "a letter of a centre's state was changed", bit)
	add("huge", "ED-TRU-3", "", "says it has 2⁶⁰ parts", []byte{0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0})
	add("deep", "ED-TRU-3", "", "ten thousand lists in each other", bytes.Repeat([]byte{0x81}, 10000))
	add("tagged", "ED-TRU-3", "", "a tag before it", append([]byte{0xd9, 0xd9, 0xf7}, good...))
	add("as-catalogue", "ED-TRU-4", "", "a catalogue of the register as a bundle", m.object("catalogue", []byte("{}"), w.Register.Signer()))
	payload := func(name, story string, b []byte) {
		add(name, "ED-TRU-3", "", story, m.object(trust.KindTrust, b, w.Register.Signer()))
	}
	payload("key-twice", "two versions in one bundle: no rollback by one of them", []byte{0xa3, 1, 0x19, 0x27, 0x0f, 1, 1, 2, 0})
	payload("key-order", "the keys in another order", []byte{0xa2, 2, 0, 1, 1})
	payload("float", "a version with a fraction", []byte{0xa2, 1, 0xf9, 0x3c, 0, 2, 0})
	payload("negative", "a version before the first", []byte{0xa2, 1, 0x20, 2, 0})
	payload("long-number", "version 1 in nine bytes", []byte{0xa2, 1, 0x1b, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0})
	payload("empty", "nothing in it", []byte{0xa0})
	payload("indefinite", "a map of indefinite length", []byte{0xbf, 1, 1, 2, 0, 0xff})

	with("centre-stranger", "ED-TRU-1", "", "lists a centre that no root certified, as a spy of the register would", func(b *trust.Bundle) {
		x, err := specimen.New(now)
		if err != nil {
			m.t.Fatal(err)
		}
		b.Centres = slices.Clone(b.Centres)
		b.Centres[0].Cert = x.Citizens.Cert
	})
	with("crl-by-other-centre", "ED-TRU-6", "", "the list of one centre signed by another", func(b *trust.Bundle) {
		b.CRLs = [][]byte{m.listBy(w.Citizens, w.AgenciesCA)}
	})
	with("crl-by-citizen", "ED-TRU-6", "", "a citizen signed a list in his centre's name, to take his revocation off", func(b *trust.Bundle) {
		b.CRLs = [][]byte{m.listBy(w.Citizens, card(m.t, w, "citizen-3").Slots[specimen.SlotSign])}
	})
	with("crl-changed", "ED-TRU-6", "", "a bit of a list was changed", func(b *trust.Bundle) {
		b.CRLs = slices.Clone(b.CRLs)
		x := bytes.Clone(b.CRLs[0])
		x[len(x)-1] ^= 1
		b.CRLs[0] = x
	})
	with("crl-narrow", "ED-TRU-6", "", "a list of one place of distribution alone, as if it were the whole one", func(b *trust.Bundle) {
		b.CRLs = [][]byte{m.crl(w.Citizens, 9, []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 3, 0x81, 1, 0xff}}})}
	})
	with("crl-garbage", "ED-TRU-6", "", "something that is no list", func(b *trust.Bundle) { b.CRLs = [][]byte{[]byte("-----BEGIN X509 CRL-----")} })
	with("crl-is-certificate", "ED-TRU-6", "", "a certificate where a list belongs", func(b *trust.Bundle) { b.CRLs = [][]byte{w.Citizens.Cert.Raw} })

	object := func(name, rule, story, kind string, body []byte) {
		m.hostile("trust", "object-"+name, "object", rule, "object refused", "", story, body, "object: "+kind)
	}
	cat := m.object("catalogue", []byte("{}"), w.Register.Signer())
	object("trailing", "ED-TRU-3", "a byte follows", "catalogue", append(bytes.Clone(cat), 0))
	object("payload", "ED-TRU-5", "another payload under the register's signature", "catalogue", bytes.Replace(cat, []byte("{}"), []byte("[]"), 1))
	object("text-payload", "ED-TRU-3", "the payload as text instead of bytes", "catalogue", bytes.Replace(cat, []byte("\x42{}"), []byte("\x62{}"), 1))
	object("by-citizen", "ED-TRU-5", "a catalogue of a citizen's", "catalogue", m.object("catalogue", []byte("{}"), card(m.t, w, "citizen-1").Slots[specimen.SlotSign].Signer()))
	object("beacon-by-register", "ED-TRU-5", "a beacon of the register, which states no times", "beacon", m.object("beacon", []byte("{}"), w.Register.Signer()))
	object("beacon-expired", "ED-TRU-5", "a beacon of the portal that says it is of after its certificate's end", "beacon", m.objectAt("beacon", w.PortalReceipt.Signer(), now.AddDate(5, 0, 0)))
	object("beacon-by-tls-key", "ED-TRU-5", "a beacon signed with the portal's TLS key", "beacon", m.object("beacon", []byte("{}"), w.PortalTLS.Signer()))
	var parts []any
	if err := dcbor.Unmarshal(cat, &parts); err != nil {
		m.t.Fatal(err)
	}
	four, err := dcbor.Marshal(append(slices.Clone(parts), "more"))
	if err != nil {
		m.t.Fatal(err)
	}
	object("four-parts", "ED-TRU-3", "a fourth part", "catalogue", four)
	bare, err := cms.Sign([]byte("{}"), w.Register.Signer(), now)
	if err != nil {
		m.t.Fatal(err)
	}
	parts[2] = bare
	undomained, err := dcbor.Marshal(parts)
	if err != nil {
		m.t.Fatal(err)
	}
	object("no-domain", "ED-TRU-5", "the register's signature over the bare payload: made for something else", "catalogue", undomained)
}

func (m *maker) object(kind string, payload []byte, s cms.Signer) []byte {
	m.t.Helper()
	b, err := trust.SignObjectAt(kind, payload, s, now)
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

func (m *maker) objectAt(kind string, s cms.Signer, at time.Time) []byte {
	m.t.Helper()
	b, err := trust.SignObjectAt(kind, []byte("{}"), s, at)
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

// listBy is an empty revocation list in the name of one, signed by another.
func (m *maker) listBy(name, by specimen.Identity) []byte {
	m.t.Helper()
	ca := *name.Cert
	ca.PublicKey = by.Key.Public()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(99), ThisUpdate: now, NextUpdate: now.AddDate(0, 1, 0),
	}, &ca, by.Key)
	if err != nil {
		m.t.Fatal(err)
	}
	return der
}
