// Package paper makes the certified A4 copy of an answer: a PDF whose text is
// text, with the words that give a paper copy its force («elektron resminamanyň
// kagyz nusgasy»), who certifies it, the requisites of the original, the seal
// and the number to type for it (REQUIREMENTS ED-7, ED-9; sync/spec/edoc.md,
// section 9).
//
// It certifies nothing itself: without the agency's seal there is no copy. The
// same answer, seal and words give the same bytes, whoever makes it and when.
package paper

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/paper/pdf"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// ErrNotCertified is wrapped when what is there does not certify a copy: the
// answer does not verify, or its seal does not, or the two do not belong
// together.
var ErrNotCertified = errors.New("a copy cannot be certified")

// Source is what a copy is made of. Answer, Seal, Bundle, Now and Portal are
// needed.
type Source struct {
	Answer *edoc.Container
	Seal   *seal.Sealed
	Bundle *trust.Bundle // whom to believe
	Now    time.Time     // when it is verified; it does not stand on the paper
	// Revoked is the portal's list of revoked seals, where it is known.
	Revoked *trust.RevokedSeals
	Service *catalog.Service // has the labels of the facts; nil: their names stand there
	Portal  string           // where anyone can check: "https://host"
	// Registered is when the answer was registered; zero: on the day it was
	// made, as the portal registers an answer with its signature.
	Registered time.Time
	Code       string // tracking code of the request; "" if it is not known here
}

// zone is the country's time.
var zone = time.FixedZone("+05", 5*60*60)

// Certified returns the copy as PDF. Errors: ErrNotCertified.
func Certified(src Source) ([]byte, error) {
	b, _, err := CertifiedPages(src)
	return b, err
}

// CertifiedPages is Certified for who prints, and must know how many pages it has.
func CertifiedPages(src Source) (b []byte, pages int, err error) {
	c, err := src.verified()
	if err == nil {
		b, pages, err = c.draw()
	}
	if err != nil {
		return nil, 0, fmt.Errorf("paper: make a certified copy: %w", err)
	}
	return b, pages, nil
}

// content is what stands on the copy.
type content struct {
	Source
	doc    *edoc.Document
	report edoc.Report
	facts  []row
}

// verified checks that the seal is the agency's, in force, and of this answer.
func (src Source) verified() (*content, error) {
	no := func(format string, a ...any) (*content, error) {
		return nil, fmt.Errorf("%w: %s", ErrNotCertified, fmt.Sprintf(format, a...))
	}
	if src.Answer == nil || src.Seal == nil {
		return no("there is no answer or no seal")
	}
	if src.Bundle == nil {
		return no("whom to believe is not known")
	}
	var known edoc.Options // what the limits of the agency's certificate are judged by
	if src.Service != nil {
		known.Catalogue = &catalog.Catalogue{Services: []catalog.Service{*src.Service}}
	}
	c := &content{Source: src, doc: src.Answer.Document(), report: src.Answer.VerifyWith(src.Bundle, src.Now, known)}
	d, s, r := c.doc, src.Seal, c.report
	if d.Kind != edoc.KindAnswer || d.Decision != edoc.Answered {
		return no("it is no answer that grants what was asked")
	}
	if !r.Accepted() {
		return no("the answer does not verify: whole %s, signer %s (%s), revocation %s", r.Whole.Verdict, r.Signer.Verdict, r.Signer.Reason, r.Revocation.Verdict)
	}
	id := src.Answer.ID()
	if s.Kind != seal.Copy || string(s.Doc) != string(id[:len(s.Doc)]) || s.Service != d.Service || s.Issuer != trust.AgencyID(r.SignerCert) {
		return no("the seal is of another document")
	}
	// Where only the newest revocations are not known, as far from a connection,
	// the copy is made: whoever checks it asks again.
	if f := s.VerifyIn(known.Catalogue.FieldOf(s.Service), src.Bundle, src.Now, src.Revoked); f.Verdict != trust.Yes && f.Finding != f.Revocation {
		return no("the seal is not accepted: %s", f.Reason)
	}
	if !c.setFacts() {
		return no("the seal states other facts than the answer")
	}
	return c, nil
}

// setFacts puts the facts into rows, and reports whether the seal states what
// the document does: all of it, or as many as it says (ED-SEAL-8).
func (c *content) setFacts() bool {
	carried := c.Seal.Facts
	if c.Seal.Total == 0 && len(carried) != len(c.doc.Facts) || c.Seal.Total != 0 && c.Seal.Total != len(c.doc.Facts) {
		return false
	}
	for _, f := range c.doc.Facts {
		r := row{label: label(c.Service, f.Name, c.doc.Lang), value: f.Value.Reveal()}
		if len(carried) > 0 && carried[0] == [2]string{f.Name, f.Value.Reveal()} {
			r.marked, carried = c.Seal.Total != 0, carried[1:]
		}
		c.facts = append(c.facts, r)
	}
	return len(carried) == 0
}

func label(s *catalog.Service, name, lang string) string {
	if s != nil {
		for _, f := range s.Result.Facts {
			if f.Name == name {
				return f.Label.In(lang)
			}
		}
	}
	return name
}

func (c *content) draw() ([]byte, int, error) {
	all, err := loadFaces()
	if err != nil {
		return nil, 0, err
	}
	id, sealed := c.Answer.ID(), c.Seal.ID()
	// How many pages there are stands among the requisites: when that made one
	// more, it is set again with the right number.
	for pages := 1; ; {
		s := &sheet{faces: all, file: pdf.New(pdf.Info{Title: c.doc.Name, Lang: c.doc.Lang, ID: append(id[:], sealed[:]...)})}
		s.head = func() { c.continued(s) }
		if err := c.set(s, pages); err != nil {
			return nil, 0, err
		}
		if n := len(s.file.Pages()); n != pages {
			pages = n
			continue
		}
		c.feet(s)
		b, err := s.file.Bytes()
		return b, pages, err
	}
}

// in returns a text in the copy's language.
func (c *content) in(t catalog.Text) string { return t.In(c.doc.Lang) }

func (c *content) day(t time.Time) string { return catalog.Day(t.In(zone), c.doc.Lang) }

func (c *content) moment(t time.Time) string { return c.day(t) + t.In(zone).Format(", 15:04") }

// place is where to check, as people type it.
func (c *content) place() string {
	_, host, found := strings.Cut(strings.TrimRight(c.Portal, "/"), "://")
	if !found {
		host = c.Portal
	}
	return host + "/v"
}
