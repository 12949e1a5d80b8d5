// Package portaltest makes a portal for the tests of its pages: a ledger in a
// file, the specimen world's keys, and requests as kiosks would have sent them,
// signed by specimen cards. The ledger is checked when the test ends.
package portaltest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"
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
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/wire"
)

// World is a portal with everything around it.
type World struct {
	*specimen.World
	Now time.Time

	File string // of the ledger

	portal *portal.Portal
	ledger *sqlite.DB
	cat    *catalog.Catalogue
	tsa    *tsp.Authority
	seq    uint64
	// Signed counts the answers stored: a double press must not make two.
	Signed atomic.Int32
}

// Open makes a world at now, with an empty ledger.
func Open(t testing.TB, now time.Time) *World {
	t.Helper()
	w := &World{Now: now}
	var err error
	if w.World, err = specimen.New(now); err != nil {
		t.Fatalf("make the specimen world: %v", err)
	}
	if w.cat, err = packs.Catalogue(1); err != nil {
		t.Fatalf("read the catalogue: %v", err)
	}
	if w.tsa, err = tsp.NewAuthority(w.TSA.Signer(), func() time.Time { return w.Now }); err != nil {
		t.Fatalf("make the time-stamping authority: %v", err)
	}
	w.File = filepath.Join(t.TempDir(), "ledger.db")
	if w.ledger, err = sqlite.Open(t.Context(), w.File); err != nil {
		t.Fatalf("open the ledger: %v", err)
	}
	if err := w.open(t.Context()); err != nil {
		t.Fatalf("open the portal: %v", err)
	}
	t.Cleanup(func() {
		if err := w.ledger.Check(context.Background()); err != nil {
			t.Errorf("the ledger at the end of the test: %v", err)
		}
		if err := w.ledger.Close(); err != nil {
			t.Errorf("close the ledger: %v", err)
		}
	})
	return w
}

// Ledger returns the ledger.
func (w *World) Ledger() ledger.Ledger { return w.ledger }

// ServiceOf returns the service of a request, as the portal does.
func (w *World) ServiceOf(ctx context.Context, r ledger.Request) (*catalog.Service, error) {
	return w.portal.ServiceOf(ctx, r)
}

// Catalogue returns the catalogue: the first services.
func (w *World) Catalogue() *catalog.Catalogue { return w.cat }

// Document returns an unsigned request of the card's holder; card "" is nobody.
func (w *World) Document(t testing.TB, card, service string, answers map[string]string) *edoc.Document {
	t.Helper()
	s, ok := w.cat.Service(service)
	if !ok {
		t.Fatalf("there is no service %q", service)
	}
	w.seq++
	d := &edoc.Document{
		Kind: edoc.KindRequest, Name: s.Title.TK, Heading: s.Title.TK, Lang: "tk", Made: w.Now.UTC().Truncate(time.Second).Add(-time.Duration(w.seq) * time.Second),
		Kiosk: w.Device.ID, Pages: 1, Service: s.ID, ServiceVersion: s.Version, Regulation: s.Regulation.Number,
		Addressee: edoc.Party{Organisation: s.Agency}, Answers: citizen.NewAnswers(answers),
	}
	for _, r := range s.Rules {
		d.Consents = append(d.Consents, edoc.Consent{Rule: r.ID, Version: r.Version, At: d.Made})
	}
	if card != "" {
		c := w.card(t, card)
		d.Sender = edoc.Party{ID: c.Holder.ID, Surname: c.Holder.Surname, Name: c.Holder.Name, Patronymic: c.Holder.Patronymic}
		d.AnswerTo = []string{c.Recipient()}
	} else {
		d.AnswerSecret = edoc.NewSecret()
	}
	return d
}

func (w *World) card(t testing.TB, name string) specimen.Card {
	t.Helper()
	c, ok := w.Card(name)
	if !ok {
		t.Fatalf("there is no card %q", name)
	}
	return c
}

// Receive puts a request into the ledger as received, not yet registered.
func (w *World) Receive(t testing.TB, card string, d *edoc.Document) (*edoc.Container, ledger.Key) {
	t.Helper()
	s := w.Device.Signing.Signer()
	if card != "" {
		s = w.card(t, card).Slots[specimen.SlotSign].Signer()
	}
	c, err := edoc.Sign(d, s, d.Made)
	if err != nil {
		t.Fatalf("sign the request: %v", err)
	}
	if c, err = c.Stamp(t.Context(), w.tsa); err != nil {
		t.Fatalf("stamp the request: %v", err)
	}
	sealed, err := envelope.Seal(c.Bytes(), w.AgeRecipient)
	if err != nil {
		t.Fatalf("seal the request: %v", err)
	}
	in := ledger.Incoming{
		Epoch: ledger.Epoch{1}, Seq: w.seq, Doc: c.ID(), Code: c.ID().Code(), Service: d.Service, Lang: d.Lang,
		Claimed: d.Made, Digest: sha256.Sum256(sealed), Sealed: sealed,
	}
	_, err = w.ledger.Intake(t.Context(), w.Device.ID, w.Now, []ledger.Incoming{in}, func(fresh []ledger.Incoming, at time.Time) ([][]byte, error) {
		r := fresh[0]
		return w.receipt(wire.Receipt{
			Level: wire.Durable, Kiosk: w.Device.ID, Epoch: r.Epoch, Seq: r.Seq, Doc: r.Doc, Digest: r.Digest, Stage: wire.StageDelivered, At: at.Unix(),
		})
	})
	if err != nil {
		t.Fatalf("take the request in: %v", err)
	}
	return c, ledger.Key{Kiosk: w.Device.ID, Epoch: in.Epoch, Seq: in.Seq, Digest: in.Digest, Doc: in.Doc}
}

// Register puts a request into the ledger as registered, due then.
func (w *World) Register(t testing.TB, card string, d *edoc.Document, due time.Time) ledger.Doc {
	t.Helper()
	c, key := w.Receive(t, card, d)
	s, _ := w.cat.Service(d.Service)
	r := c.Verify(w.Trust(), w.Now)
	err := w.ledger.Decide(t.Context(), []ledger.Verdict{{Key: key, Decision: ledger.Decision{
		State: ledger.Registered, Code: c.Code(), At: w.Now, Agency: s.Agency, Service: s.ID, Identified: card != "", Signer: citizen.NewText(r.SignerName),
		Due: due, Container: c.Bytes(), Original: c.Bytes(), AnswerTo: d.AnswerTo,
		Facts: ledger.Facts{
			Whole: finding(r.Whole), Signer: finding(r.Signer), Revocation: finding(r.Revocation),
			Claimed: r.Claimed, Trusted: r.Trusted, RevocationAge: r.RevocationAge, Provisional: r.Provisional,
		},
	}}}, func([]ledger.Decided) ([][]byte, error) {
		return w.receipt(wire.Receipt{
			Level: wire.Decided, Kiosk: key.Kiosk, Epoch: key.Epoch, Seq: key.Seq, Doc: c.ID(), Digest: key.Digest, Stage: wire.StageRegistered, At: w.Now.Unix(),
		})
	})
	if err != nil {
		t.Fatalf("register the request: %v", err)
	}
	return c.ID()
}

// receipt signs r, alone in its batch, as the portal does.
func (w *World) receipt(r wire.Receipt) ([][]byte, error) {
	r.Confirmer = "portal.specimen"
	return wire.SignReceipts([]wire.Receipt{r}, w.PortalReceipt.Key, w.PortalReceipt.Cert)
}

func finding(f edoc.Finding) ledger.Finding {
	return ledger.Finding{Verdict: string(f.Verdict), Reason: f.Reason}
}

// Answer has the portal sign and store the answer, and counts those it did.
func (w *World) Answer(ctx context.Context, agency string, doc ledger.Doc, a portal.AnswerDraft) (ledger.Doc, error) {
	id, err := w.portal.Answer(ctx, agency, doc, a)
	if err == nil {
		w.Signed.Add(1)
	}
	return id, err
}

// RevokeSeal has the portal revoke the seal of an answer.
func (w *World) RevokeSeal(ctx context.Context, agency string, doc ledger.Doc, reason, by string) error {
	return w.portal.RevokeSeal(ctx, agency, doc, reason, by)
}

// Connected returns the kiosks that are connected: none, for the world has no wire.
func (w *World) Connected() []string { return nil }

// Import has the portal take a file of a memory stick.
func (w *World) Import(ctx context.Context, r io.Reader) (portal.Imported, error) {
	return w.portal.Import(ctx, r)
}

// RevokedSeals returns the portal's list of revoked seals.
func (w *World) RevokedSeals() *trust.RevokedSeals { return w.portal.RevokedSeals() }

// open makes the portal itself on the specimen world's keys.
func (w *World) open(ctx context.Context) error {
	b, err := w.cat.Marshal()
	if err != nil {
		return fmt.Errorf("write the catalogue: %w", err)
	}
	signed, err := trust.SignObjectAt(trust.KindCatalogue, b, w.World.Register.Signer(), w.Made)
	if err != nil {
		return fmt.Errorf("sign the catalogue: %w", err)
	}
	key, err := age.ParseX25519Identity(w.AgeIdentity)
	if err != nil {
		return fmt.Errorf("read the portal's age key: %w", err)
	}
	c := portal.Config{
		Ledger: w.ledger, Name: "portal.specimen", PublicURL: "https://portal.specimen", Roots: w.Roots(), Trust: w.Bundle(), Catalogue: signed,
		Receipt: w.PortalReceipt.Signer(), Register: w.World.Register.Signer(), Agencies: map[string]edoc.Signer{},
		Identities: []age.Identity{key}, Stamper: w.tsa, Now: func() time.Time { return w.Now },
	}
	for id, a := range w.Agencies {
		c.Agencies[id] = a.Signer()
	}
	w.portal, err = portal.New(ctx, c)
	return err
}
