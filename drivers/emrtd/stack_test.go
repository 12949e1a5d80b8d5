package emrtd_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emrtd"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/emulator/vpcd"
	"github.com/penjire/penjire/drivers/emulator/vpcd/vpcdtest"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/pcsc"
	"github.com/penjire/penjire/drivers/pn532"
)

// openIn waits for a card in r and opens it.
func openIn(t *testing.T, r device.CardReader) (*emrtd.Chip, uint64, error) {
	t.Helper()
	card, err := r.Wait(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	c, err := emrtd.Open(t.Context(), iso7816.On(r, card.Gen), zone(t), emrtd.Opts{Now: now})
	return c, card.Gen, err
}

// pulled is a passport that leaves the field at a certain command.
type pulled struct {
	*emrtdcard.Card
	left int // commands until it leaves; it does not below 0
	pull func()
}

func (p *pulled) Transmit(apdu []byte) []byte {
	if p.left == 0 {
		p.pull()
	}
	p.left--
	return p.Card.Transmit(apdu)
}

// TestThroughReader reads a passport in an emulated reader at the far end of a
// pseudo-terminal, and has it taken away at every tenth command: each time the
// error says so, nothing hangs, and when it is put back it is read.
func TestThroughReader(t *testing.T) {
	check := devicetest.Leaks(t)
	chip := new(pn532emu.Chip)
	port, err := pty.Attach(filepath.Join(t.TempDir(), "reader"), chip)
	if err != nil {
		t.Fatal(err)
	}
	d, err := pn532.New(link.Serial{Path: port.Path()}, pn532.Opts{Poll: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	profile := specimen(t, emrtdcard.PACEBrainpool)
	card := &pulled{Card: emrtdcard.New(profile), left: -1, pull: chip.Remove}
	chip.Insert(card)
	whole := func() {
		t.Helper()
		c, _, err := openIn(t, d)
		if err != nil {
			t.Fatalf("Open = %v, want nil", err)
		}
		if f := read(t, c).Judge(trust(t, issuer(t)), now); answers(f) != allGood {
			t.Errorf("Judge = %+v, want all yes", f)
		}
	}
	before := card.Count()
	whole()
	all := card.Count() - before
	for at := 0; at < all; at += 10 {
		card.left = at
		c, gen, err := openIn(t, d)
		if err == nil {
			_, err = c.Read(t.Context(), emrtd.Groups...)
		}
		if !errors.Is(err, device.ErrMediaGone) {
			t.Errorf("taken at command %d: %v, want ErrMediaGone", at, err)
		}
		card.left = -1
		if _, err := d.Wait(t.Context(), gen); err != nil {
			t.Fatal(err)
		}
		chip.Insert(card)
	}
	whole()
	if err := errors.Join(d.Halt(), port.Close()); err != nil {
		t.Error(err)
	}
	check()
}

// TestThroughPCSC reads a passport in a virtual reader of the real pcscd.
func TestThroughPCSC(t *testing.T) {
	s := vpcdtest.Start(t)
	d, err := pcsc.New(link.Unix{Path: s.Socket}, pcsc.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	var in *vpcd.Slot
	for in == nil { // the virtual reader opens its port when pcscd has read its settings
		if in, err = vpcd.Insert(s.Addr, emrtdcard.New(specimen(t, emrtdcard.PACEBrainpool))); err != nil {
			select {
			case <-again.C:
			case <-t.Context().Done():
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(func() { _ = in.Remove() }) // pcscd may have let go of it
	c, _, err := openIn(t, d)
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	if f := read(t, c).Judge(trust(t, issuer(t)), now); answers(f) != allGood {
		t.Errorf("Judge = %+v, want all yes", f)
	}
}

// TestExtendedLength reads in larger pieces where chip and reader say that they
// take them, and in small ones where one of them does not.
func TestExtendedLength(t *testing.T) {
	profile := specimen(t, emrtdcard.PACEBrainpool)
	profile.Extended = 2048
	can := iso7816.Capabilities{Protocol: device.TCL, Longest: 4096, Extended: true, InFile: true}
	count := func(p emrtdcard.Profile, can iso7816.Capabilities) int {
		c := put(p)
		chip, err := emrtd.Open(t.Context(), iso7816.With(c, can), zone(t), emrtd.Opts{Now: now})
		if err != nil {
			t.Fatalf("Open = %v, want nil", err)
		}
		if f := read(t, chip).Judge(trust(t, issuer(t)), now); answers(f) != allGood {
			t.Errorf("Judge = %+v, want all yes", f)
		}
		return c.commands
	}
	long := count(profile, can)
	short := count(profile, iso7816.Capabilities{Protocol: device.TCL, Longest: 4096})
	small := profile
	small.Extended = 0
	noFile := count(small, can)
	t.Logf("commands: %d with extended lengths, %d without", long, short)
	if long*3 > short*2 || noFile < short {
		t.Errorf("commands: %d with extended lengths, %d without, %d where the card's limits are not known", long, short, noFile)
	}
	profile.Extended = 300 // hardly more than a short one
	if n := count(profile, can); n > short+4 {
		t.Errorf("commands with a limit of 300 bytes: %d, want about %d", n, short)
	}
}
