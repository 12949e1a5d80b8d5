package edoc_test

import (
	"crypto/x509"
	"encoding/base64"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

func (m *maker) limits() {
	w := m.w
	number := int64(9100)
	issue := func(change ...func(*x509.Certificate)) specimen.Identity {
		number++
		return m.certify(w.Citizens, number, m.signing(change...))
	}
	add := func(name, spec, signer, comment string, c *edoc.Container, more ...string) {
		m.add("limit-"+name, "container", spec, "whole yes ok, signer "+signer+", revocation yes ok"+noStamp, comment, c.Bytes(), more...)
	}
	const service = `service: {"id": "residence-certificate", "field": "housing"`
	plain := service + "}"

	// Services and fields.
	add("service", "ED-VER-18", "no limit.service", "for another service", m.by(issue(m.limited(trust.Limits{Services: []string{"complaint"}})), now))
	add("service-named", "ED-VER-18", "yes ok", "for this service", m.by(issue(m.limited(trust.Limits{Services: []string{"complaint", "residence-certificate"}})), now))
	field := issue(m.limited(trust.Limits{Services: []string{"field/housing"}}))
	add("field", "ED-VER-18", "yes ok", "for its field", m.by(field, now), plain)
	add("field-unjudged", "ED-VER-18", "unknown limit.unjudged", "for a field; there is no catalogue", m.by(field, now))
	add("field-other", "ED-VER-18", "no limit.service", "for another field", m.by(issue(m.limited(trust.Limits{Services: []string{"field/medical"}})), now), plain)

	// Amounts.
	about := func(manat string, id specimen.Identity) *edoc.Container {
		d := request(card(m.t, w, "citizen-1"))
		d.Answers = citizen.NewAnswers(map[string]string{"price": manat})
		return sign(m.t, d, id.Signer(), now)
	}
	most := issue(m.limited(trust.Limits{Amount: 100_000}))
	add("amount", "ED-VER-18", "yes ok", "1000 manat, and 1000 are allowed", about("1000", most), service+`, "amount": "price"}`)
	add("amount-over", "ED-VER-18", "no limit.amount", "1001 manat, and 1000 are allowed", about("1001", most), service+`, "amount": "price"}`)
	add("amount-negative", "ED-VER-18", "no limit.amount", "less than nothing", about("-1", most), service+`, "amount": "price"}`)
	add("amount-words", "ED-VER-18", "no limit.amount", "an amount that is no number", about("a thousand", most), service+`, "amount": "price"}`)
	add("amount-unjudged", "ED-VER-18", "unknown limit.unjudged", "there is no catalogue to say what it is about", about("1", most))

	m.minors(issue, add, service)
	m.representatives(issue, add, service)

	// What cannot be read.
	good, _, err := trust.LimitsExtension(trust.Limits{Services: []string{"residence-certificate"}})
	if err != nil {
		m.t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString
	add("good-bytes", "ED-VER-21", "yes ok", "limits as they should be", m.by(issue(m.extension(text(good))), now))
	cut := slices.Clone(good)
	cut[len(cut)-1] = 0xff // no UTF-8, but the form is right: only the service is another
	add("other-bytes", "ED-VER-18", "no limit.service", "the last letter of the service is no letter", m.by(issue(m.extension(text(cut))), now))
	inner := good[2:]
	twice := append([]byte{0x30, byte(2 * len(inner))}, append(slices.Clone(inner), inner...)...)
	add("twice", "ED-VER-21", "no cert.malformed", "the limits are there twice", m.by(issue(m.extension(text(twice))), now))
	add("trailing", "ED-VER-21", "no cert.malformed", "a byte follows the limits", m.by(issue(m.extension(text(append(slices.Clone(good), 0)))), now))
	// SEQUENCE { SEQUENCE { OID 1.2.3 } }: a statement of someone else.
	add("unknown-critical", "ED-VER-21", "no cert.malformed", "another statement, critical", m.by(issue(m.extension(text([]byte{0x30, 6, 0x30, 4, 6, 2, 0x2a, 3}))), now))
}

func (m *maker) minors(issue func(...func(*x509.Certificate)) specimen.Identity, add adder, service string) {
	w := m.w
	minor := issue(m.limited(trust.Limits{Minor: &trust.Minor{Until: now.AddDate(2, 0, 0)}}))
	add("minor-unjudged", "ED-VER-19", "unknown limit.unjudged", "a minor; there is no catalogue", m.by(minor, now))
	add("minor", "ED-VER-19", "no limit.minor", "a minor, the service says nothing of minors", m.by(minor, now), service+"}")
	add("minor-no", "ED-VER-19", "no limit.minor", "a minor, the service is not for minors", m.by(minor, now), service+`, "minors": "no"}`)
	add("minor-allowed", "ED-VER-19", "yes ok", "a minor, the service is for minors too", m.by(minor, now), service+`, "minors": "allowed"}`)
	add("minor-of-age", "ED-VER-19", "yes ok", "was a minor until yesterday",
		m.by(issue(m.limited(trust.Limits{Minor: &trust.Minor{Until: now.AddDate(0, 0, -1)}})), now), service+"}")
	add("minor-future", "ED-VER-19", "no limit.minor", "claims a time when he will be of age", m.by(issue(m.limited(trust.Limits{Minor: &trust.Minor{Until: now.AddDate(0, 6, 0)}})), now.AddDate(0, 7, 0)), service+"}")
	with := service + `, "minors": "with_guardian"}`
	add("minor-alone", "ED-VER-19", "no limit.guardian", "a minor alone, where a guardian signs as well", m.by(minor, now), with)
	cosigned := func(c *edoc.Container, id specimen.Identity) *edoc.Container {
		e, err := c.Cosign(id.Signer(), now)
		if err != nil {
			m.t.Fatal(err)
		}
		return e
	}
	c2 := card(m.t, w, "citizen-2").Slots[specimen.SlotSign]
	add("minor-stranger", "ED-VER-19", "no limit.guardian", "another citizen signs as well, who is not the guardian", cosigned(m.by(minor, now), c2), with)
	guardian := m.guardian(9190, trust.Powers{Of: card(m.t, w, "citizen-1").Holder.ID.Reveal(), Name: "NUSGA"})
	add("minor-guardian", "ED-VER-19", "yes ok", "the guardian signs as well", cosigned(m.by(minor, now), guardian), with)
	past := m.guardian(9191, trust.Powers{Of: card(m.t, w, "citizen-1").Holder.ID.Reveal(), Name: "NUSGA", Until: now.AddDate(0, 0, -1)})
	add("minor-guardian-past", "ED-VER-19", "no limit.guardian", "the guardian's powers are over", cosigned(m.by(minor, now), past), with)
	other := m.guardian(9192, trust.Powers{Of: card(m.t, w, "citizen-1").Holder.ID.Reveal(), Name: "NUSGA", Services: []string{"complaint"}})
	add("minor-guardian-service", "ED-VER-19 ED-VER-20", "no limit.guardian", "the guardian's powers are for another service", cosigned(m.by(minor, now), other), with)
	young := m.certify(w.Citizens, 9193, m.signing(m.limited(trust.Limits{
		Minor:  &trust.Minor{Until: now.AddDate(1, 0, 0)},
		Powers: &trust.Powers{Of: card(m.t, w, "citizen-1").Holder.ID.Reveal(), Name: "NUSGA"},
	}), func(t *x509.Certificate) { t.RawSubject = c2.Cert.RawSubject }))
	add("minor-guardian-minor", "ED-VER-19", "no limit.guardian", "the guardian is a minor himself", cosigned(m.by(minor, now), young), with)
	always := issue(m.limited(trust.Limits{Minor: &trust.Minor{Until: now.AddDate(2, 0, 0), Guardian: true}}))
	add("minor-always-guarded", "ED-VER-19", "no limit.guardian", "the certificate wants a guardian for everything", m.by(always, now), service+`, "minors": "allowed"}`)
}

// guardian certifies citizen-2 with powers.
func (m *maker) guardian(number int64, p trust.Powers) specimen.Identity {
	c2 := card(m.t, m.w, "citizen-2").Slots[specimen.SlotSign].Cert
	return m.certify(m.w.Citizens, number, m.signing(m.limited(trust.Limits{Powers: &p}), func(t *x509.Certificate) { t.RawSubject = c2.RawSubject }))
}

func (m *maker) representatives(_ func(...func(*x509.Certificate)) specimen.Identity, add adder, service string) {
	c1 := card(m.t, m.w, "citizen-1")
	of := c1.Holder.ID.Reveal()
	at := now.AddDate(0, 0, -1)
	for i, x := range []struct {
		name, expect, comment string
		powers                trust.Powers
		more                  []string
	}{
		{"powers", "yes ok", "citizen-2 signs for citizen-1, with powers", trust.Powers{Of: of, Name: "NUSGA"}, nil},
		{"powers-other", "no signer.not_sender", "powers for somebody else", trust.Powers{Of: "NUSGA00009", Name: "NUSGA"}, nil},
		{"powers-service", "no limit.powers", "powers for another service", trust.Powers{Of: of, Services: []string{"complaint"}}, nil},
		{"powers-field", "yes ok", "powers for its field", trust.Powers{Of: of, Services: []string{"field/housing"}}, []string{service + "}"}},
		{"powers-over", "no limit.expired", "the powers were over", trust.Powers{Of: of, Until: at.Add(-time.Hour)}, nil},
		{"powers-over-since", "unknown limit.expired", "the powers are over, nothing proves that it was signed before", trust.Powers{Of: of, Until: at.Add(time.Hour)}, nil},
		{"powers-refused", "no limit.representative", "the service takes no representatives", trust.Powers{Of: of}, []string{service + `, "representatives": "no"}`}},
	} {
		id := m.guardian(int64(9150+i), x.powers)
		add(x.name, "ED-VER-20", x.expect, x.comment, sign(m.t, request(c1), id.Signer(), at), x.more...)
	}
}

// manySigners makes documents that several signed and confirmed.
func (m *maker) manySigners() {
	w := m.w
	add := func(name, expect, comment string, c *edoc.Container, more ...string) {
		m.add("signers-"+name, "container", "ED-VER-22", expect, comment, c.Bytes(), append(more, "all: yes")...)
	}
	const first = "whole yes ok, signer yes ok, revocation yes ok" + noStamp
	c := m.by(card(m.t, w, "citizen-1").Slots[specimen.SlotSign], now)
	and := func(c *edoc.Container, id specimen.Identity) *edoc.Container {
		e, err := c.Cosign(id.Signer(), now)
		if err != nil {
			m.t.Fatal(err)
		}
		return e
	}
	confirmed := func(c *edoc.Container, id specimen.Identity) *edoc.Container {
		e, err := c.CounterSign(0, id.Signer(), now)
		if err != nil {
			m.t.Fatal(err)
		}
		return e
	}
	slot := func(name string) specimen.Identity { return card(m.t, w, name).Slots[specimen.SlotSign] }
	add("kiosk", first+"; citizen; kiosk signer yes ok, revocation yes ok, stamp unknown stamp.none", "a kiosk signs as well", and(c, w.Device.Signing))
	add("all", first+"; citizen; kiosk signer yes ok, revocation yes ok, stamp unknown stamp.none; portal signer yes ok, revocation yes ok, stamp unknown stamp.none; "+
		"agency signer yes ok, revocation yes ok, stamp unknown stamp.none; assistant signer yes ok, revocation yes ok, stamp unknown stamp.none",
		"kiosk, portal, agency and assistant", and(and(and(and(c, w.Device.Signing), w.PortalReceipt), w.Agencies["civil-registry"]), slot("assistant")))
	add("second-suspended", first+"; citizen; citizen signer yes ok, revocation no cert.suspended, stamp unknown stamp.none", "a further signer is suspended: the first stays good", and(c, slot("suspended")))
	add("second-foreign", first+"; citizen; other signer no cert.foreign, revocation unknown crl.none, stamp unknown stamp.none", "a further signer is a stranger", and(c, slot("foreign")))
	for _, x := range []struct {
		name, expect string
		id           specimen.Identity
	}{
		{"kiosk", "kiosk signer yes ok, revocation yes ok", w.Device.Signing},
		{"portal", "portal signer yes ok, revocation yes ok", w.PortalReceipt},
		{"agency", "agency signer yes ok, revocation yes ok", w.Agencies["ombudsman"]},
		{"assistant", "assistant signer yes ok, revocation yes ok", slot("assistant")},
		{"citizen", "other signer no counter.not_entitled, revocation yes ok", slot("citizen-2")},
		{"stranger", "other signer no cert.foreign, revocation unknown crl.none", slot("foreign")},
	} {
		add("countered-by-"+x.name, first+"; citizen, countered by "+x.expect, "confirmed by: "+x.name, confirmed(c, x.id))
	}
	bad := m.by(slot("suspended"), now)
	add("countered-bad", "whole yes ok, signer no signer.not_sender, revocation no cert.suspended"+noStamp+"; citizen, countered by agency signer yes ok, revocation yes ok",
		"an agency's confirmation makes a bad signature no better", confirmed(bad, w.Agencies["ombudsman"]))
}
