package kiosk

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/penjire/penjire/firmware/enrol"
	onetime "github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/uplink"
)

// Renewal by memory stick: what a kiosk without a network does in place of EST
// (sync/spec/enrol.md, section 5). The files lie beside those of the requests.

// exportRenewal puts the request for new certificates beside an export, when one of
// them is due, or a one-time code was typed.
func (k *Kiosk) exportRenewal(ctx context.Context, dir *stick.Folder, say func(StickLine), sum *StickLine) error {
	now, due := k.clock.Now(), false
	for _, d := range k.devicesOf() {
		due = due || !now.Before(enrol.DueAt(d.Signer.Cert))
	}
	var proof *[32]byte
	if c := k.code.Load(); c != nil {
		proof = &c.proof
	}
	if !due && proof == nil {
		return nil
	}
	keys := k.keysOf()
	name, size, err := k.renewer.Export(ctx, keys[0], keys[1], proof, dir)
	if err != nil {
		return err
	}
	say(StickLine{Step: "file", File: name, Bytes: size, Left: sum.Left, Renewal: true})
	sum.Files++
	sum.Bytes += size
	return nil
}

// importRenewal takes the portal's answer to such a request, if there is one. It may
// be there again, or be an old one: only what ends later than what the kiosk has is
// taken, when it is durable.
func (k *Kiosk) importRenewal(ctx context.Context, dir *stick.Folder, say func(StickLine), sum *StickLine) error {
	keys := k.keysOf()
	c, err := k.renewer.Import(keys[0], keys[1], dir)
	if errors.Is(err, enrol.ErrNoAnswer) {
		return nil
	}
	l := StickLine{Step: "file", File: onetime.AnswerName(k.s.Kiosk), Renewal: true, Outcome: StickTaken}
	switch {
	case errors.Is(err, onetime.ErrFileVersion):
		l.Outcome = StickNewer
	case errors.Is(err, onetime.ErrFile):
		l.Outcome = StickDamaged
	case errors.Is(err, enrol.ErrAnswer):
		l.Outcome = StickForeign
	case err != nil:
		l.Outcome = StickDamaged // the stick does not give it up
	}
	if err != nil {
		l.Error = err.Error()
		k.log.Warn("certificates from a memory stick were not taken", "outcome", l.Outcome, "err", err)
		say(l)
		return nil
	}
	for _, take := range []error{
		k.know.learn(trustFile, c.Trust, k.know.takeTrust), k.know.learn(catalogueFile, c.Catalogue, k.know.takeCatalogue),
	} {
		if take != nil && !errors.Is(take, uplink.ErrUnacceptable) { // older than what is here: nothing is amiss
			return take
		}
	}
	for i, chain := range [2][]*x509.Certificate{c.Signing, c.Identity} {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !chain[0].NotAfter.After(k.devicesOf()[i].Signer.Cert.NotAfter) {
			continue
		}
		if err := keys[i].Keep(chain); err != nil {
			return fmt.Errorf("kiosk: keep a certificate: %w", err)
		}
		k.take(i, chain)
		l.Certificates++
	}
	sum.Certificates = l.Certificates
	sum.Files++
	say(l)
	return nil
}
