package simulation

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
)

// morning is when every simulated day begins.
var morning = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// world is what all seeds share, for it takes long to make: keys, certificates,
// catalogues, trust bundles and requests that are signed and sealed already.
type world struct {
	*specimen.World
	first      *trust.Bundle // as it comes with a kiosk
	bundles    [][]byte      // that the portal publishes later, in order
	catalogues [][]byte      // signed, in order
	identity   age.Identity
	agencies   map[string]edoc.Signer
	pool       []*paper
	other      specimen.Device   // a second kiosk
	signers    []edoc.Signer     // of receipts, by bundle
	empty      map[string][]byte // files of a ledger in which nothing happened yet

	catalogueOf map[[32]byte]uint64 // versions, by what is signed
	bundleOf    map[[32]byte]*trust.Bundle
}

// paper is a request that was signed and sealed before any seed began.
type paper struct {
	doc      outbox.Doc
	code     string
	service  string
	kiosk    string
	bad      bool // nobody can open it: the portal refuses it
	lane     uint8
	owner    outbox.Owner
	sealed   []byte
	digest   [32]byte
	corrects int  // the one in the pool that it corrects; -1
	large    bool // it has a file of its own
	medium   bool
}

// What the pool holds: pairs of a request and its correction, a few without a
// card, and a few with large attachments.
const (
	poolPairs = 24
	poolNone  = 6
	poolLarge = 4
	poolMany  = 24 // as large as may stand in the outbox's own file: they fill it
	poolOther = 6  // of the second kiosk
	poolBad   = 4
	large     = 240 << 10
	medium    = 60 << 10
)

var makeWorld = sync.OnceValues(func() (*world, error) {
	made := morning.Add(-time.Hour)
	s, err := specimen.New(made)
	if err != nil {
		return nil, err
	}
	w := &world{
		World: s, agencies: map[string]edoc.Signer{}, catalogueOf: map[[32]byte]uint64{}, bundleOf: map[[32]byte]*trust.Bundle{},
	}
	theWorld = w
	if w.identity, err = age.ParseX25519Identity(s.AgeIdentity); err != nil {
		return nil, err
	}
	for name, a := range s.Agencies {
		w.agencies[name] = a.Signer()
	}
	if w.other, err = s.NewDevice("K-000002"); err != nil {
		return nil, err
	}
	w.first = s.Trust()
	w.bundles, w.signers = append(w.bundles, s.Bundle()), append(w.signers, s.PortalReceipt.Signer())
	for i := range 3 {
		if i == 1 { // from this bundle on, receipts are signed with another key
			err = s.RenewPortal()
		} else {
			err = s.ReissueAt(made.Add(time.Minute))
		}
		if err != nil {
			return nil, err
		}
		w.bundles, w.signers = append(w.bundles, s.Bundle()), append(w.signers, s.PortalReceipt.Signer())
	}
	for _, b := range w.bundles {
		p, err := trust.ParseBundle(b, w.Roots(), 0)
		if err != nil {
			return nil, err
		}
		w.bundleOf[sha256.Sum256(b)] = p
	}
	var cat *catalog.Catalogue
	for v := range uint64(3) {
		c, err := packs.Catalogue(v + 1)
		if err != nil {
			return nil, err
		}
		for i := range c.Services {
			c.Services[i].TermDays += int(v) // something must differ
		}
		payload, err := c.Marshal()
		if err != nil {
			return nil, err
		}
		signed, err := trust.SignObjectAt(trust.KindCatalogue, payload, w.Register.Signer(), made)
		if err != nil {
			return nil, err
		}
		w.catalogues = append(w.catalogues, signed)
		w.catalogueOf[sha256.Sum256(signed)] = c.Version
		if cat == nil {
			cat = c
		}
	}
	if err := w.fillPool(cat, made); err != nil {
		return nil, err
	}
	return w, w.emptyLedger()
})

func (w *world) fillPool(cat *catalog.Catalogue, made time.Time) error {
	for i := range poolPairs + poolOther {
		kiosk := w.Device.ID
		if i >= poolPairs {
			kiosk = w.other.ID
		}
		a, err := w.paper(cat, kiosk, made, i, -1, 0)
		if err != nil {
			return err
		}
		w.pool = append(w.pool, a)
		b, err := w.paper(cat, kiosk, made, i, len(w.pool)-1, 0)
		if err != nil {
			return err
		}
		w.pool = append(w.pool, b)
	}
	for i := range poolBad {
		p, err := w.paper(cat, w.Device.ID, made, 1000+i, -1, 0)
		if err != nil {
			return err
		}
		p.bad = true
		p.sealed = p.sealed[:len(p.sealed)-1-i] // its end is missing
		p.digest = sha256.Sum256(p.sealed)
		w.pool = append(w.pool, p)
	}
	for i := range poolNone {
		p, err := w.complaint(cat, made, i)
		if err != nil {
			return err
		}
		w.pool = append(w.pool, p)
	}
	for i := range poolLarge + poolMany {
		size := medium
		if i < poolLarge {
			size = large
		}
		p, err := w.paper(cat, w.Device.ID, made, i, -1, size)
		if err != nil {
			return err
		}
		w.pool = append(w.pool, p)
	}
	return nil
}

// paper makes a request of a citizen with a card; corrects is the number in the
// pool of the one it corrects, or -1.
func (w *world) paper(cat *catalog.Catalogue, kiosk string, made time.Time, n, corrects, size int) (*paper, error) {
	cards := []string{"citizen-1", "citizen-2", "citizen-3"}
	card, _ := w.Card(cards[n%len(cards)])
	service := []string{"residence-certificate", "job-seeker"}[n%2]
	s, ok := cat.Service(service)
	if !ok {
		return nil, fmt.Errorf("there is no service %s", service)
	}
	d := w.document(s, kiosk, made)
	d.Sender = edoc.Party{ID: card.Holder.ID, Surname: card.Holder.Surname, Name: card.Holder.Name, Patronymic: card.Holder.Patronymic}
	d.AnswerTo = []string{card.Recipient()}
	d.Answers = citizen.NewAnswers(map[string]string{"purpose": fmt.Sprintf("request %d, correction of %d, of %d bytes", n, corrects, size)})
	p := &paper{kiosk: kiosk, service: service, lane: uint8(n % 3), owner: outbox.Owner{1, byte(n % len(cards))}, corrects: corrects, large: size == large, medium: size == medium}
	if corrects >= 0 {
		id := edoc.ID(w.pool[corrects].doc)
		d.Corrects = &id
	}
	var files []edoc.Attachment
	if size > 0 {
		b := make([]byte, size)
		r := rand.New(rand.NewPCG(uint64(n), 3))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		files = append(files, edoc.Attachment{Name: "scan.png", MediaType: "image/png", Content: edoc.Bytes(b)})
	}
	c, err := edoc.SignWith(d, files, card.Slots[specimen.SlotSign].Signer(), d.Made)
	if err != nil {
		return nil, err
	}
	return p, w.seal(p, c, cat)
}

// complaint makes a request without a card.
func (w *world) complaint(cat *catalog.Catalogue, made time.Time, n int) (*paper, error) {
	s, ok := cat.Service("complaint")
	if !ok {
		return nil, fmt.Errorf("there is no service complaint")
	}
	d := w.document(s, w.Device.ID, made)
	d.AnswerSecret = edoc.NewSecret()
	d.Answers = citizen.NewAnswers(map[string]string{"body": fmt.Sprintf("complaint %d", n)})
	c, err := edoc.Sign(d, w.Device.Signing.Signer(), d.Made)
	if err != nil {
		return nil, err
	}
	p := &paper{kiosk: w.Device.ID, service: "complaint", corrects: -1}
	return p, w.seal(p, c, cat)
}

func (w *world) document(s *catalog.Service, kiosk string, made time.Time) *edoc.Document {
	d := &edoc.Document{
		Kind: edoc.KindRequest, Name: s.Title.TK, Heading: s.Title.TK, Lang: "tk", Made: made, Kiosk: kiosk, Pages: 1,
		Service: s.ID, ServiceVersion: s.Version, Regulation: s.Regulation.Number, Addressee: edoc.Party{Organisation: s.Agency},
	}
	for _, r := range s.Rules {
		d.Consents = append(d.Consents, edoc.Consent{Rule: r.ID, Version: r.Version, At: made})
	}
	return d
}

func (w *world) seal(p *paper, c *edoc.Container, cat *catalog.Catalogue) error {
	sealed, err := envelope.NewDictionary(cat.Dictionary()).Seal(c.Bytes(), w.AgeRecipient)
	if err != nil {
		return err
	}
	p.doc, p.sealed, p.digest = outbox.Doc(c.ID()), sealed, sha256.Sum256(sealed)
	if p.owner != (outbox.Owner{}) {
		p.code = c.Code() // of a request without owner it is hashed slowly
	}
	return nil
}

func (p *paper) draft() outbox.Draft {
	return outbox.Draft{
		Doc: p.doc, Code: p.code, Service: p.service, ServiceVersion: 1, Lang: "tk", Lane: p.lane, Owner: p.owner,
		Sealed: p.sealed, Claimed: morning.Add(-time.Hour), Signature: p.digest,
	}
}

// portalConfig is a portal's, but for what changes: the ledger, the clock, and
// the numbers of its trust bundle and its catalogue.
func (w *world) portalConfig(l ledger.Ledger, now func() time.Time, bundle, catalogue int) (portal.Config, error) {
	tsa, err := tsp.NewAuthority(w.TSA.Signer(), now)
	if err != nil {
		return portal.Config{}, err
	}
	return portal.Config{
		Ledger: l, Name: "portal.specimen", PublicURL: "https://portal.specimen", Roots: w.Roots(), Trust: w.bundles[bundle], Catalogue: w.catalogues[catalogue],
		Receipt: w.signers[bundle], Register: w.Register.Signer(), Agencies: w.agencies,
		Identities: []age.Identity{w.identity}, Stamper: tsa, Now: now, Deciders: 1,
		Jitter: func(d time.Duration) time.Duration { return d / 2 },
	}, nil
}

// emptyLedger runs a portal once on a new ledger and keeps its files.
func (w *world) emptyLedger() error {
	dir, err := os.MkdirTemp(base(), "penjire-empty-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	l, err := sqlite.Open(context.Background(), filepath.Join(dir, ledgerFile))
	if err != nil {
		return err
	}
	c, err := w.portalConfig(l, func() time.Time { return morning }, 0, 0)
	if err != nil {
		return err
	}
	if _, err := portal.New(context.Background(), c); err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		return err
	}
	w.empty, err = readDir(dir)
	return err
}

// last is the newest bundle.
func (w *world) last() *trust.Bundle { return w.bundleOf[sha256.Sum256(w.bundles[len(w.bundles)-1])] }

// theWorld is the one that makeWorld made.
var theWorld *world
