package piv_test

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/piv"
	"github.com/penjire/penjire/drivers/pn532"
)

// TestThroughEverything signs with a card in an emulated reader at the far end
// of a pseudo-terminal, and has the card pulled while it signs.
func TestThroughEverything(t *testing.T) {
	check := devicetest.Leaks(t)
	chip := new(pn532emu.Chip)
	port, err := pty.Attach(filepath.Join(t.TempDir(), "reader"), chip)
	if err != nil {
		t.Fatal(err)
	}
	d, err := pn532.New(link.Serial{Path: port.Path()}, pn532.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	card := specimen(t)
	chip.Insert(card)
	digest := sha256.Sum256([]byte("request"))
	sign := func(hurt pn532emu.Fault) error {
		media, err := d.Wait(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		p, err := piv.Select(t.Context(), iso7816.On(d, media.Gen))
		if err != nil {
			t.Fatalf("Select = %v, want nil", err)
		}
		pub := public(t, p, piv.Signature)
		if err := p.VerifyPIN(t.Context(), pin); err != nil {
			t.Fatalf("VerifyPIN = %v, want nil", err)
		}
		if hurt != 0 {
			chip.Inject(hurt)
		}
		_, err = p.Sign(t.Context(), piv.Signature, pub, digest[:], crypto.SHA256)
		return err
	}
	if err := sign(0); err != nil {
		t.Errorf("Sign = %v, want nil", err)
	}
	for _, f := range []pn532emu.Fault{pn532emu.PullBefore, pn532emu.PullAfter} {
		err := sign(f)
		e, ok := errors.AsType[*device.Error](err)
		if !ok || !errors.Is(err, device.ErrMediaGone) || e.SideEffect != device.SideEffectUnknown {
			t.Errorf("Sign with the card pulled = %v, want ErrMediaGone, side effect unknown", err)
		}
		chip.Insert(card)
		if err := sign(0); err != nil {
			t.Errorf("Sign with the card back = %v, want nil", err)
		}
	}
	if err := errors.Join(d.Halt(), port.Close()); err != nil {
		t.Error(err)
	}
	check()
}
