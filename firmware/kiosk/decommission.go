package kiosk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/firmware/signing"
	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/service"
	"github.com/penjire/penjire/sync/stick"
)

// ErrDecommissioned ends a kiosk that went out of service, and whoever starts it
// again. There is no way back but a fresh image and a new enrolment.
var ErrDecommissioned = errors.New("this kiosk is out of service for ever: its keys are erased")

// proofFile is the signed proof, in the state folder. Once it is there, the keys are
// erased, if need be at the next start.
const proofFile = "decommissioned.proof"

// proofName is the proof on the stick. Each try has its own: it begins with an entry
// in the journal.
func proofName(p service.Proof) string {
	return fmt.Sprintf("penjire-%s-decommissioned-%d.proof", p.Kiosk, p.Size)
}

// paperTime is how long the proof on paper may take: it is good to have, and nothing
// waits for it.
const paperTime = 20 * time.Second

// leaveTime is how long the screen still says what was done.
const leaveTime = 5 * time.Second

// decommission takes the kiosk out of service: only when the portal has confirmed
// every request, and with nobody at the screen but whoever ordered it. First the
// journal says so, then the proof stands on the stick, then in the state folder: that
// is the point of no return. Then the keys are erased, and the paper says so.
//
// What is left on the medium is sealed to the portal, or names nobody: the key of the
// pseudonyms is erased with the others.
func (k *Kiosk) decommission(ctx context.Context, dir *stick.Folder, t service.Ticket, signed []byte, v *visit) error {
	k.leave(true) // nothing is accepted from here on
	left := false
	defer func() {
		if !left {
			k.leave(false)
		}
	}()
	k.mu.Lock()
	other := k.visit != nil && k.visit != v
	k.mu.Unlock()
	if other {
		return errBusy
	}
	if k.box.Stats(ctx).Unsent > 0 {
		return errUnsent
	}
	if err := k.witnessService(ctx, t, signed); err != nil {
		return err
	}
	// Once more: what was on its way into the outbox stands before that entry.
	st := k.box.Stats(ctx)
	if st.Unsent > 0 {
		return errUnsent
	}
	p := service.Proof{
		Kiosk: k.s.Kiosk, At: k.clock.Now().UTC().Truncate(time.Second), Ticket: t.ID, Epoch: st.Epoch, Size: st.JournalSize, Root: st.Root,
		Keys: uint32(len(k.ownKeys()) + signing.Erasable(k.s.Identity, k.s.Signing)),
	}
	proof, err := p.Sign(k.signer())
	if err != nil {
		return err
	}
	if err := dir.Put(ctx, proofName(p), [][]byte{proof}); err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(k.s.State, proofFile), proof, 0o600); err != nil {
		return err
	}
	left = true
	k.log.Info("out of service", "journal", p.Size)
	if err := k.eraseKeys(ctx); err != nil {
		k.log.Error("a key could not be erased; it is tried again at the next start", "err", err)
	} else {
		k.printProof(ctx, p) // it says that they are erased
	}
	close(k.gone)
	return nil
}

// errLeaving is what a request meets that was on its way while the kiosk went out of
// service. It is not accepted.
var errLeaving = errors.New("kiosk: it goes out of service")

// leave stops accepting, or goes on. When it returns, whoever began before has its
// place in the outbox or has none.
func (k *Kiosk) leave(yes bool) {
	k.gate.Lock()
	k.leaving = yes
	k.gate.Unlock()
	k.set(health.Leaving, yes)
}

// acceptUnlessLeaving is the outbox's Accept while the kiosk is in service.
func (k *Kiosk) acceptUnlessLeaving(ctx context.Context, d outbox.Draft) (outbox.Request, error) {
	k.gate.RLock()
	defer k.gate.RUnlock()
	if k.leaving {
		return outbox.Request{}, errLeaving
	}
	return k.box.Accept(ctx, d)
}

// ownKeys are the files beside the pairs of the settings without which what is kept
// says nothing.
func (k *Kiosk) ownKeys() []string {
	return []string{filepath.Join(k.s.State, "pseudonym.key"), filepath.Join(k.s.State, "receipt.codes")}
}

func (k *Kiosk) eraseKeys(ctx context.Context) error {
	_, err := k.keys.Erase(ctx, k.s.Identity, k.s.Signing)
	errs := []error{err}
	for _, f := range append(k.ownKeys(), filepath.Join(k.s.State, codeFile)) {
		errs = append(errs, signing.EraseFile(f))
	}
	return errors.Join(errs...)
}

// leftBefore goes on where a decommissioning was interrupted: ErrDecommissioned, and
// with it why a key is still there; nil: the kiosk is in service.
func (k *Kiosk) leftBefore(ctx context.Context) error {
	switch _, err := os.Lstat(filepath.Join(k.s.State, proofFile)); {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("kiosk: look whether it is out of service: %w", err)
	}
	return errors.Join(ErrDecommissioned, k.eraseKeys(ctx))
}

// printProof puts the proof on paper, if there is a printer that prints.
func (k *Kiosk) printProof(ctx context.Context, p service.Proof) {
	if k.printer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, paperTime)
	defer cancel()
	img, err := printing.Leaving{
		Kiosk: p.Kiosk, Place: k.s.Place, Made: p.At.In(zone), Size: p.Size, Root: p.Root, File: proofName(p),
	}.Draw(k.printer.Width(), k.printer.DPI())
	if err == nil {
		_, err = k.printer.Print(ctx, img)
	}
	if err != nil {
		k.log.Warn("the proof was not printed; it is on the stick", "err", err)
	}
}
