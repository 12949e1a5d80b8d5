package edoc_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/dcbor"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/paper"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// revokedSeals returns the list in a vector's header; nil if there is none.
func (w *vectorWorld) revokedSeals(v vector) (*trust.RevokedSeals, error) {
	s := v.header["revoked"]
	if s == "" {
		return nil, nil
	}
	signed, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, err
	}
	return trust.ParseRevokedSeals(signed, w.bundle, 0)
}

// listOutcome reads a list of revoked seals.
func (w *vectorWorld) listOutcome(v vector) (string, error) {
	least, err := strconv.ParseUint(cmpOr(v.header["least"], "0"), 10, 64)
	if err != nil {
		return "", err
	}
	switch l, err := trust.ParseRevokedSeals(v.body, w.bundle, least); {
	case errors.Is(err, trust.ErrOlderList):
		return "rollback", nil
	case err != nil:
		return "list refused", nil
	default:
		return fmt.Sprintf("version %d, %d seals", l.Version, len(l.IDs)), nil
	}
}

// copyOutcome makes the paper copy of a packet.
func (w *vectorWorld) copyOutcome(v vector, at time.Time) (string, error) {
	p, err := envelope.ParsePacket(v.body)
	if err != nil {
		return "", err
	}
	src := paper.Source{Bundle: w.bundle, Now: at, Portal: "https://portal.specimen"}
	if src.Answer, err = edoc.Parse(p.Container); err != nil {
		return "", err
	}
	if p.Seal != nil {
		if src.Seal, err = seal.ParseBytes(p.Seal); err != nil {
			return "", err
		}
	}
	switch _, err := paper.Certified(src); {
	case errors.Is(err, paper.ErrNotCertified):
		return "not certified", nil
	case err != nil:
		return "", err
	}
	return "ok", nil
}

func (m *maker) revokedSeals() {
	w := m.w
	ids := [][16]byte{{2}, {1}, {3}}
	list := func(version uint64, ids [][16]byte) []byte {
		b, err := (&trust.RevokedSeals{Version: version, Issued: now, IDs: ids}).Sign(w.PortalReceipt.Signer())
		if err != nil {
			m.t.Fatal(err)
		}
		return b
	}
	add := func(name, spec, expect, comment string, body []byte, more ...string) {
		m.add("revoked-seals-"+name, "revoked-seals", spec, expect, comment, body, more...)
	}
	good := list(7, ids)
	add("good", "ED-SEAL-9", "version 7, 3 seals", "by the portal", good)
	add("empty", "ED-SEAL-9", "version 1, 0 seals", "none is revoked", list(1, nil))
	add("older", "ED-SEAL-10", "rollback", "version 7 where 8 is known", good, "least: 8")
	add("same", "ED-SEAL-10", "version 7, 3 seals", "version 7 where 7 is known", good, "least: 7")
	byRegister, err := (&trust.RevokedSeals{Version: 7, Issued: now, IDs: ids}).Sign(w.Register.Signer())
	if err != nil {
		m.t.Fatal(err)
	}
	add("by-register", "ED-SEAL-9", "list refused", "by the register", byRegister)
	raw := func(ids [][]byte, at time.Time) []byte {
		payload, err := dcbor.Marshal(map[int]any{1: 7, 2: now.Unix(), 3: ids})
		if err != nil {
			m.t.Fatal(err)
		}
		b, err := trust.SignObjectAt(trust.KindRevokedSeals, payload, w.PortalReceipt.Signer(), at)
		if err != nil {
			m.t.Fatal(err)
		}
		return b
	}
	one, two := make([]byte, 16), slices.Repeat([]byte{1}, 16)
	add("unsorted", "ED-SEAL-9", "list refused", "the second id is below the first", raw([][]byte{two, one}, now))
	add("twice", "ED-SEAL-9", "list refused", "an id twice", raw([][]byte{two, two}, now))
	add("short-id", "ED-SEAL-9", "list refused", "an id of 15 bytes", raw([][]byte{one[:15]}, now))
	add("other-time", "ED-SEAL-9", "list refused", "signed an hour after it says it was issued", raw([][]byte{one}, now.Add(time.Hour)))

	agency := w.Agencies["civil-registry"]
	s := m.seal(m.copySeal("school"), agency)
	revoked := "revoked: " + base64.StdEncoding.EncodeToString(list(8, append(ids, s.ID())))
	m.add("seal-on-list", "seal", "ED-SEAL-6", "no seal.revoked", "the portal's list revokes it; the signature is another than the revoked one's",
		[]byte(m.seal(m.copySeal("school"), agency).Text()), revoked)
	m.add("seal-not-on-list", "seal", "ED-SEAL-6", "yes ok", "the list revokes others", []byte(m.seal(m.copySeal("work"), agency).Text()), revoked)
}

// grant is an answer with so many facts, and the seal over them all.
func (m *maker) grant(facts int) (*edoc.Document, seal.Seal) {
	request := edoc.ID{1}
	d := &edoc.Document{
		Kind: edoc.KindAnswer, Name: "Güwänama", Heading: "Ýaşaýan ýeri hakynda", Lang: "tk", Made: now, Pages: 1,
		Service: "residence-certificate", ServiceVersion: 1, Sender: edoc.Party{Organisation: "NUSGA"},
		Request: &request, Decision: edoc.Answered,
	}
	s := seal.Seal{Issuer: "civil-registry", Service: d.Service, Date: now}
	for i := range facts {
		name, value := fmt.Sprintf("fact_%d", i+1), strings.Repeat("ş", 20+i)
		d.Facts = append(d.Facts, edoc.FactValue{Name: name, Value: citizen.NewText(value)})
		s.Facts = append(s.Facts, [2]string{name, value})
	}
	return d, s
}

func (m *maker) copies() {
	agency := m.w.Agencies["civil-registry"]
	sealed := func(s seal.Seal) *seal.Sealed {
		x, err := seal.MakeCopy(s, agency.Key, agency.Cert)
		if err != nil {
			m.t.Fatal(err)
		}
		return x
	}
	packet := func(d *edoc.Document, s seal.Seal, change func(*seal.Seal)) []byte {
		c, err := edoc.Sign(d, agency.Signer(), now)
		if err != nil {
			m.t.Fatal(err)
		}
		id := c.ID()
		s.Doc = id[:]
		x := sealed(s)
		if change != nil {
			s = x.Seal
			change(&s)
			x = m.seal(s, agency)
		}
		b, err := envelope.Packet{Container: c.Bytes(), Seal: x.Bytes()}.Marshal()
		if err != nil {
			m.t.Fatal(err)
		}
		return b
	}
	add := func(name, spec, expect, comment string, body []byte) {
		m.add("paper-copy-"+name, "paper-copy", spec, expect, comment, body)
	}
	d, s := m.grant(2)
	add("good", "ED-COPY-1 ED-COPY-2", "ok", "all facts are in the seal", packet(d, s, nil))
	many, manySeal := m.grant(12)
	add("some-facts", "ED-SEAL-8 ED-COPY-2", "ok", "twelve facts, of which the seal has those that fit", packet(many, manySeal, nil))
	add("other-fact", "ED-COPY-2", "not certified", "the seal states another value", packet(d, s, func(s *seal.Seal) { s.Facts[1][1] += "ş" }))
	add("fewer-facts", "ED-COPY-2", "not certified", "the seal lacks a fact and does not say so", packet(d, s, func(s *seal.Seal) { s.Facts = s.Facts[:1] }))
	add("other-order", "ED-COPY-2", "not certified", "the facts changed places", packet(d, s, func(s *seal.Seal) { slices.Reverse(s.Facts) }))
	add("other-document", "ED-COPY-1", "not certified", "the seal of another answer", packet(d, s, func(s *seal.Seal) { s.Doc = make([]byte, 16) }))
	refusal, refusalSeal := m.grant(0)
	refusal.Decision, refusal.Text = edoc.Refused, citizen.NewText("Ýok")
	add("refusal", "ED-COPY-1", "not certified", "an answer that refuses", packet(refusal, refusalSeal, nil))
	c, err := edoc.Sign(d, agency.Signer(), now)
	if err != nil {
		m.t.Fatal(err)
	}
	bare, err := envelope.Packet{Container: c.Bytes()}.Marshal()
	if err != nil {
		m.t.Fatal(err)
	}
	add("no-seal", "ED-COPY-1", "not certified", "there is no seal", bare)

	doc := sha256.Sum256([]byte("an answer"))
	manySeal.Doc = doc[:]
	x := sealed(manySeal)
	m.add("seal-some-facts", "seal", "ED-SEAL-8", "yes ok", "some of twelve facts, and their number", []byte(x.Text()))
	// The number as it must not be: the seal's own encoder refuses to write it.
	all := "\x0c\x0c"                                                   // key 12, twelve
	at := strings.LastIndex(string(x.Bytes()[:len(x.Bytes())-64]), all) // before the signature
	if at < 0 {
		m.t.Fatal("the seal has no number of facts")
	}
	wrong := x.Bytes()
	wrong[at+1] = byte(len(x.Facts))
	m.add("seal-total", "seal", "ED-SEAL-8", "seal failure", "says that there are as many facts as it has", []byte(base32Text(wrong)))
}
