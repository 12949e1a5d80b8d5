package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
)

// reissue is how old the list of revoked seals gets before it is signed again
// as it is, so that whoever checks a seal knows how fresh «not revoked» is.
const reissue = 24 * time.Hour

// RevokedSeals returns the list of revoked seals in force; nil until the first
// seal is revoked. It must not be changed.
func (p *Portal) RevokedSeals() *trust.RevokedSeals { return p.revoked.Load() }

// RevokeSeal revokes the seal of an agency's answer: on the public page it is
// refused from now on, at each kiosk when the signed list has reached it.
// reason is one of ledger.RevokeReasons, by the officer. Errors: ErrAgency,
// ledger.ErrNotFound, ledger.ErrRevoked.
func (p *Portal) RevokeSeal(ctx context.Context, agency string, doc ledger.Doc, reason, by string) error {
	fail := func(err error) error { return fmt.Errorf("portal: revoke a seal: %w", err) }
	r, err := p.ledger.Get(ctx, doc)
	if err != nil {
		return fail(err)
	}
	if r.Agency != agency {
		return fail(ErrAgency)
	}
	if r.Answer == nil || r.Answer.Seal == "" {
		return fail(ledger.ErrNotFound)
	}
	s, err := seal.Parse(r.Answer.Seal)
	if err != nil {
		return fail(err)
	}
	if err := p.ledger.RevokeSeal(ctx, ledger.Revocation{
		Seal: s.ID(), Doc: doc, Agency: agency, Reason: reason, By: by, At: p.c.Now().UTC().Truncate(time.Second),
	}); err != nil {
		return fail(err)
	}
	p.c.Log.Info("portal: a seal is revoked", "agency", agency, "reason", reason)
	if err := p.publishRevoked(ctx); err != nil {
		return fail(err)
	}
	return nil
}

// publishRevoked signs and sends the list of revoked seals if the last one
// differs from the ledger, or is old. What a crash kept from being published is
// published at the next call.
func (p *Portal) publishRevoked(ctx context.Context) error {
	fail := func(err error) error { return fmt.Errorf("portal: publish the revoked seals: %w", err) }
	p.revoking.Lock()
	defer p.revoking.Unlock()
	all, err := p.ledger.RevokedSeals(ctx)
	if err != nil {
		return fail(err)
	}
	want := &trust.RevokedSeals{Version: 1, Issued: p.c.Now().UTC().Truncate(time.Second)}
	for _, r := range all {
		want.IDs = append(want.IDs, r.Seal)
	}
	if len(want.IDs) == 0 {
		return nil // nothing was ever revoked: the bundle's own list says as much
	}
	last := p.revoked.Load()
	if last == nil {
		if last, err = p.lastRevoked(ctx); err != nil {
			return fail(err)
		}
	}
	if last != nil {
		want.Version = last.Version + 1
		same := len(last.IDs) == len(want.IDs) && !slices.ContainsFunc(want.IDs, func(id [16]byte) bool { return !last.Has(id) })
		if same && want.Issued.Sub(last.Issued) < reissue {
			p.revoked.Store(last)
			return nil
		}
	}
	signed, err := want.Sign(p.c.Receipt)
	if err != nil {
		return fail(err)
	}
	// Read back as a kiosk does: what it would not believe is not sent.
	read, err := trust.ParseRevokedSeals(signed, p.Trust(), want.Version)
	if err != nil {
		return fail(err)
	}
	if err := p.ledger.Broadcast(ctx, ledger.ItemRevoked, want.Version, p.c.Now(), signed); err != nil {
		return fail(err)
	}
	p.revoked.Store(read)
	p.notifyAll()
	return nil
}

// lastRevoked returns the list that was published last; nil if none was. One
// that is not believed any more, as after a change of keys, gives its version.
func (p *Portal) lastRevoked(ctx context.Context) (*trust.RevokedSeals, error) {
	version, signed, err := p.ledger.Broadcasted(ctx, ledger.ItemRevoked)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	last, err := trust.ParseRevokedSeals(signed, p.Trust(), 0)
	if err != nil {
		p.c.Log.Warn("portal: the last list of revoked seals is signed again", "err", err)
		return &trust.RevokedSeals{Version: version}, nil
	}
	return last, nil
}
