package main

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/wire"
)

// one checks a container, an answer packet, sealed or not, a portal's receipt, or, in a
// text, a seal.
func (c check) one(name string, r io.ReaderAt, size int64) result {
	bad := func(format string, a ...any) result {
		return c.unreadable(name, explain.ReasonUnreadable, fmt.Errorf(format, a...))
	}
	switch {
	case size == 0:
		return bad("the file is empty")
	case size > maxFile:
		return bad("it is larger than %d bytes", int64(maxFile))
	}
	head := make([]byte, min(size, 64))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return c.blind(name, fmt.Errorf("read it: %w", err))
	}
	if bytes.HasPrefix(head, []byte("PK")) {
		return c.container(name, r, size)
	}
	if size > smallFile {
		return bad("it is no container")
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), data); err != nil {
		return c.blind(name, fmt.Errorf("read it: %w", err))
	}
	if s, err := seal.Parse(strings.TrimSpace(string(data[:min(size, 8192)]))); err == nil && size <= 8192 {
		return c.ofSeal(name, s)
	}
	if bytes.HasPrefix(head, []byte("age-encryption.org/")) {
		return c.sealed(name, data)
	}
	if p, err := envelope.ParsePacket(data); err == nil {
		return c.packet(name, p)
	}
	if wire.IsReceipt(data) {
		return c.ofReceipt(name, data)
	}
	return bad("it is neither a container nor a seal nor an answer nor a portal's receipt")
}

// sealed opens an answer with the tracking code; without it nobody can tell.
func (c check) sealed(name string, data []byte) result {
	if c.code == "" {
		return c.blind(name, errors.New("it is sealed; --code opens an answer that is sealed to a tracking code"))
	}
	code, err := edoc.ParseCode(c.code)
	if err != nil {
		return c.blind(name, err)
	}
	plain, err := envelope.OpenWithCode(data, code)
	if err != nil {
		return c.blind(name, err)
	}
	p, err := envelope.ParsePacket(plain)
	if err != nil {
		return c.unreadable(name, explain.ReasonUnreadable, err)
	}
	return c.packet(name, p)
}

// packet checks an answer and the seal for its copy.
func (c check) packet(name string, p envelope.Packet) result {
	r := c.container(name, bytes.NewReader(p.Container), int64(len(p.Container)))
	if p.Seal == nil {
		return r
	}
	var s result
	if x, err := seal.ParseBytes(p.Seal); err != nil {
		s = c.unreadable(name+" (seal)", explain.ReasonSealUnreadable, err)
	} else {
		s = c.ofSeal(name+" (seal)", x)
		if !strings.HasPrefix(r.Document, s.Document) {
			f := c.found(explain.Seal, trust.Finding{Verdict: trust.No, Reason: seal.ReasonBroken})
			s.Seal, s.Verdict, s.Unreadable = &f, trust.No, "it is of another document than the answer it came with"
		}
	}
	r.Copy = &s
	if s.over() { // there is no copy any more; the signed answer stays what it is
		return r
	}
	if s.Verdict == trust.No || s.Verdict == trust.Unknown && r.Verdict == trust.Yes {
		r.Verdict = s.Verdict
	}
	return r
}

func (c check) container(name string, r io.ReaderAt, size int64) result {
	x, err := edoc.Open(r, size)
	if err != nil {
		return c.unreadable(name, explain.ReasonUnreadable, err)
	}
	known := c.bundle
	if known == nil {
		known = new(trust.Bundle)
	}
	rep, d := x.VerifyWith(known, c.now, edoc.Options{Catalogue: c.cat}), x.Document()
	out := result{
		Name: name, Kind: d.Kind, Document: x.ID().String(), Code: edoc.FormatCode(x.Code()),
		Service: d.Service, Kiosk: d.Kiosk, Decision: d.Decision, Provisional: rep.Provisional,
		Claimed: &rep.Claimed, Age: rep.RevocationAge.Seconds(), Lang: d.Lang, Pages: d.Pages,
	}
	if d.Request != nil {
		out.Request = d.Request.String()
	}
	if !rep.Trusted.IsZero() {
		out.Trusted = &rep.Trusted
	}
	for _, a := range d.Attachments {
		out.Attachments = append(out.Attachments, attachment{a.Name, a.MediaType, a.Size, hex.EncodeToString(a.SHA256[:])})
	}
	if c.show {
		out.Sender, out.Addressee = partyOf(d.Sender), partyOf(d.Addressee)
		out.Facts = map[string]string{}
		for _, f := range d.Facts {
			out.Facts[f.Name] = f.Value.Reveal()
		}
	}
	none := trust.Finding{Verdict: trust.Unknown, Reason: explain.ReasonNoTrust}
	if c.bundle == nil { // nobody is known, which is not the same as being false
		if rep.Whole.Verdict == trust.Yes {
			rep.Signer, rep.Revocation = none, none
		}
		if rep.Stamp.Reason == edoc.ReasonStampForeign {
			rep.Stamp = none
		}
	}
	out.Whole, out.Signer = c.foundp(explain.Whole, rep.Whole), c.foundp(explain.Signer, rep.Signer)
	out.Revocation, out.Stamp = c.foundp(explain.Revocation, rep.Revocation), c.foundp(explain.Stamp, rep.Stamp)
	out.Signatures = c.signatures(x, rep)
	out.SignedBy = out.Signatures[0].By
	return out.judge()
}

// signatures lists everything signed in the container, the sender's first. Of a
// document that is not whole nothing is said about who signed it.
func (c check) signatures(x *edoc.Container, rep edoc.Report) []signature {
	var out []signature
	for i, sd := range x.Signatures() {
		s := signature{N: i + 1, Role: string(edoc.RoleOther), Level: x.Level(i).String(), Claimed: sd.SigningTime().UTC()}
		not := trust.Finding{Verdict: trust.Unknown, Reason: edoc.ReasonNotAsked}
		r := edoc.SignatureReport{Signer: not, Revocation: not, Stamp: not}
		if i < len(rep.Signatures) {
			r = rep.Signatures[i]
			s.Role = string(r.Role)
		}
		if c.bundle == nil {
			r.Signer, r.Revocation = c.unknown(r.Signer), c.unknown(r.Revocation)
		}
		s.Signer, s.Revocation, s.Stamp = c.found(explain.Signer, r.Signer), c.found(explain.Revocation, r.Revocation), c.found(explain.Stamp, r.Stamp)
		s.By, s.Certificate, s.SoftwareKey = c.holder(r.Role, r.SignerName, r.SignerCert)
		if !r.Trusted.IsZero() {
			t := r.Trusted.UTC()
			s.Trusted = &t
		}
		s.Bracket = bracketOf(r.Between)
		for _, k := range r.Counters {
			if c.bundle == nil {
				k.Signer, k.Revocation = c.unknown(k.Signer), c.unknown(k.Revocation)
			}
			y := counter{Role: string(k.Role), Claimed: k.Claimed.UTC(), Signer: c.found(explain.Signer, k.Signer), Revocation: c.found(explain.Revocation, k.Revocation)}
			y.By, y.Certificate, y.SoftwareKey = c.holder(k.Role, k.Name, k.Cert)
			s.Counter = append(s.Counter, y)
		}
		out = append(out, s)
	}
	return out
}

// unknown is what a finding about a person is worth when nobody is known: what
// is false without knowing anyone stays false.
func (c check) unknown(f trust.Finding) trust.Finding {
	if f.Reason == edoc.ReasonBroken || f.Reason == edoc.ReasonNotAsked {
		return f
	}
	return trust.Finding{Verdict: trust.Unknown, Reason: explain.ReasonNoTrust}
}

// holder says whose certificate it is; a person is named only with --show.
func (c check) holder(role edoc.Role, name string, cert *x509.Certificate) (by string, out *certificate, software bool) {
	if cert == nil {
		return "", nil, false
	}
	out = &certificate{
		Issuer: cert.Issuer.CommonName, NotBefore: cert.NotBefore.UTC(), NotAfter: cert.NotAfter.UTC(), Algorithm: cert.PublicKeyAlgorithm.String(),
	}
	switch role {
	case edoc.RoleKiosk:
		by = "kiosk " + trust.DeviceID(cert)
	case edoc.RoleAgency:
		by = "agency " + trust.AgencyID(cert)
	case edoc.RolePortal:
		by = "portal " + name
	default:
		by = string(role)
		if !c.show { // serial and digest of a certificate are as good as its holder's name
			return by, out, trust.SoftwareKey(cert)
		}
	}
	out.Serial, out.SHA256, out.Subject = cert.SerialNumber.Text(16), digest(cert.Raw), trust.Name(cert).Reveal()
	return by, out, trust.SoftwareKey(cert)
}

// unreadable is a thing that is not what it should be: that is not valid.
func (c check) unreadable(name, reason string, err error) result {
	q := explain.Whole
	f := trust.Finding{Verdict: trust.No, Reason: reason}
	r := result{Name: name, Unreadable: oneLine(err.Error())}
	if reason == explain.ReasonSealUnreadable {
		q = explain.Seal
		r.Seal = c.foundp(q, f)
		return r.judge()
	}
	r.Whole = c.foundp(q, f)
	return r.judge()
}

// blind is a thing of which nothing can be told.
func (c check) blind(name string, err error) result {
	return result{Name: name, Verdict: trust.Unknown, Unreadable: oneLine(err.Error())}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// judge draws the findings together. The stamp is not among them: without one the
// document is provisional, not false. Nor are further signatures: each has its
// own answers, and anyone could add a bad one.
func (r result) judge() result {
	r.Verdict = trust.Yes
	for _, f := range []*finding{r.Seal, r.Whole, r.Signer, r.Revocation} {
		switch {
		case f == nil:
		case f.Verdict == trust.No:
			r.Verdict = trust.No
			return r
		case f.Verdict == trust.Unknown:
			r.Verdict = trust.Unknown
		}
	}
	return r
}

func (c check) found(q explain.Question, f trust.Finding) finding {
	return finding{f, explain.Finding(c.lang, q, f)}
}

func (c check) foundp(q explain.Question, f trust.Finding) *finding {
	x := c.found(q, f)
	return &x
}
