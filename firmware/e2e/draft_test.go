package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/piv"
	"github.com/penjire/penjire/firmware/demo"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/outbox"
)

// citizens make requests for certificates of residence as the kiosk does, many of
// them and without its screens: signed by a card, sealed to the portal with the
// dictionary of the catalogue.
type citizens struct {
	service *catalog.Service
	agency  catalog.Agency
	dict    *envelope.Dictionary
	to      []string
	cards   []citizenCard
	now     time.Time
	bundle  *trust.Bundle
	version uint64 // of the catalogue
}

type citizenCard struct {
	signer edoc.Signer
	person citizen.Person
	answer string // to whom the answer is sealed
}

func newCitizens(t testing.TB, w *demo.World) *citizens {
	t.Helper()
	c, err := readCitizens(w)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func readCitizens(w *demo.World) (*citizens, error) {
	roots, err := keyfile.Certificates(filepath.Join(w.Kiosk(), "roots.pem"))
	if err != nil {
		return nil, err
	}
	signed, err := os.ReadFile(filepath.Join(w.Kiosk(), "trust.cbor"))
	if err != nil {
		return nil, err
	}
	bundle, err := trust.Open(signed, trust.Known{Roots: roots})
	if err != nil {
		return nil, err
	}
	if signed, err = os.ReadFile(filepath.Join(w.Kiosk(), "catalogue.cbor")); err != nil {
		return nil, err
	}
	payload, _, err := trust.OpenObject(trust.KindCatalogue, signed, bundle)
	if err != nil {
		return nil, err
	}
	cat, err := catalog.Parse(payload)
	if err != nil {
		return nil, err
	}
	c := &citizens{bundle: bundle, version: cat.Version, dict: envelope.NewDictionary(cat.Dictionary()), to: bundle.Recipients, now: time.Now().UTC().Truncate(time.Second)}
	var known bool
	if c.service, known = cat.Service("residence-certificate"); !known {
		return nil, fmt.Errorf("the catalogue has no certificate of residence")
	}
	c.agency, _ = cat.Agency(c.service.Agency)
	for _, name := range w.Cards[:3] {
		card, err := readCard(w, name)
		if err != nil {
			return nil, err
		}
		c.cards = append(c.cards, card)
	}
	return c, nil
}

func readCard(w *demo.World, name string) (c citizenCard, err error) {
	p, err := w.Card(name)
	if err != nil {
		return c, err
	}
	cert, err := x509.ParseCertificate(p.Slots[piv.Signature].Cert)
	if err != nil {
		return c, err
	}
	c.signer = cms.Signer{Key: p.Slots[piv.Signature].Key, Cert: cert}
	if c.person, err = trust.Person(cert); err != nil {
		return c, err
	}
	key, err := x509.ParseCertificate(p.Slots[piv.KeyManagement].Cert)
	if err != nil {
		return c, err
	}
	public, ok := key.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return c, fmt.Errorf("card %s opens answers with a key that is not of ECDSA", name)
	}
	pub, err := public.ECDH()
	if err != nil {
		return c, err
	}
	c.answer, err = envelope.PIVRecipient(pub)
	return c, err
}

// document is what request number n says, and who signs it.
func (c *citizens) document(n int) (*edoc.Document, cms.Signer) {
	card := c.cards[n%len(c.cards)]
	reg := c.service.Regulation
	d := &edoc.Document{
		Kind: edoc.KindRequest, Name: c.service.Title.TK, Heading: "Sargytnama: " + c.service.Title.TK, Lang: "tk",
		Made: c.now.Add(-time.Duration(n) * time.Second), Kiosk: "K-000001", Pages: 1,
		Service: c.service.ID, ServiceVersion: c.service.Version, Regulation: fmt.Sprintf("%s, № %s, %s", reg.Title.TK, reg.Number, reg.Date),
		Sender: edoc.Party{ID: card.person.ID, Surname: card.person.Surname, Name: card.person.Name, Patronymic: card.person.Patronymic},
		Addressee: edoc.Party{
			Organisation: c.agency.Name.TK, Position: c.agency.Position.TK, Postal: citizen.NewText(c.agency.Address.TK),
		},
		AnswerTo: []string{card.answer},
	}
	said := map[string]string{}
	for _, row := range []string{"purpose", "at_registered", "region", "settlement", "street", "house", "since", "family", "phone"} {
		said[row] = answers[row]
	}
	said["house"] = strconv.Itoa(n + 1)
	d.Answers = citizen.NewAnswers(said)
	for _, r := range c.service.Rules {
		d.Consents = append(d.Consents, edoc.Consent{Rule: r.ID, Version: r.Version, At: d.Made})
	}
	return d, card.signer
}

// draft makes request number n.
func (c *citizens) draft(n int) (outbox.Draft, error) {
	d, signer := c.document(n)
	doc, err := edoc.Sign(d, signer, d.Made)
	if err != nil {
		return outbox.Draft{}, err
	}
	sealed, err := c.dict.Seal(doc.Bytes(), c.to...)
	if err != nil {
		return outbox.Draft{}, err
	}
	return outbox.Draft{
		Doc: outbox.Doc(doc.ID()), Code: doc.Code(), Service: d.Service, ServiceVersion: d.ServiceVersion, Lang: d.Lang,
		Sealed: sealed, Claimed: d.Made, Owner: outbox.Owner{1, byte(n % len(c.cards))}, Signature: doc.SignatureDigest(),
	}, nil
}

// queue puts n requests into the kiosk's outbox, which nobody has open, and
// returns their sealed bytes.
func (c *citizens) queue(t testing.TB, w *demo.World, from, n int) (sealed int64) {
	t.Helper()
	box, err := outbox.Open(t.Context(), filepath.Join(w.Kiosk(), "state", "outbox"), outbox.Options{Kiosk: "K-000001"})
	if err != nil {
		t.Fatal(err)
	}
	const citizensAtOnce = 64
	var mu sync.Mutex
	var all sync.WaitGroup
	for g := range citizensAtOnce {
		all.Go(func() {
			for i := from + g; i < from+n; i += citizensAtOnce {
				d, err := c.draft(i)
				if err == nil {
					_, err = box.Accept(context.Background(), d)
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sealed += int64(len(d.Sealed))
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	return sealed
}
