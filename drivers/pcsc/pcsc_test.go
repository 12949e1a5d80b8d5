package pcsc_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/pcscd"
	"github.com/penjire/penjire/drivers/pcsc"
)

// inBubble runs f in faked time with an emulated daemon and a reader on it.
func inBubble(t *testing.T, do pcscd.Opts, po pcsc.Opts, f func(t *testing.T, d *pcscd.Daemon, r *pcsc.Dev)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := pcscd.New(do)
		m := pcscd.InMemory(d)
		t.Cleanup(m.Close)
		f(t, d, drive(t, m, po))
	})
}

func wantCard(t *testing.T, r *pcsc.Dev, gen uint64) *device.Card {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	c, err := r.Wait(ctx, gen)
	if err != nil || c == nil {
		t.Fatalf("Wait(%d) = %+v, %v, want a card within 2 s", gen, c, err)
	}
	return c
}

func wantEffect(t *testing.T, err, cause error, effect device.SideEffect) {
	t.Helper()
	e, ok := errors.AsType[*device.Error](err)
	if !ok || !errors.Is(err, cause) || e.SideEffect != effect {
		t.Errorf("Transmit = %v, want %v with %v", err, cause, effect)
	}
}

// TestReaderFails: a reader that fails while the card is there is not taken for
// a card that left, and one that says «fine» when it has lost the card is.
func TestReaderFails(t *testing.T) {
	for f, want := range map[pcscd.Fault]error{
		pcscd.Slip: device.ErrProtocol, pcscd.Empty: device.ErrMediaGone,
	} {
		inBubble(t, pcscd.Opts{}, pcsc.Opts{}, func(t *testing.T, d *pcscd.Daemon, r *pcsc.Dev) {
			d.Insert(new(devicetest.Card))
			c := wantCard(t, r, 0)
			d.Inject(f)
			_, err := r.Transmit(t.Context(), c.Gen, []byte{0, 0xA4, 4, 0})
			wantEffect(t, err, want, device.SideEffectUnknown)
			if n := d.Count(); n != 1 {
				t.Errorf("card got %d APDUs, want 1", n)
			}
			if want == device.ErrProtocol {
				if again := wantCard(t, r, 0); again.Gen == c.Gen {
					t.Error("the card has its old Gen after the reader failed")
				}
			}
		})
	}
}

// TestReaderLeaves: pcscd stays and the reader goes, with the card in it.
func TestReaderLeaves(t *testing.T) {
	inBubble(t, pcscd.Opts{NoReader: true}, pcsc.Opts{}, func(t *testing.T, d *pcscd.Daemon, r *pcsc.Dev) {
		synctest.Wait()
		if h := r.Health(); h != device.NoDevice {
			t.Errorf("Health without a reader = %v, want noDevice", h)
		}
		d.PlugReader(true)
		d.Insert(new(devicetest.Card))
		c := wantCard(t, r, 0)
		if h := r.Health(); h != device.Online {
			t.Errorf("Health with a reader = %v, want online", h)
		}
		d.PlugReader(false)
		synctest.Wait()
		if h := r.Health(); h != device.NoDevice {
			t.Errorf("Health when the reader was pulled = %v, want noDevice", h)
		}
		_, err := r.Transmit(t.Context(), c.Gen, []byte{0, 0xA4, 4, 0})
		wantEffect(t, err, device.ErrMediaGone, device.SideEffectNo)
	})
}

// TestOtherReader: the name chooses, and another reader is not taken instead.
func TestOtherReader(t *testing.T) {
	inBubble(t, pcscd.Opts{}, pcsc.Opts{Reader: "Omnikey"}, func(t *testing.T, d *pcscd.Daemon, r *pcsc.Dev) {
		d.Insert(new(devicetest.Card))
		synctest.Wait()
		if h := r.Health(); h != device.NoDevice || r.Card() != nil {
			t.Errorf("got %v and %+v, want no device and no card: the reader is another", h, r.Card())
		}
	})
}

// TestAnotherProgram: a card that somebody else has alone is had as soon as it is
// free; meanwhile the reader is busy, not empty and not broken.
func TestAnotherProgram(t *testing.T) {
	inBubble(t, pcscd.Opts{}, pcsc.Opts{}, func(t *testing.T, d *pcscd.Daemon, r *pcsc.Dev) {
		d.Foreign(true)
		d.Insert(new(devicetest.Card))
		synctest.Wait()
		if h := r.Health(); h != device.Busy || r.Card() != nil {
			t.Errorf("got %v and %+v, want deviceBusy and no card", h, r.Card())
		}
		d.Foreign(false)
		wantCard(t, r, 0)
		if h := r.Health(); h != device.Online {
			t.Errorf("Health = %v, want online", h)
		}
	})
}

// TestShared: another program's turn is waited for, its reset is noticed before
// anything is sent, and a reset before our first word changes nothing.
func TestShared(t *testing.T) {
	inBubble(t, pcscd.Opts{}, pcsc.Opts{Shared: true}, func(t *testing.T, d *pcscd.Daemon, r *pcsc.Dev) {
		apdu := []byte{0, 0xA4, 4, 0}
		d.Insert(new(devicetest.Card))
		c := wantCard(t, r, 0)
		d.ResetCard()
		if _, err := r.Transmit(t.Context(), c.Gen, apdu); err != nil {
			t.Errorf("Transmit after a reset before the first word = %v, want nil", err)
		}
		d.Foreign(true)
		time.AfterFunc(300*time.Millisecond, func() { d.Foreign(false) })
		if _, err := r.Transmit(t.Context(), c.Gen, apdu); err != nil {
			t.Errorf("Transmit while another program has its turn = %v, want nil", err)
		}
		d.Foreign(true)
		_, err := r.Transmit(t.Context(), c.Gen, apdu)
		wantEffect(t, err, device.ErrBusy, device.SideEffectNo)
		d.Foreign(false)
		d.ResetCard()
		before := d.Count()
		_, err = r.Transmit(t.Context(), c.Gen, apdu)
		wantEffect(t, err, device.ErrMediaGone, device.SideEffectNo)
		if n := d.Count() - before; n != 0 {
			t.Errorf("card got %d APDUs, want none: it was reset", n)
		}
		next := wantCard(t, r, 0)
		if _, err := r.Transmit(t.Context(), next.Gen, apdu); next.Gen == c.Gen || err != nil {
			t.Errorf("Transmit with Gen %d = %v, want nil and another Gen than %d", next.Gen, err, c.Gen)
		}
	})
}

// TestCardIsReset: what a citizen told the card is not left in it.
func TestCardIsReset(t *testing.T) {
	inBubble(t, pcscd.Opts{}, pcsc.Opts{}, func(t *testing.T, d *pcscd.Daemon, r *pcsc.Dev) {
		c := new(devicetest.Card)
		d.Insert(c)
		wantCard(t, r, 0)
		before := c.Resets()
		if err := r.Halt(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := c.Resets() - before; n != 1 {
			t.Errorf("card was reset %d times on Halt, want once", n)
		}
		if n := d.Clients(); n != 0 {
			t.Errorf("daemon has %d clients after Halt, want none", n)
		}
	})
}

// TestMuteCard: a card upside down is something, and takes no APDUs.
func TestMuteCard(t *testing.T) {
	inBubble(t, pcscd.Opts{}, pcsc.Opts{}, func(t *testing.T, d *pcscd.Daemon, r *pcsc.Dev) {
		d.InsertMute()
		c := wantCard(t, r, 0)
		if len(c.ATS) != 0 || r.Health() != device.Online {
			t.Errorf("card = %+v with health %v, want one without ATR, and online", c, r.Health())
		}
		_, err := r.Transmit(t.Context(), c.Gen, []byte{0, 0xA4, 4, 0})
		wantEffect(t, err, device.ErrUnsupported, device.SideEffectNo)
		d.Remove()
		synctest.Wait()
		d.Insert(new(devicetest.Card))
		if next := wantCard(t, r, 0); len(next.ATS) == 0 {
			t.Errorf("card = %+v, want the good one", next)
		}
	})
}

func TestProtocolIsTold(t *testing.T) {
	for o, want := range map[pcscd.Opts]device.Protocol{{}: device.T1, {T0: true}: device.T0} {
		inBubble(t, o, pcsc.Opts{}, func(t *testing.T, d *pcscd.Daemon, r *pcsc.Dev) {
			d.Insert(new(devicetest.Card))
			if c := wantCard(t, r, 0); c.Protocol != want || c.Longest != pcsc.MaxAPDU {
				t.Errorf("card = %+v, want %v", c, want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	m := pcscd.InMemory(pcscd.New(pcscd.Opts{}))
	for _, o := range []pcsc.Opts{
		{Timeout: -1},
		{Reopen: -1},
		{Retry: -1},
		{Reader: strings.Repeat("x", 128)},
		{Reader: "a\x00b"},
	} {
		if _, err := pcsc.New(m, o); err == nil {
			t.Errorf("New with %+v = nil, want an error", o)
		}
	}
}

// TestUnsupportedVersion: a daemon of a version to come is a broken device, and
// is asked again, not believed.
func TestUnsupportedVersion(t *testing.T) {
	inBubble(t, pcscd.Opts{Minor: 3}, pcsc.Opts{}, func(t *testing.T, _ *pcscd.Daemon, r *pcsc.Dev) {
		synctest.Wait()
		if h := r.Health(); h != device.HardwareError {
			t.Errorf("Health = %v, want hardwareError", h)
		}
	})
}
