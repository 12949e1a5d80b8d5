package portal

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
)

// ErrTrustChanged is of a trust bundle that has the number of the one that was
// published, and says something else.
var ErrTrustChanged = errors.New("another trust bundle was published under this number")

// Trust returns the trust bundle in force. It must not be changed.
func (p *Portal) Trust() *trust.Bundle { return p.bundle.Load() }

// PutTrust puts a signed trust bundle among what is for all kiosks, and returns it: the
// portals on that ledger take it into force and send it to them. news is false where it
// is the one that is there. One that is older is [trust.ErrRollback]; ErrTrustChanged.
// What is refused changes nothing.
func PutTrust(ctx context.Context, l ledger.Ledger, roots []*x509.Certificate, signed []byte, now time.Time) (b *trust.Bundle, news bool, err error) {
	fail := func(err error) (*trust.Bundle, bool, error) {
		return nil, false, fmt.Errorf("portal: publish the trust bundle: %w", err)
	}
	known := trust.Known{Roots: roots, Now: now}
	last, lastSigned, err := l.Broadcasted(ctx, ledger.ItemTrust)
	switch {
	case err == nil:
		// What it retired stays retired. One that is not believed any more says only
		// how old a bundle must not be.
		known.Version = last
		known.Bundle, _ = trust.Open(lastSigned, trust.Known{Roots: roots})
	case !errors.Is(err, ledger.ErrNotFound):
		return fail(err)
	}
	if b, err = trust.Open(signed, known); err != nil {
		return fail(err)
	}
	if b.Version == last {
		if !bytes.Equal(signed, lastSigned) {
			return fail(fmt.Errorf("version %d: %w", b.Version, ErrTrustChanged))
		}
		return b, false, nil
	}
	if err := l.Broadcast(ctx, ledger.ItemTrust, b.Version, now, signed); err != nil {
		// Another portal may have put the same one there meanwhile.
		if now, there, again := l.Broadcasted(ctx, ledger.ItemTrust); again == nil && now == b.Version && bytes.Equal(there, signed) {
			return b, false, nil
		}
		return fail(err)
	}
	return b, true, nil
}

// PublishTrust is PutTrust, and takes the bundle into force here. One that is refused
// leaves the one in force.
func (p *Portal) PublishTrust(ctx context.Context, signed []byte) error {
	b, _, err := PutTrust(ctx, p.ledger, p.c.Roots, signed, p.c.Now())
	if err != nil {
		return err
	}
	p.useTrust(ctx, b)
	return nil
}

// beginTrust takes the bundle of the configuration into force, or the last one that was
// published if that is newer. So it does where the configured one is refused: a portal
// that comes back after a power cut has to serve.
func (p *Portal) beginTrust(ctx context.Context) error {
	b, _, err := PutTrust(ctx, p.ledger, p.c.Roots, p.c.Trust, p.c.Now())
	if err == nil {
		p.bundle.Store(b)
		return nil
	}
	version, signed, lastErr := p.ledger.Broadcasted(ctx, ledger.ItemTrust)
	if lastErr != nil {
		return err
	}
	if b, lastErr = trust.Open(signed, trust.Known{Roots: p.c.Roots}); lastErr != nil {
		return errors.Join(err, fmt.Errorf("portal: read the last trust bundle: %w", lastErr))
	}
	p.bundle.Store(b)
	if !errors.Is(err, trust.ErrRollback) { // the file may be older than what was published since
		p.Trouble(TroubleTrust, fmt.Errorf("bundle %d is in force: %w", version, err))
	}
	return nil
}

// useTrust takes a bundle into force that is published, if it is newer than the one that
// is.
func (p *Portal) useTrust(ctx context.Context, b *trust.Bundle) {
	p.trusting.Lock()
	defer p.trusting.Unlock()
	if old := p.bundle.Load(); old != nil && b.Version <= old.Version {
		return
	}
	p.bundle.Store(b)
	p.c.Log.Info("portal: a new trust bundle is in force", "version", b.Version)
	p.turnAway(ctx)
	p.notifyAll()
}

// turnAway ends the sessions of kiosks that the bundle in force does not let in any more.
func (p *Portal) turnAway(ctx context.Context) {
	p.mu.Lock()
	open := make([]*session, 0, len(p.sessions))
	for _, s := range p.sessions {
		if s.late == nil { // a file is short
			open = append(open, s)
		}
	}
	p.mu.Unlock()
	slices.SortFunc(open, func(a, b *session) int { return cmp.Compare(a.kiosk, b.kiosk) })
	for _, s := range open {
		if err := p.inBundle(s.cert); err != nil {
			p.c.Log.Warn("portal: a kiosk is turned away", "kiosk", s.kiosk, "err", err)
			s.cancel(err)
		}
	}
}

// Adopt takes into force what was published on the ledger beside this portal, by another
// one or by a command, and is newer than what is in force here. What it does not believe
// it leaves, and raises TroubleTrust.
func (p *Portal) Adopt(ctx context.Context) error {
	if err := p.adoptTrust(ctx); err != nil {
		return fmt.Errorf("portal: take over what was published: %w", err)
	}
	if err := p.adoptOthers(ctx); err != nil {
		return fmt.Errorf("portal: take over what was published: %w", err)
	}
	return nil
}

func (p *Portal) adoptTrust(ctx context.Context) error {
	version, signed, err := p.ledger.Broadcasted(ctx, ledger.ItemTrust)
	if err != nil {
		return err
	}
	have := p.Trust()
	if version <= have.Version {
		return nil
	}
	b, err := trust.Open(signed, trust.Known{Roots: p.c.Roots, Bundle: have, Now: p.c.Now()})
	if err != nil {
		p.Trouble(TroubleTrust, fmt.Errorf("bundle %d stays in force; %d, which was published, is not believed here: %w", have.Version, version, err))
		return nil
	}
	p.useTrust(ctx, b)
	p.Trouble(TroubleTrust, nil)
	return nil
}
