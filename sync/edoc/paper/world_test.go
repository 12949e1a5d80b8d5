package paper_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/paper"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

var now = time.Date(2026, 6, 15, 9, 30, 0, 0, time.UTC)

const portal = "https://portal.specimen"

// letters are the ones that fonts and encodings lose first.
const letters = "Ää Çç Žž Ňň Öö Şş Üü Ýý Ёё Ыы Щщ Ъъ Ээ"

type world struct {
	*specimen.World
	cat *catalog.Catalogue
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w, err := specimen.New(now)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	return &world{w, cat}
}

// answer is a residence certificate in that language.
func (w *world) answer(lang string) *edoc.Document {
	s, _ := w.cat.Service("residence-certificate")
	agency, _ := w.cat.Agency(s.Agency)
	card, _ := w.Card("citizen-1")
	request := edoc.ID{1, 2, 3}
	d := &edoc.Document{
		Kind: edoc.KindAnswer, Name: s.Result.Title.In(lang), Heading: s.Title.In(lang), Lang: lang, Made: now, Pages: 1,
		Service: s.ID, ServiceVersion: s.Version,
		Regulation: s.Regulation.Title.In(lang) + ", " + s.Regulation.Number + ", " + s.Regulation.Date,
		Sender: edoc.Party{
			Organisation: agency.Name.In(lang), Position: agency.Position.In(lang), Postal: citizen.NewText(agency.Address.In(lang)),
		},
		Addressee: edoc.Party{ID: card.Holder.ID, Surname: card.Holder.Surname, Name: card.Holder.Name, Patronymic: card.Holder.Patronymic},
		Request:   &request, Decision: edoc.Answered,
	}
	for _, f := range [][2]string{
		{"number", "K7M4P·29QDX"},
		{"address", "Aşgabat şäheri, Berkararlyk etraby, Magtymguly şaýoly, 12-nji jaý, 34-nji otag"},
		{"since", "2011-03-02"},
		{"purpose", "Mekdebe bermek üçin"},
	} {
		d.Facts = append(d.Facts, edoc.FactValue{Name: f[0], Value: citizen.NewText(f[1])})
	}
	return d
}

// source signs, stamps and seals d.
func (w *world) source(t testing.TB, d *edoc.Document) paper.Source {
	t.Helper()
	agency := w.Agencies["civil-registry"]
	c, err := edoc.Sign(d, agency.Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	a, err := tsp.NewAuthority(w.TSA.Signer(), func() time.Time { return now.Add(2 * time.Second) })
	if err != nil {
		t.Fatal(err)
	}
	if c, err = c.Stamp(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	id := c.ID()
	s := seal.Seal{
		Issuer: "civil-registry", Service: d.Service, Doc: id[:], Date: now,
		Subject: citizen.Person{Surname: d.Addressee.Surname, Name: d.Addressee.Name}.Masked(),
	}
	for _, f := range d.Facts {
		s.Facts = append(s.Facts, [2]string{f.Name, f.Value.Reveal()})
	}
	sealed, err := seal.MakeCopy(s, agency.Key, agency.Cert)
	if err != nil {
		t.Fatal(err)
	}
	svc, _ := w.cat.Service(d.Service)
	return paper.Source{
		Answer: c, Seal: sealed, Bundle: w.Trust(), Now: now.Add(time.Hour), Service: svc, Portal: portal, Code: "K7M4P29QDX",
	}
}

// long is a document with 300 facts and a text over pages.
func (w *world) long(lang string) *edoc.Document {
	d := w.answer(lang)
	d.Facts = nil
	for i := range 300 {
		v := fmt.Sprintf("v%03d %s", i+1, letters)
		if i%40 == 7 {
			v += strings.Repeat(" Türkmenbaşy şaýoly", 30)
		}
		d.Facts = append(d.Facts, edoc.FactValue{Name: fmt.Sprintf("f%03d", i+1), Value: citizen.NewText(v)})
	}
	d.Text = citizen.NewText(strings.Repeat("Siziň ýüztutmaňyz boýunça mälim edýäris. ", 60) + "\n\nSoňky sözlem.")
	return d
}
