package edoc_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// The floors: one ECDSA signature over 600 bytes, and its check, which a
// document cannot do without.
func rawSign(b *testing.B, key *ecdsa.PrivateKey) []byte {
	sum := sha256.Sum256(make([]byte, 600))
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	return sig
}

func rawVerify(b *testing.B, key *ecdsa.PrivateKey) func() {
	sig := rawSign(b, key)
	return func() {
		sum := sha256.Sum256(make([]byte, 600))
		if !ecdsa.VerifyASN1(&key.PublicKey, sum[:], sig) {
			b.Fatal("floor")
		}
	}
}

// beside measures op turn about with its floor, and reports the median of each
// and their ratio: on a machine that does other things too, both are disturbed
// alike.
func beside(b *testing.B, floor, op func()) {
	b.Helper()
	var floors, ops []time.Duration
	op() // what is read once is read
	for b.Loop() {
		start := time.Now()
		floor()
		between := time.Now()
		op()
		floors, ops = append(floors, between.Sub(start)), append(ops, time.Since(between))
	}
	slices.Sort(floors)
	slices.Sort(ops)
	base, took := floors[len(floors)/2], ops[len(ops)/2]
	b.ReportMetric(float64(took), "ns/op")
	b.ReportMetric(float64(took)/float64(base), "×floor")
}

func BenchmarkSign(b *testing.B) {
	w := world(b)
	c := card(b, w, "citizen-1")
	d, s := request(c), c.Slots[specimen.SlotSign]
	beside(b, func() { rawSign(b, s.Key) }, func() { sign(b, d, s.Signer(), now) })
}

// BenchmarkVerify reads and verifies files. «another» is of a signer who was not
// seen before: his certificate is read and its centre's signature checked.
func BenchmarkVerify(b *testing.B) {
	w := world(b)
	c := card(b, w, "citizen-1")
	bb := sign(b, request(c), c.Slots[specimen.SlotSign].Signer(), now)
	bt, err := bb.Stamp(b.Context(), authority(b, w, now))
	if err != nil {
		b.Fatal(err)
	}
	base := rawVerify(b, c.Slots[specimen.SlotSign].Key)
	bundle := w.Trust()
	verify := func(b *testing.B, file []byte) {
		k, err := edoc.Parse(file)
		if err != nil {
			b.Fatal(err)
		}
		if r := k.Verify(bundle, now); !r.Accepted() {
			b.Fatal(r.Whole, r.Signer)
		}
	}
	b.Run("B-B", func(b *testing.B) { beside(b, base, func() { verify(b, bb.Bytes()) }) })
	b.Run("B-T", func(b *testing.B) { beside(b, base, func() { verify(b, bt.Bytes()) }) })
	b.Run("B-B-another", func(b *testing.B) {
		files := strangers(b, w, 500)
		i := 0
		beside(b, base, func() {
			if i%len(files) == 0 { // once in 500, which the median does not see
				if bundle, err = trust.ParseBundle(w.Bundle(), w.Roots(), 0); err != nil {
					b.Fatal(err)
				}
				runtime.GC()
			}
			verify(b, files[i%len(files)])
			i++
		})
	})
}

// strangers returns documents of n people.
func strangers(b *testing.B, w *specimen.World, n int) [][]byte {
	b.Helper()
	var files [][]byte
	for i := range n {
		c, err := w.NewCard(fmt.Sprint("stranger-", i), fmt.Sprintf("NUSGA%05d", 10000+i), w.Citizens)
		if err != nil {
			b.Fatal(err)
		}
		files = append(files, sign(b, request(c), c.Slots[specimen.SlotSign].Signer(), now).Bytes())
	}
	return files
}

// ordinary is a request for a service of the catalogue, as the kiosk makes it.
func ordinary(t testing.TB, c specimen.Card) (*edoc.Document, *catalog.Catalogue) {
	t.Helper()
	cat, err := packs.Catalogue(1)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := cat.Service("residence-certificate")
	if !ok {
		t.Fatal("no such service")
	}
	a, _ := cat.Agency(s.Agency)
	title := s.Title.In("tk")
	d := request(c)
	d.Name, d.Heading, d.Service, d.ServiceVersion = title, "Sargytnama: "+title, s.ID, s.Version
	d.Regulation = fmt.Sprintf("%s, № %s, %s", s.Regulation.Title.In("tk"), s.Regulation.Number, s.Regulation.Date)
	d.Sender.Postal = citizen.Text{}
	d.Addressee = edoc.Party{
		Organisation: a.Name.In("tk"), Position: a.Position.In("tk"), Postal: citizen.NewText(a.Address.In("tk")),
	}
	d.Answers = citizen.NewAnswers(map[string]string{
		"purpose": "bank", "at_registered": "yes", "since": "2009-03-07", "family": "3",
	})
	d.Consents = nil
	for _, r := range s.Rules {
		d.Consents = append(d.Consents, edoc.Consent{Rule: r.ID, Version: r.Version, At: now})
	}
	return d, cat
}

// short is a request whose document.json has 600 bytes: an ordinary one without
// what only people read.
func short(t testing.TB, c specimen.Card) (*edoc.Document, *catalog.Catalogue) {
	t.Helper()
	d, cat := ordinary(t, c)
	d.Heading, d.Regulation, d.Addressee.Position, d.Addressee.Postal = d.Name, "", "", citizen.Text{}
	d.Consents, d.AnswerTo, d.AnswerSecret = nil, nil, edoc.NewSecret()
	d.Answers = citizen.NewAnswers(map[string]string{"purpose": "bank"})
	d.Pages = 1
	b, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 600 {
		t.Fatalf("the shortest has %d bytes", len(b))
	}
	answers := map[string]string{"purpose": "bank"}
	for len(b) < 600 {
		answers["purpose"] += string(rune('a' + (7*len(b))%26))
		d.Answers = citizen.NewAnswers(answers)
		if b, err = d.Marshal(); err != nil {
			t.Fatal(err)
		}
	}
	return d, cat
}

// BenchmarkSize reports how large a request is, as the file that people get and
// as what goes over the wire: its median over many keys, since signatures vary
// by a few bytes. What is timed is sealing.
func BenchmarkSize(b *testing.B) {
	w := world(b)
	for name, make := range map[string]func(testing.TB, specimen.Card) (*edoc.Document, *catalog.Catalogue){
		"short": short, "ordinary": ordinary,
	} {
		b.Run(name, func(b *testing.B) {
			c := card(b, w, "citizen-1")
			d, cat := make(b, c)
			dictionary := envelope.NewDictionary(cat.Dictionary())
			var files, stored, sealed []int
			for b.Loop() {
				k := sign(b, d, c.Slots[specimen.SlotSign].Signer(), now)
				var file bytes.Buffer
				if _, err := k.WriteTo(&file); err != nil {
					b.Fatal(err)
				}
				e, err := dictionary.Seal(k.Bytes(), w.AgeRecipient)
				if err != nil {
					b.Fatal(err)
				}
				files, stored, sealed = append(files, file.Len()), append(stored, len(k.Bytes())), append(sealed, len(e))
			}
			doc, err := d.Marshal()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(doc)), "B-document")
			for unit, sizes := range map[string][]int{"B-file": files, "B-stored": stored, "B-sealed": sealed} {
				slices.Sort(sizes)
				b.ReportMetric(float64(sizes[len(sizes)/2]), unit)
			}
		})
	}
}

// What the numbers promise of sizes does not depend on the machine.
func TestSizes(t *testing.T) {
	w := world(t)
	c := card(t, w, "citizen-1")
	d, cat := short(t, c)
	k := sign(t, d, c.Slots[specimen.SlotSign].Signer(), now)
	var file bytes.Buffer
	if _, err := k.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	sealed, err := envelope.NewDictionary(cat.Dictionary()).Seal(k.Bytes(), w.AgeRecipient)
	if err != nil {
		t.Fatal(err)
	}
	if doc := k.DocumentBytes(); len(doc) != 600 || !strings.Contains(string(doc), "residence-certificate") {
		t.Fatalf("the document has %d bytes, want 600", len(doc))
	}
	if file.Len() > 2048 {
		t.Errorf("a request of 600 bytes is a file of %d bytes, want at most 2048", file.Len())
	}
	if len(sealed) > 700 {
		t.Errorf("a request of 600 bytes is sealed in %d bytes, want at most 700", len(sealed))
	}
}

// BenchmarkEnvelope times what becomes of one request in the envelope: sealed at
// the kiosk, opened at the portal.
func BenchmarkEnvelope(b *testing.B) {
	w := world(b)
	c := card(b, w, "citizen-1")
	d, cat := ordinary(b, c)
	plain := sign(b, d, c.Slots[specimen.SlotSign].Signer(), now).Bytes()
	dictionary := envelope.NewDictionary(cat.Dictionary())
	sealed, err := dictionary.Seal(plain, w.AgeRecipient)
	if err != nil {
		b.Fatal(err)
	}
	id, err := age.ParseX25519Identity(w.AgeIdentity)
	if err != nil {
		b.Fatal(err)
	}
	find := envelope.Dictionaries(func(uint32) (*envelope.Dictionary, error) { return dictionary, nil })
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			if _, err := dictionary.Seal(plain, w.AgeRecipient); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := find.Open(sealed, id); err != nil {
				b.Fatal(err)
			}
		}
	})
}
