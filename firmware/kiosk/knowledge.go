package kiosk

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
)

// knowledge is what the portal has told the kiosk: whom to trust, what services
// there are, what time it was. The newest is kept in the state folder; what the
// kiosk came with is where it begins, and what it falls back to.
type knowledge struct {
	roots []*x509.Certificate
	dir   string
	log   *slog.Logger

	// passed is a time that has certainly passed; nil: only what the kept beacon
	// says is known of it.
	passed func() time.Time

	mu      sync.Mutex // one change at a time
	bundle  atomic.Pointer[trust.Bundle]
	offered atomic.Pointer[catalog.Catalogue]
	shared  atomic.Pointer[envelope.Dictionary] // of the last catalogue taken
	seals   atomic.Pointer[trust.RevokedSeals]
}

const (
	trustFile     = "trust.signed"
	catalogueFile = "catalogue.signed"
	revokedFile   = "revoked-seals.signed"
	beaconFile    = "beacon.signed"
)

func openKnowledge(s settings.Settings, roots []*x509.Certificate, log *slog.Logger) (*knowledge, error) {
	n := &knowledge{roots: roots, dir: s.State, log: log}
	first := func(path string, take func([]byte) error) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("kiosk: read what the kiosk came with: %w", err)
		}
		return take(b)
	}
	kept := func(name string, take func([]byte) error) {
		b, err := os.ReadFile(filepath.Join(n.dir, name))
		if err == nil {
			err = take(b)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, uplink.ErrUnacceptable) {
			log.Warn("kept knowledge cannot be used", "file", name, "err", err)
		}
	}
	if err := first(s.Trust, n.takeTrust); err != nil {
		return nil, err
	}
	beacon := n.lastBeacon(s.Kiosk)
	n.passed = func() time.Time { return beacon }
	kept(trustFile, n.takeTrust)
	if err := first(s.Catalogue, n.takeCatalogue); err != nil {
		return nil, err
	}
	kept(catalogueFile, n.takeCatalogue)
	kept(revokedFile, n.takeRevoked)
	return n, nil
}

// trust returns the bundle in force.
func (n *knowledge) trust() *trust.Bundle { return n.bundle.Load() }

// catalogue returns the catalogue in force.
func (n *knowledge) catalogue() *catalog.Catalogue { return n.offered.Load() }

// dictionary returns what requests are compressed with: the portal has it of
// every catalogue that it published.
func (n *knowledge) dictionary() *envelope.Dictionary { return n.shared.Load() }

func (n *knowledge) catalogueVersion() uint64 {
	if c := n.offered.Load(); c != nil {
		return c.Version
	}
	return 0
}

// takeTrust puts a signed bundle in force, if it is newer.
func (n *knowledge) takeTrust(signed []byte) error {
	known := trust.Known{Roots: n.roots, Bundle: n.bundle.Load()}
	if n.passed != nil {
		known.Now = n.passed()
	}
	b, err := trust.Open(signed, known)
	if err != nil {
		return fmt.Errorf("kiosk: take a trust bundle: %w: %w", uplink.ErrUnacceptable, err)
	}
	n.bundle.Store(b)
	return nil
}

// takeCatalogue puts a signed catalogue in force, if it is newer.
func (n *knowledge) takeCatalogue(signed []byte) error {
	payload, _, err := trust.OpenObject(trust.KindCatalogue, signed, n.bundle.Load())
	if err != nil {
		return fmt.Errorf("kiosk: take a catalogue: %w: %w", uplink.ErrUnacceptable, err)
	}
	c, err := catalog.Parse(payload)
	if err != nil {
		return fmt.Errorf("kiosk: take a catalogue: %w: %w", uplink.ErrUnacceptable, err)
	}
	if have := n.catalogueVersion(); c.Version < have {
		return fmt.Errorf("kiosk: take catalogue version %d, have %d: %w", c.Version, have, uplink.ErrUnacceptable)
	}
	n.offered.Store(c)
	n.shared.Store(envelope.NewDictionary(c.Dictionary()))
	return nil
}

// revoked returns the portal's list of revoked seals; nil while there is none.
func (n *knowledge) revoked() *trust.RevokedSeals { return n.seals.Load() }

// takeRevoked puts a signed list of revoked seals in force, if it is not older.
func (n *knowledge) takeRevoked(signed []byte) error {
	have := uint64(0)
	if l := n.seals.Load(); l != nil {
		have = l.Version
	}
	l, err := trust.ParseRevokedSeals(signed, n.bundle.Load(), have)
	if err != nil {
		return fmt.Errorf("kiosk: take a list of revoked seals: %w: %w", uplink.ErrUnacceptable, err)
	}
	n.seals.Store(l)
	return nil
}

// learn puts something signed in force and keeps it for the next start. When it
// cannot be kept that is an error, and the portal hands it down again.
func (n *knowledge) learn(name string, signed []byte, take func([]byte) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	bundle, offered, shared, seals := n.bundle.Load(), n.offered.Load(), n.shared.Load(), n.seals.Load()
	if err := take(signed); err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(n.dir, name), signed, 0o600); err != nil {
		// The portal hands down nothing that we say we have, and after the next
		// start we would not have it.
		n.bundle.Store(bundle)
		n.offered.Store(offered)
		n.shared.Store(shared)
		n.seals.Store(seals)
		return err
	}
	return nil
}

// lastBeacon returns the time of the last beacon kept, zero if there is none
// that can be believed.
func (n *knowledge) lastBeacon(kiosk string) time.Time {
	b, err := os.ReadFile(filepath.Join(n.dir, beaconFile))
	if err != nil {
		return time.Time{}
	}
	t, err := wire.ParseTime(b, n.trust().Portals)
	if err != nil || t.Kiosk != kiosk {
		n.log.Warn("the kept beacon cannot be believed", "err", err)
		return time.Time{}
	}
	return t.When()
}

func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("kiosk: make the state folder: %w", err)
	}
	return nil
}
