package paper_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/paper"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
)

func certified(t testing.TB, src paper.Source) []byte {
	t.Helper()
	b, err := paper.Certified(src)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The same answer and seal give the same bytes, whenever the copy is made; and
// an ordinary copy is small enough for a radio link.
func TestSameBytes(t *testing.T) {
	w := newWorld(t)
	for _, lang := range []string{"tk", "ru", "en"} {
		src := w.source(t, w.answer(lang))
		b := certified(t, src)
		src.Now = src.Now.Add(48 * time.Hour)
		if again := certified(t, src); !bytes.Equal(again, b) {
			t.Errorf("%s: made two days later it is another file", lang)
		}
		t.Logf("%s: %d bytes", lang, len(b))
		if len(b) > 60<<10 {
			t.Errorf("%s: %d bytes, want at most 60 KiB", lang, len(b))
		}
		if n := bytes.Count(b, []byte("/Type /Page ")); n != 1 {
			t.Errorf("%s: %d pages, want an ordinary certificate on one", lang, n)
		}
	}
}

// What is not certified never becomes a paper that says it is (ED-9).
func TestRefuses(t *testing.T) {
	w := newWorld(t)
	agency := w.Agencies["civil-registry"]
	reseal := func(src *paper.Source, change func(*seal.Seal)) {
		s := src.Seal.Seal
		change(&s)
		var err error
		if src.Seal, err = seal.Make(s, agency.Key, agency.Cert); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(*paper.Source){
		"no seal":           func(s *paper.Source) { s.Seal = nil },
		"no bundle":         func(s *paper.Source) { s.Bundle = nil },
		"another's seal":    func(s *paper.Source) { s.Seal = w.source(t, w.answer("ru")).Seal },
		"another fact":      func(s *paper.Source) { reseal(s, func(x *seal.Seal) { x.Facts[0][1] = "0" }) },
		"a fact missing":    func(s *paper.Source) { reseal(s, func(x *seal.Seal) { x.Facts, x.Total = x.Facts[1:], 0 }) },
		"another number":    func(s *paper.Source) { reseal(s, func(x *seal.Seal) { x.Total = 9 }) },
		"another service":   func(s *paper.Source) { reseal(s, func(x *seal.Seal) { x.Service = "complaint" }) },
		"expired":           func(s *paper.Source) { reseal(s, func(x *seal.Seal) { x.Expires = now.Add(time.Minute) }) },
		"by another agency": func(s *paper.Source) { s.Seal = otherAgency(t, w, s.Seal) },
		"revoked": func(s *paper.Source) {
			s.Revoked = &trust.RevokedSeals{Version: 1, Issued: now, IDs: [][16]byte{s.Seal.ID()}}
		},
		"a receipt's seal": func(s *paper.Source) { s.Seal = receiptSeal(t, w, s.Answer.ID()) },
		"a refusal": func(s *paper.Source) {
			d := w.answer("tk")
			d.Decision, d.Facts = edoc.Refused, nil
			*s = w.source(t, d)
		},
		"a certificate over": func(s *paper.Source) { s.Now = now.AddDate(40, 0, 0) },
	} {
		src := w.source(t, w.answer("tk"))
		change(&src)
		b, err := paper.Certified(src)
		if !errors.Is(err, paper.ErrNotCertified) || b != nil {
			t.Errorf("%s: got %d bytes and error %v, want none and ErrNotCertified", name, len(b), err)
		}
		if err != nil && strings.Contains(err.Error(), "Nusga") {
			t.Errorf("%s: the error names someone: %v", name, err)
		}
	}
}

func otherAgency(t *testing.T, w *world, s *seal.Sealed) *seal.Sealed {
	t.Helper()
	x := s.Seal
	x.Issuer = "ombudsman"
	out, err := seal.Make(x, w.Agencies["ombudsman"].Key, w.Agencies["ombudsman"].Cert)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func receiptSeal(t *testing.T, w *world, id edoc.ID) *seal.Sealed {
	t.Helper()
	root := sha256.Sum256(nil)
	out, err := seal.Make(seal.Seal{
		Kind: seal.Receipt, Issuer: "K-000001", Service: "residence-certificate", Doc: id[:], Date: now, Size: 1, Root: root[:],
	}, w.Device.Signing.Key, w.Device.Signing.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whom a copy is about stands on it, not in what file managers and search
// engines read without opening it.
func TestMetadataNamesNobody(t *testing.T) {
	w := newWorld(t)
	card, _ := w.Card("citizen-1")
	b := certified(t, w.source(t, w.answer("tk")))
	head, _, ok := bytes.Cut(b, []byte("4 0 obj")) // catalogue, pages and metadata
	if !ok || !bytes.Contains(head, []byte("Ýaşaýan ýeri hakynda güwänama")) {
		t.Fatal("the metadata has not the document's name")
	}
	for _, s := range []string{"Aýna", "Nusgaýew", card.Holder.ID.Reveal(), "CreationDate", "ModDate"} {
		if bytes.Contains(b, []byte(s)) {
			t.Errorf("the file has %q in the clear", s)
		}
	}
}

// A letter that the typeface lacks is not left out, nor is a sign hidden that
// turns the text round.
func TestEveryLetterStands(t *testing.T) {
	w := newWorld(t)
	d := w.answer("tk")
	d.Facts[3].Value = citizen.NewText("n\u030Caz 漢 \u202Eabc")
	text := pdftotext(t, certified(t, w.source(t, d)))
	if want := "ňaz [U+6F22] [U+202E]abc"; !strings.Contains(text, want) {
		t.Errorf("got no %q in the text", want)
	}
}
