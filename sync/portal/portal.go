// Package portal is the single portal's side of sync: it takes in what kiosks
// send, gives receipts, opens, verifies and registers requests, signs the
// agencies' answers and brings them back down (DESIGN 7 and 8; sync/spec/wire.md;
// REQUIREMENTS EG-18, ED-24, ED-25).
//
// It is not the pages: those are in desk and public below it, and use Portal.
package portal

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/wire"
)

// Errors that the desk branches on, beside ledger.ErrNotFound and
// ledger.ErrAnswered.
var (
	// ErrAgency: the request is another agency's.
	ErrAgency = errors.New("the request is another agency's")
	// ErrNoKey: the portal holds no signing key for the agency.
	ErrNoKey = errors.New("no signing key for the agency")
	// ErrDraft: the answer lacks something; the wrapping error says what.
	ErrDraft = errors.New("the answer is not complete")
)

// Config is what a portal is made of. All of it is needed but where it says so.
type Config struct {
	Ledger     ledger.Ledger
	Name       string                 // the confirmer in receipts; no spaces
	PublicURL  string                 // where printed seals point
	Roots      []*x509.Certificate    // the trust bundle is checked against them
	Trust      []byte                 // signed trust bundle
	Catalogue  []byte                 // signed catalogue
	Packs      []*catalog.Pack        // further services; may be empty
	Older      [][]byte               // signed catalogues that kiosks may have from elsewhere; may be empty
	Receipt    edoc.Signer            // signs receipts and beacons
	Register   edoc.Signer            // signs the catalogue
	Agencies   map[string]edoc.Signer // by agency id
	Identities []age.Identity         // what opens sealed requests
	Stamper    tsp.Stamper
	Now        func() time.Time // nil is time.Now
	Log        *slog.Logger     // nil: nothing is logged

	Interval time.Duration // silence after which a kiosk is asked; 0 is 30 s
	Beacon   time.Duration // between two beacons of a session; 0 is 1 h
	Settle   time.Duration // how long an answer in a file waits for decisions at most; 0 is 10 s
	Herd     int           // sessions at once beyond which kiosks are asked to come back later; 0 is 4096
	// Uploads limits what a kiosk may have of large requests that have not all come;
	// zero: 16 of them, 512 MiB, and one that rests for a day makes room.
	Uploads ledger.Quota

	Greeting time.Duration // how long a connection may be without hello; 0 is 30 s
	Deciders int           // records opened at once; 0 is one on each core. 1 decides in one order, as tests want
	Greeters int           // connections at once that are not sessions yet; 0 is 256

	Quota Quota // what one kiosk may bring
	// Room returns how many bytes are free where the ledger is; nil: that is
	// somebody else's care. Below Reserve no request is taken in, so that receipts,
	// decisions, answers and logs still have room; 0 is 1 GiB.
	Room    func() (int64, error)
	Reserve int64
	// Jitter returns a random part of d, by which the times that kiosks are sent
	// away for differ; nil: by chance. A simulation that is to be told again sets it.
	Jitter func(d time.Duration) time.Duration
}

// Portal is the portal. Its methods may be called by several goroutines at once.
type Portal struct {
	c      Config
	ledger ledger.Ledger
	speaks wire.Versions
	bundle atomic.Pointer[trust.Bundle]
	// trusting is held while another bundle is taken into force.
	trusting sync.Mutex
	cat      atomic.Pointer[catalog.Catalogue]
	// revoked is the list in force; revoking is held while a new one is made.
	revoked  atomic.Pointer[trust.RevokedSeals]
	revoking sync.Mutex
	undec    chan struct{} // something may be undecided
	words    sync.Map      // dictionaries that were needed, by their number
	forgot   time.Time     // when old uploads were forgotten; decideLoop's

	mu       sync.Mutex
	sessions map[string]*session // by kiosk
	greeting map[string]int      // connections that are not sessions yet, by kiosk
	lessons  map[lessonKey]lesson
	greeters int               // all of them
	begun    map[string]bucket // sessions, by kiosk
	away     herd
	refused  atomic.Int64 // frames that the gate sent back, and sessions
	troubles troubles
}

// New makes a portal on its ledger: it checks the trust bundle and the
// catalogue, adds the packs, and puts what is newer than before among the items
// for the kiosks. Nothing runs until Run and SyncHandler.
func New(ctx context.Context, c Config) (*Portal, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Interval <= 0 {
		c.Interval = 30 * time.Second
	}
	if c.Beacon <= 0 {
		c.Beacon = time.Hour
	}
	if c.Settle <= 0 {
		c.Settle = 10 * time.Second
	}
	if c.Herd <= 0 {
		c.Herd = 4096
	}
	if c.Greeting <= 0 {
		c.Greeting = 30 * time.Second
	}
	if c.Deciders <= 0 {
		c.Deciders = runtime.GOMAXPROCS(0)
	}
	if c.Greeters <= 0 {
		c.Greeters = 256
	}
	if c.Uploads == (ledger.Quota{}) {
		c.Uploads = ledger.Quota{Uploads: 16, Bytes: 512 << 20, Rest: 24 * time.Hour}
	}
	if c.Reserve <= 0 {
		c.Reserve = 1 << 30
	}
	if c.Jitter == nil {
		c.Jitter = chance
	}
	c.Quota = c.Quota.withDefaults()
	p := &Portal{
		c: c, ledger: c.Ledger, speaks: wire.Spoken, undec: make(chan struct{}, 1), sessions: map[string]*session{}, greeting: map[string]int{},
		lessons: map[lessonKey]lesson{}, begun: map[string]bucket{},
	}
	if err := p.beginTrust(ctx); err != nil {
		return nil, err
	}
	if err := p.publishCatalogue(ctx); err != nil {
		return nil, err
	}
	if err := p.publishRevoked(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Run decides what kiosks have sent, and looks for what other portals on the same
// ledger did, until ctx ends; then it says bye to every session and returns.
func (p *Portal) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { p.watchOthers(ctx) })
	p.decideLoop(ctx)
	wg.Wait()
	p.closeSessions()
}

// Ledger returns the store, for reading: lists, requests, kiosks, alarms, and Assign.
func (p *Portal) Ledger() ledger.Ledger { return p.ledger }

// Catalogue returns the catalogue in force. It must not be changed.
func (p *Portal) Catalogue() *catalog.Catalogue { return p.cat.Load() }

// publishCatalogue takes the catalogue with the packs into force. What is
// already published with the same content stays; something new is signed with a
// higher version.
func (p *Portal) publishCatalogue(ctx context.Context) error {
	fail := func(err error) error { return fmt.Errorf("portal: publish the catalogue: %w", err) }
	base, err := p.openCatalogue(p.c.Catalogue)
	if err != nil {
		return fail(err)
	}
	want, err := catalog.Build(base.Version, append([]*catalog.Pack{{
		Schema: catalog.SchemaPack, Agencies: base.Agencies, Services: base.Services,
	}}, p.c.Packs...)...)
	if err != nil {
		return fail(err)
	}
	want.Holidays = base.Holidays
	known := []*catalog.Catalogue{base}
	for i, b := range p.c.Older {
		c, err := p.openCatalogue(b)
		if err != nil {
			return fail(fmt.Errorf("older catalogue %d: %w", i, err))
		}
		known = append(known, c)
	}
	for _, c := range known {
		if err := p.keepDictionary(ctx, c); err != nil {
			return fail(err)
		}
	}
	signed := p.c.Catalogue
	if same, err := sameCatalogue(want, base); err != nil {
		return fail(err)
	} else if !same {
		signed = nil
	}
	version, lastSigned, err := p.ledger.Broadcasted(ctx, ledger.ItemCatalogue)
	switch {
	case err == nil:
		last, err := p.openCatalogue(lastSigned)
		if err != nil {
			return fail(err)
		}
		same, err := sameCatalogue(want, last)
		if err != nil {
			return fail(err)
		}
		if same {
			if err := p.keepDictionary(ctx, last); err != nil { // of before dictionaries were kept
				return fail(err)
			}
			p.cat.Store(last)
			return nil
		}
		if base.Version <= version {
			signed = nil
		}
	case !errors.Is(err, ledger.ErrNotFound):
		return fail(err)
	}
	if signed == nil {
		want.Version = max(version, base.Version) + 1
		payload, err := want.Marshal()
		if err != nil {
			return fail(err)
		}
		if signed, err = trust.SignObjectAt(trust.KindCatalogue, payload, p.c.Register, p.c.Now()); err != nil {
			return fail(err)
		}
	}
	// Before any kiosk can seal with it.
	if err := p.keepDictionary(ctx, want); err != nil {
		return fail(err)
	}
	if err := p.ledger.Broadcast(ctx, ledger.ItemCatalogue, want.Version, p.c.Now(), signed); err != nil {
		return fail(err)
	}
	p.cat.Store(want)
	p.notifyAll()
	return nil
}

func (p *Portal) openCatalogue(signed []byte) (*catalog.Catalogue, error) {
	payload, _, err := trust.OpenObject(trust.KindCatalogue, signed, p.Trust())
	if err != nil {
		return nil, err
	}
	return catalog.Parse(payload)
}

// sameCatalogue compares everything but the versions.
func sameCatalogue(a, b *catalog.Catalogue) (bool, error) {
	c := *b
	c.Version = a.Version
	x, err := a.Marshal()
	if err != nil {
		return false, err
	}
	y, err := c.Marshal()
	return string(x) == string(y), err
}
