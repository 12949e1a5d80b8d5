package edoc_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// branches are the centres below the usual ones, and persons' certificates that
// something is the matter with. All the persons are citizen-1.
type branches struct {
	region, below, unlisted, otherKind, cancelled, ended specimen.Identity

	heldOver, heldByOrder, restored specimen.Identity

	oldKey  specimen.Identity // of the citizens' centre, which has another by now
	limited specimen.Identity // the civil registry's, for complaints only
}

// sub is the template of a centre below another.
func sub(cn string, pathLen int) func(*x509.Certificate) {
	return func(t *x509.Certificate) {
		t.Subject = pkix.Name{Country: []string{"TM"}, Organization: []string{"SPECIMEN"}, CommonName: cn}
		t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
		t.NotBefore, t.NotAfter = now.AddDate(-1, 0, 0), now.AddDate(9, 0, 0)
		t.MaxPathLen, t.MaxPathLenZero = pathLen, pathLen == 0
	}
}

// signing is the template of a certificate for citizen-1's binding signatures.
func (m *maker) signing(change ...func(*x509.Certificate)) func(*x509.Certificate) {
	c := card(m.t, m.w, "citizen-1").Slots[specimen.SlotSign].Cert
	return func(t *x509.Certificate) {
		t.RawSubject, t.KeyUsage, t.NotBefore, t.NotAfter = c.RawSubject, c.KeyUsage, c.NotBefore, c.NotAfter
		for _, f := range change {
			f(t)
		}
	}
}

// makeBranches certifies them, and cancels and suspends some.
func (m *maker) makeBranches() {
	w := m.w
	m.b = branches{
		region:      m.certify(w.Citizens, 9001, sub("SPECIMEN Centre for citizens, region", 0)),
		unlisted:    m.certify(w.Citizens, 9002, sub("SPECIMEN Centre that is not listed", 0)),
		otherKind:   m.certify(w.AgenciesCA, 9003, sub("SPECIMEN Centre of agencies, for citizens", 0)),
		cancelled:   m.certify(w.Citizens, 9004, sub("SPECIMEN Centre that is cancelled", 0)),
		ended:       m.certify(w.Citizens, 9005, sub("SPECIMEN Centre that has ended", 0)),
		heldOver:    m.certify(w.Citizens, 9011, m.signing()),
		heldByOrder: m.certify(w.Citizens, 9012, m.signing()),
		restored:    m.certify(w.Citizens, 9013, m.signing()),
	}
	m.b.oldKey = m.certify(w.Root, 9007, func(t *x509.Certificate) {
		sub("", -1)(t)
		t.RawSubject = w.Citizens.Cert.RawSubject
	})
	m.b.limited = m.certify(w.AgenciesCA, 9014, func(t *x509.Certificate) {
		c := w.Agencies["civil-registry"].Cert
		t.RawSubject, t.KeyUsage, t.NotBefore, t.NotAfter = c.RawSubject, c.KeyUsage, c.NotBefore, c.NotAfter
		m.limited(trust.Limits{Services: []string{"complaint"}})(t)
	})
	m.b.below = m.certify(m.b.region, 9006, sub("SPECIMEN Centre below a region", 0))
	for _, r := range []struct {
		cert *x509.Certificate
		at   time.Time
		hold bool
	}{
		{m.b.cancelled.Cert, now.Add(-time.Hour), false},
		// The fifth of June 2026 is a Friday: two working days are over by the tenth.
		{m.b.heldOver.Cert, now.AddDate(0, 0, -10), true},
		{m.b.heldByOrder.Cert, now.AddDate(0, 0, -10), true},
	} {
		if err := m.w.Revoke(r.cert, r.at, r.hold); err != nil {
			m.t.Fatal(err)
		}
	}
}

// listBranches puts them into the bundle.
func (m *maker) listBranches(b *trust.Bundle) {
	for _, c := range []struct {
		ca    specimen.Identity
		state string
	}{
		{m.b.region, trust.Working},
		{m.b.below, trust.Working},
		{m.b.otherKind, trust.Working},
		{m.b.cancelled, trust.Working},
		{m.b.ended, trust.Ended},
		{m.b.oldKey, trust.Ended},
	} {
		b.Centres = append(b.Centres, trust.Centre{
			Cert: c.ca.Cert, Name: "NUSGA " + c.ca.Cert.Subject.CommonName, Kind: trust.KindCitizens, State: c.state, Since: now.Add(-24 * time.Hour),
			Accreditation: trust.Accreditation{No: "SPECIMEN-4", Date: c.ca.Cert.NotBefore, Address: "NUSGA köçesi 2, Mary"},
		})
		b.CRLs = append(b.CRLs, m.crl(c.ca, 1, nil))
	}
	b.Agencies = append(slices.Clip(b.Agencies), m.b.limited.Cert)
	centre := trust.HoldCentre(m.w.Citizens.Cert)
	b.Holds = []trust.Hold{
		{Centre: centre, Serial: m.b.heldByOrder.Cert.SerialNumber.Bytes(), From: now.AddDate(0, 0, -10), Order: true},
		{Centre: centre, Serial: m.b.restored.Cert.SerialNumber.Bytes(), From: now.Add(-72 * time.Hour), Until: now.Add(-48 * time.Hour)},
	}
	b.Calendar = trust.Calendar{Off: []time.Weekday{time.Saturday, time.Sunday}, Holidays: []string{"2026-06-08"}}
}

// options are what a vector's header says is known besides.
func options(v vector) (edoc.Options, error) {
	var o edoc.Options
	if s := v.header["between"]; s != "" {
		from, to, _ := strings.Cut(s, "/")
		var err error
		if o.Between.NotBefore, err = time.Parse(time.RFC3339, from); err != nil {
			return o, err
		}
		if o.Between.NotAfter, err = time.Parse(time.RFC3339, to); err != nil {
			return o, err
		}
	}
	if s := v.header["service"]; s != "" {
		o.Catalogue = &catalog.Catalogue{Services: make([]catalog.Service, 1)}
		if err := json.Unmarshal([]byte(s), &o.Catalogue.Services[0]); err != nil {
			return o, err
		}
	}
	return o, nil
}

// further says what was found of the further signatures and counter-signatures,
// for a vector that asks for all.
func further(v vector, r edoc.Report) string {
	if v.header["all"] == "" {
		return ""
	}
	var s strings.Builder
	for i, x := range r.Signatures {
		fmt.Fprintf(&s, "; %s", x.Role)
		if i > 0 {
			fmt.Fprintf(&s, " signer %s, revocation %s, stamp %s", f(x.Signer), f(x.Revocation), f(x.Stamp))
		}
		for _, c := range x.Counters {
			fmt.Fprintf(&s, ", countered by %s signer %s, revocation %s", c.Role, f(c.Signer), f(c.Revocation))
		}
	}
	return s.String()
}

const noStamp = ", stamp unknown stamp.none"

func (m *maker) person(ca specimen.Identity, number int64, at time.Time, change ...func(*x509.Certificate)) *edoc.Container {
	id := m.certify(ca, number, m.signing(change...))
	return sign(m.t, request(card(m.t, m.w, "citizen-1")), id.Signer(), at)
}

func (m *maker) by(id specimen.Identity, at time.Time) *edoc.Container {
	return sign(m.t, request(card(m.t, m.w, "citizen-1")), id.Signer(), at)
}

func (m *maker) paths() {
	add := func(name, spec, expect, comment string, c *edoc.Container, more ...string) {
		m.add("path-"+name, "container", spec, expect, comment, c.Bytes(), more...)
	}
	at := func(c *edoc.Container, t time.Time) *edoc.Container { return m.stamped(c, authority(m.t, m.w, t)) }
	const yes = ", stamp yes ok"
	add("region", "ED-VER-10", "whole yes ok, signer yes ok, revocation yes ok"+noStamp, "by a centre below the citizens' centre", m.person(m.b.region, 1, now))
	add("too-long", "ED-VER-10", "whole yes ok, signer no centre.path, revocation yes ok"+noStamp, "by a centre below a region, which may have none below it", m.person(m.b.below, 1, now))
	add("other-kind", "ED-VER-10", "whole yes ok, signer no centre.path, revocation yes ok"+noStamp, "by a centre for citizens that the agencies' centre certified", m.person(m.b.otherKind, 1, now))
	add("unlisted", "ED-VER-1", "whole yes ok, signer no cert.foreign, revocation unknown crl.none"+noStamp, "by a centre that the citizens' centre certified and the state list does not know", m.person(m.b.unlisted, 1, now))
	add("citizen-as-centre", "ED-VER-1 ED-VER-10", "whole yes ok, signer no cert.foreign, revocation unknown crl.none"+noStamp, "certified by a citizen with his own key",
		m.person(card(m.t, m.w, "citizen-2").Slots[specimen.SlotSign], 1, now))
	add("cancelled", "ED-VER-10", "whole yes ok, signer yes ok, revocation no centre.revoked"+noStamp, "the centre's own certificate was cancelled an hour before", m.person(m.b.cancelled, 1, now))
	add("cancelled-after-stamp", "ED-VER-10", "whole yes ok, signer yes ok, revocation yes ok"+yes, "stamped before the centre was cancelled",
		at(m.person(m.b.cancelled, 2, now.Add(-2*time.Hour)), now.Add(-2*time.Hour)))
	add("ended", "ED-VER-17", "whole yes ok, signer no centre.ended, revocation yes ok"+noStamp, "the centre ended its work a day before", m.person(m.b.ended, 1, now))
	add("ended-since", "ED-VER-17 ED-VER-3", "whole yes ok, signer unknown centre.ended_since, revocation yes ok"+noStamp, "claims a time before the centre's end", m.person(m.b.ended, 2, now.AddDate(0, 0, -2)))
	add("ended-after-stamp", "ED-VER-17", "whole yes ok, signer yes ok, revocation yes ok"+yes, "stamped before the centre's end",
		at(m.person(m.b.ended, 3, now.AddDate(0, 0, -2)), now.AddDate(0, 0, -2)))
	span := func(from, to time.Time) string {
		return "between: " + from.Format(time.RFC3339) + "/" + to.Format(time.RFC3339)
	}
	hour := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	// citizen-3 is cancelled an hour before now.
	c3 := card(m.t, m.w, "citizen-3")
	revoked := sign(m.t, request(c3), c3.Slots[specimen.SlotSign].Signer(), hour(-3))
	add("bracket-before", "ED-VER-16", "whole yes ok, signer yes ok, revocation yes ok"+noStamp, "cancelled after the bracket", revoked, span(hour(-4), hour(-2)))
	add("bracket-around", "ED-VER-16", "whole yes ok, signer yes ok, revocation unknown cert.revoked_between"+noStamp, "cancelled inside the bracket", revoked, span(hour(-4), now))
	add("bracket-after", "ED-VER-16", "whole yes ok, signer yes ok, revocation no cert.revoked"+noStamp, "cancelled before the bracket, whatever is claimed", revoked, span(now.Add(-30*time.Minute), now))
	add("bracket-turned", "ED-VER-16", "whole yes ok, signer yes ok, revocation unknown cert.revoked_since"+noStamp, "a bracket that ends before it begins proves nothing", revoked, span(hour(-2), hour(-4)))
	late := at(revoked, now.Add(-30*time.Minute))
	add("stamped-late", "ED-VER-5", "whole yes ok, signer yes ok, revocation no cert.revoked"+yes, "the time stamp came after the cancellation", late)
	add("stamped-late-bracket", "ED-VER-16", "whole yes ok, signer yes ok, revocation yes ok"+yes, "the same, but a journal proves that it was there before", late, span(hour(-4), hour(-2)))
	add("bracket-ended", "ED-VER-16 ED-VER-17", "whole yes ok, signer unknown centre.ended_since, revocation yes ok"+noStamp, "the centre ended inside the bracket", m.person(m.b.ended, 4, now), span(hour(-30), hour(-20)))
	m.holds(add)
}

type adder = func(name, spec, expect, comment string, c *edoc.Container, more ...string)

func (m *maker) holds(add adder) {
	at := func(c *edoc.Container, t time.Time) *edoc.Container { return m.stamped(c, authority(m.t, m.w, t)) }
	add("hold-over", "ED-VER-14", "whole yes ok, signer yes ok, revocation no cert.hold_over"+noStamp, "on hold for ten days, of which a Monday is a holiday", m.by(m.b.heldOver, now))
	// From Friday 5 June: Monday 8 June is a holiday, Tuesday and Wednesday count.
	add("hold-last-day", "ED-VER-14", "whole yes ok, signer yes ok, revocation no cert.suspended"+noStamp, "on the second working day, by Turkmenistan's time",
		m.by(m.b.heldOver, now.AddDate(0, 0, -6)), "now: 2026-06-10T18:59:59Z")
	add("hold-first-day-over", "ED-VER-14", "whole yes ok, signer yes ok, revocation no cert.hold_over"+noStamp, "a second later",
		m.by(m.b.heldOver, now.AddDate(0, 0, -6)), "now: 2026-06-10T19:00:00Z")
	add("hold-over-before", "ED-VER-14", "whole yes ok, signer yes ok, revocation yes ok, stamp yes ok", "stamped before the hold began", at(m.by(m.b.heldOver, now.AddDate(0, 0, -11)), now.AddDate(0, 0, -11)))
	add("hold-by-order", "ED-VER-14", "whole yes ok, signer yes ok, revocation no cert.suspended"+noStamp, "on hold for ten days by order of a court", m.by(m.b.heldByOrder, now))
	add("hold-then", "ED-VER-15", "whole yes ok, signer yes ok, revocation no cert.suspended_then"+noStamp, "signed during a hold that was lifted", m.by(m.b.restored, now.Add(-60*time.Hour)))
	add("hold-then-stamped", "ED-VER-15", "whole yes ok, signer yes ok, revocation no cert.suspended_then, stamp yes ok", "the same, with a time stamp", at(m.by(m.b.restored, now.Add(-60*time.Hour)), now.Add(-60*time.Hour)))
	add("hold-lifted", "ED-VER-15", "whole yes ok, signer yes ok, revocation yes ok"+noStamp, "signed after the hold was lifted", m.by(m.b.restored, now))
	add("hold-since", "ED-VER-15", "whole yes ok, signer yes ok, revocation unknown cert.suspended_since"+noStamp, "claims a time before the hold: nothing proves it", m.by(m.b.restored, now.AddDate(0, 0, -5)))
}

// carriedKnowledge makes signatures with revocation lists and OCSP responses,
// looked at half a year later, when the bundle's lists are out of date.
func (m *maker) carriedKnowledge() {
	later := now.AddDate(0, 6, 0)
	taken := now.Add(2 * time.Hour) // after the time stamp
	stale := "whole yes ok, signer yes ok, revocation unknown crl.stale, stamp yes ok"
	fine := "whole yes ok, signer yes ok, revocation yes ok, stamp yes ok"
	id := m.certify(m.w.Citizens, 9021, m.signing())
	doc := m.stamped(m.by(id, now), authority(m.t, m.w, now.Add(time.Hour)))
	add := func(name, spec, expect, comment string, crls, ocsps [][]byte) {
		sd := doc.Signatures()[0].WithValidation(nil, crls, ocsps)
		if len(sd.CRLs())+len(sd.OCSPs()) != len(crls)+len(ocsps) {
			m.t.Fatalf("%s: not everything is carried", name)
		}
		m.add("carried-"+name, "container", spec, expect, comment, m.replaced(doc, sd.Bytes()), "now: "+later.Format(time.RFC3339))
	}
	crl := func(ca specimen.Identity, at time.Time, entries ...x509.RevocationListEntry) []byte {
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			Number: big.NewInt(77), ThisUpdate: at, NextUpdate: at.AddDate(0, 0, 30), RevokedCertificateEntries: entries,
		}, ca.Cert, ca.Key)
		if err != nil {
			m.t.Fatal(err)
		}
		return der
	}
	entry := func(at time.Time, reason int) x509.RevocationListEntry {
		return x509.RevocationListEntry{SerialNumber: id.Cert.SerialNumber, RevocationTime: at, ReasonCode: reason}
	}
	add("crl", "ED-VER-11 ED-VER-13", fine, "a list from after the time stamp", [][]byte{crl(m.w.Citizens, taken)}, nil)
	add("crl-early", "ED-VER-13", stale, "a list from before the time stamp", [][]byte{crl(m.w.Citizens, now.Add(time.Minute))}, nil)
	add("crl-foreign", "ED-VER-11", stale, "a list of another centre", [][]byte{crl(m.b.region, taken)}, nil)
	forged := crl(specimen.Identity{Cert: m.w.Citizens.Cert, Key: m.w.Citizens.Key}, taken)
	forged[len(forged)-1] ^= 1
	add("crl-forged", "ED-VER-11", stale, "a list whose signature is not the centre's", [][]byte{forged}, nil)
	add("crl-cancelled-for-good", "ED-VER-11", "whole yes ok, signer yes ok, revocation no cert.revoked, stamp yes ok", "cancelled in one list, not named in a newer one",
		[][]byte{crl(m.w.Citizens, now.Add(time.Minute), entry(now.Add(-time.Minute), 1)), crl(m.w.Citizens, taken)}, nil)
	add("crl-hold-lifted", "ED-VER-15", "whole yes ok, signer yes ok, revocation no cert.suspended_then, stamp yes ok", "on hold at the time stamp in one list, restored in a newer one",
		[][]byte{crl(m.w.Citizens, taken, entry(now.Add(-time.Minute), 6)), crl(m.w.Citizens, taken.Add(time.Hour))}, nil)
	add("crl-after-end", "ED-VER-13", stale, "a list from after the certificate's end need not name it", [][]byte{crl(m.w.Citizens, id.Cert.NotAfter.Add(time.Hour))}, nil)

	responder := func(number int64, usage ...x509.ExtKeyUsage) specimen.Identity {
		return m.certify(m.w.Citizens, number, func(t *x509.Certificate) {
			t.Subject = pkix.Name{CommonName: "SPECIMEN Responder"}
			t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, usage
			t.NotBefore, t.NotAfter = now.AddDate(0, 0, -1), now.AddDate(1, 0, 0)
		})
	}
	good := responder(9022, x509.ExtKeyUsageOCSPSigning)
	answer := func(by specimen.Identity, about *x509.Certificate, status int, revoked time.Time) []byte {
		t := ocsp.Response{
			Status: status, SerialNumber: about.SerialNumber, ThisUpdate: taken, NextUpdate: taken.AddDate(0, 0, 7),
			RevokedAt: revoked, IssuerHash: crypto.SHA256,
		}
		if by.Cert != m.w.Citizens.Cert {
			t.Certificate = by.Cert
		}
		issuer := m.w.Citizens.Cert
		if len(by.Chain) > 0 && by.Cert.IsCA {
			issuer, t.Certificate = by.Cert, nil
		}
		der, err := ocsp.CreateResponse(issuer, by.Cert, t, by.Key)
		if err != nil {
			m.t.Fatal(err)
		}
		return der
	}
	one := func(b []byte) [][]byte { return [][]byte{b} }
	add("ocsp", "ED-VER-12", fine, "a response of whom the centre certified for that", nil, one(answer(good, id.Cert, ocsp.Good, time.Time{})))
	add("ocsp-centre", "ED-VER-12", fine, "a response of the centre itself", nil, one(answer(m.w.Citizens, id.Cert, ocsp.Good, time.Time{})))
	add("ocsp-no-right", "ED-VER-12", stale, "a response of a certificate that is not for that", nil, one(answer(responder(9023, x509.ExtKeyUsageClientAuth), id.Cert, ocsp.Good, time.Time{})))
	add("ocsp-citizen", "ED-VER-12", stale, "a response that a citizen signed himself", nil, one(answer(id, id.Cert, ocsp.Good, time.Time{})))
	add("ocsp-other-number", "ED-VER-12", stale, "a response about another certificate", nil, one(answer(good, m.b.restored.Cert, ocsp.Good, time.Time{})))
	add("ocsp-other-centre", "ED-VER-12", stale, "a response of another centre about its own of that number", nil, one(answer(m.b.region, id.Cert, ocsp.Good, time.Time{})))
	add("ocsp-revoked", "ED-VER-12 ED-VER-11", "whole yes ok, signer yes ok, revocation no cert.revoked, stamp yes ok", "a response that says cancelled", nil, one(answer(good, id.Cert, ocsp.Revoked, now)))
	add("ocsp-revoked-after", "ED-VER-12", fine, "a response that says cancelled after the time stamp", nil, one(answer(good, id.Cert, ocsp.Revoked, now.Add(90*time.Minute))))
	add("ocsp-unknown", "ED-VER-12", "whole yes ok, signer yes ok, revocation unknown ocsp.unknown, stamp yes ok", "the centre does not know the certificate", nil, one(answer(good, id.Cert, ocsp.Unknown, time.Time{})))
}

// limited is a change of a template: the certificate gets limits.
func (m *maker) limited(l trust.Limits) func(*x509.Certificate) {
	return func(t *x509.Certificate) {
		value, id, err := trust.LimitsExtension(l)
		if err != nil {
			m.t.Fatal(err)
		}
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: id, Critical: true, Value: value})
	}
}

// extension is one that holds what it is given, in Base64.
func (m *maker) extension(b64 string) func(*x509.Certificate) {
	return func(t *x509.Certificate) {
		b, err := base64.StdEncoding.DecodeString(b64)
		if err != nil {
			m.t.Fatal(err)
		}
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: []int{1, 3, 6, 1, 5, 5, 7, 1, 3}, Critical: true, Value: b})
	}
}

// branchesPEM are the centres below the usual ones that the bundle lists, for
// openssl.
func (m *maker) branchesPEM() []byte {
	var out []byte
	for _, c := range []specimen.Identity{m.b.region, m.b.below, m.b.otherKind, m.b.cancelled, m.b.ended, m.b.oldKey} {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Cert.Raw})...)
	}
	return out
}
