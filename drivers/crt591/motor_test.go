package crt591_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/crt591"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/crt591emu"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// inBubble runs f in faked time with an emulated unit, online and with a card
// inside that is read.
func inBubble(t *testing.T, uo crt591emu.Opts, o crt591.Opts, f func(t *testing.T, u *crt591emu.Unit, d *crt591.Dev, c *device.Card)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		u := crt591emu.New(uo)
		d := drive(t, linktest.Plug(t, "reader", u), o)
		until(t, d, "online", func() bool { return d.Health() == device.Online })
		u.Insert(new(devicetest.Card))
		f(t, u, d, wantCard(t, d))
	})
}

// until waits until ok, at most two seconds.
func until(t *testing.T, d *crt591.Dev, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	for changes := d.Changes(ctx); !ok(); {
		if _, open := <-changes; !open && !ok() {
			t.Fatalf("not within 2 s: %s (health %v, media %v)", what, d.Health(), d.Media())
		}
	}
}

func wantCard(t *testing.T, d *crt591.Dev) *device.Card {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	c, err := d.Wait(ctx, 0)
	if err != nil || c == nil {
		t.Fatalf("Wait = %+v, %v, want a card within 2 s", c, err)
	}
	return c
}

func wantMedia(t *testing.T, d *crt591.Dev, want device.CardMedia) {
	t.Helper()
	until(t, d, "media "+string(want), func() bool { return d.Media() == want })
}

func wantError(t *testing.T, call string, err, cause error, effect device.SideEffect) {
	t.Helper()
	e, ok := errors.AsType[*device.Error](err)
	if !ok || !errors.Is(err, cause) || e.SideEffect != effect {
		t.Errorf("%s = %v, want %v with %v", call, err, cause, effect)
	}
}

func TestMove(t *testing.T) {
	inBubble(t, crt591emu.Opts{}, crt591.Opts{}, func(t *testing.T, u *crt591emu.Unit, d *crt591.Dev, c *device.Card) {
		wantMedia(t, d, device.MediaPresent)
		if err := d.Move(t.Context(), device.ToExit); err != nil {
			t.Fatalf("Move to the gate = %v, want nil", err)
		}
		if m := d.Media(); m != device.MediaEntering || u.Place() != crt591emu.AtGate {
			t.Errorf("media = %v with the card at %d, want entering and at the gate", m, u.Place())
		}
		_, err := d.Transmit(t.Context(), c.Gen, []byte{0, 0xA4, 4, 0})
		wantError(t, "Transmit to a card at the gate", err, device.ErrMediaGone, device.SideEffectNo)
		if err := d.Move(t.Context(), device.ToTransport); err != nil {
			t.Fatalf("Move back = %v, want nil", err)
		}
		if again := wantCard(t, d); again.Gen == c.Gen {
			t.Error("the card has its old Gen after it was moved")
		}
		u.Fill(0, true)
		wantError(t, "Move into a full bin", d.Move(t.Context(), device.ToRetainBin), device.ErrBinFull, device.SideEffectNo)
		u.Fill(0, false)
		if err := d.Move(t.Context(), device.ToRetainBin); err != nil {
			t.Fatalf("Move into the bin = %v, want nil", err)
		}
		wantMedia(t, d, device.MediaNotPresent)
		wantError(t, "Move without a card", d.Move(t.Context(), device.ToExit), device.ErrNoMedia, device.SideEffectNo)
		wantError(t, "Move to nowhere", d.Move(t.Context(), "elsewhere"), device.ErrUnsupported, device.SideEffectNo)
		moves, issued, captured := u.Moves()
		if !slices.Equal(moves, []byte{0x30, 0x32, 0x33}) || issued != 0 || captured != 1 {
			t.Errorf("unit moved % X, issued %d and captured %d, want 30 32 33, none and one", moves, issued, captured)
		}
		u.Insert(new(devicetest.Card))
		wantCard(t, d)
		if err := d.Move(t.Context(), device.ToOut); err != nil || u.Place() != crt591emu.Nowhere {
			t.Errorf("Move out = %v with the card at %d, want nil and nowhere", err, u.Place())
		}
	})
}

// TestStackerIsLeftAlone: going to the contacts without a card takes one from
// the stacker; the driver never does.
func TestStackerIsLeftAlone(t *testing.T) {
	inBubble(t, crt591emu.Opts{Contacts: true}, crt591.Opts{}, func(t *testing.T, u *crt591emu.Unit, d *crt591.Dev, _ *device.Card) {
		u.Fill(50, false)
		u.Take()
		u.Remove()
		wantMedia(t, d, device.MediaNotPresent)
		for _, to := range []device.Position{device.ToTransport, device.ToExit, device.ToOut, device.ToRetainBin} {
			wantError(t, "Move without a card", d.Move(t.Context(), to), device.ErrNoMedia, device.SideEffectNo)
		}
		time.Sleep(10 * time.Second)
		if _, issued, _ := u.Moves(); issued != 0 {
			t.Errorf("unit issued %d cards, want none", issued)
		}
	})
}

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := crt591emu.New(crt591emu.Opts{})
		d := drive(t, linktest.Plug(t, "reader", u), crt591.Opts{Closed: true})
		until(t, d, "online", func() bool { return d.Health() == device.Online })
		if u.Insert(new(devicetest.Card)) {
			t.Error("a shut gate let a card in")
		}
		if err := d.Accept(t.Context(), true); err != nil {
			t.Fatalf("Accept = %v, want nil", err)
		}
		if !u.Insert(new(devicetest.Card)) {
			t.Fatal("an open gate let no card in")
		}
		wantCard(t, d)
		// What was said last also holds after the unit has lost power.
		u.Remove()
		u.PowerLoss()
		time.Sleep(time.Second)
		if !u.Insert(new(devicetest.Card)) {
			t.Error("the gate is shut after the unit lost power")
		}
		wantCard(t, d)
	})
}

// TestPowerLoss: B0 means init first; the card is found anew, and is not moved.
func TestPowerLoss(t *testing.T) {
	inBubble(t, crt591emu.Opts{}, crt591.Opts{}, func(t *testing.T, u *crt591emu.Unit, d *crt591.Dev, c *device.Card) {
		u.PowerLoss()
		_, err := d.Transmit(t.Context(), c.Gen, []byte{0, 0xA4, 4, 0})
		wantError(t, "Transmit after a loss of power", err, device.ErrMediaGone, device.SideEffectNo)
		if again := wantCard(t, d); again.Gen == c.Gen {
			t.Error("the card has its old Gen after a loss of power")
		}
		u.PowerLoss()
		wantError(t, "Move after a loss of power", d.Move(t.Context(), device.ToExit), crt591.Code("B0"), device.SideEffectNo)
		if moves, _, _ := u.Moves(); len(moves) != 0 || u.Place() != crt591emu.Inside {
			t.Errorf("unit moved % X, want nothing", moves)
		}
	})
}

func TestJam(t *testing.T) {
	inBubble(t, crt591emu.Opts{}, crt591.Opts{}, func(t *testing.T, u *crt591emu.Unit, d *crt591.Dev, c *device.Card) {
		u.Jam(true)
		wantError(t, "Move of a stuck card", d.Move(t.Context(), device.ToExit), device.ErrMediaJam, device.SideEffectUnknown)
		if m, h := d.Media(), d.Health(); m != device.MediaJammed || h != device.HardwareError {
			t.Errorf("media %v, health %v, want jammed and hardwareError", m, h)
		}
		_, err := d.Transmit(t.Context(), c.Gen, []byte{0, 0xA4, 4, 0})
		wantError(t, "Transmit to a stuck card", err, device.ErrMediaGone, device.SideEffectNo)
		time.Sleep(20 * time.Second)
		if m := d.Media(); m != device.MediaJammed {
			t.Errorf("media after 20 s = %v, want jammed still", m)
		}
		u.Remove()
		u.Jam(false)
		time.Sleep(3 * time.Second)
		if m, h := d.Media(), d.Health(); m != device.MediaNotPresent || h != device.Online {
			t.Errorf("media %v, health %v when the card was pulled out, want notPresent and online", m, h)
		}
	})
}

// TestUntaken: what becomes of a card that nobody takes, and that it is only
// done to a card that was brought to the gate and seen there ever since.
func TestUntaken(t *testing.T) {
	for policy, want := range map[crt591.Untaken]crt591emu.Place{
		crt591.Leave: crt591emu.AtGate, crt591.DrawBack: crt591emu.Inside, crt591.Capture: crt591emu.Nowhere,
	} {
		inBubble(t, crt591emu.Opts{}, crt591.Opts{Untaken: policy, Take: 10 * time.Second}, func(t *testing.T, u *crt591emu.Unit, d *crt591.Dev, c *device.Card) {
			if err := d.Move(t.Context(), device.ToExit); err != nil {
				t.Fatal(err)
			}
			time.Sleep(9 * time.Second)
			if u.Place() != crt591emu.AtGate {
				t.Errorf("%q: after 9 s the card is at %d, want at the gate", policy, u.Place())
			}
			time.Sleep(2 * time.Second)
			if u.Place() != want {
				t.Errorf("%q: after 11 s the card is at %d, want %d", policy, u.Place(), want)
			}
			if d.Card() != nil {
				t.Errorf("%q: a card that nobody took is read: %+v", policy, d.Card())
			}
			if policy != crt591.DrawBack {
				return
			}
			// It is given back, and read only if it is put in anew.
			if err := d.Move(t.Context(), device.ToExit); err != nil || !u.Take() {
				t.Errorf("Move of a held card = %v, want nil and the card at the gate", err)
			}
			time.Sleep(time.Second)
			u.Insert(new(devicetest.Card))
			wantCard(t, d)
		})
	}
	inBubble(t, crt591emu.Opts{}, crt591.Opts{Untaken: crt591.Capture, Take: 10 * time.Second}, func(t *testing.T, u *crt591emu.Unit, d *crt591.Dev, c *device.Card) {
		if err := d.Move(t.Context(), device.ToExit); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		u.InjectAt(0x31, crt591emu.Hang) // for a moment it is not known where the card is
		time.Sleep(30 * time.Second)
		if u.Place() != crt591emu.AtGate {
			t.Errorf("the card is at %d, want at the gate: it was out of sight", u.Place())
		}
	})
}

// TestHaltWhileMoving: a motor that does not come to its end does not keep Halt.
func TestHaltWhileMoving(t *testing.T) {
	inBubble(t, crt591emu.Opts{}, crt591.Opts{}, func(t *testing.T, u *crt591emu.Unit, d *crt591.Dev, c *device.Card) {
		u.InjectAt(0x32, crt591emu.Hang)
		moved := make(chan error, 1)
		go func() { moved <- d.Move(t.Context(), device.ToExit) }()
		time.Sleep(time.Second)
		begin := time.Now()
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("Halt took %v, want at most 1 s", took)
		}
		wantError(t, "Move while halting", <-moved, device.ErrHalted, device.SideEffectUnknown)
		wantError(t, "Move after Halt", d.Move(t.Context(), device.ToExit), device.ErrHalted, device.SideEffectNo)
	})
}

// TestMoveIsGivenOnce: whatever happens to its answer.
func TestMoveIsGivenOnce(t *testing.T) {
	for f, want := range map[crt591emu.Fault]error{
		crt591emu.Mute: device.ErrTimeout, crt591emu.DamageAll: device.ErrProtocol, crt591emu.DamageOnce: nil,
		crt591emu.Stale: nil, crt591emu.RefuseFrame: nil, crt591emu.Late: device.ErrTimeout,
	} {
		inBubble(t, crt591emu.Opts{}, crt591.Opts{}, func(t *testing.T, u *crt591emu.Unit, d *crt591.Dev, c *device.Card) {
			u.InjectAt(0x32, f)
			err := d.Move(t.Context(), device.ToExit)
			if want == nil && err != nil {
				t.Errorf("fault %d: Move = %v, want nil", f, err)
			}
			if want != nil {
				wantError(t, "Move", err, want, device.SideEffectUnknown)
				if m := d.Media(); m != device.MediaUnknown {
					t.Errorf("fault %d: media = %v, want unknown", f, m)
				}
			}
			if moves, _, _ := u.Moves(); len(moves) != 1 {
				t.Errorf("fault %d: unit moved % X, want one move", f, moves)
			}
			wantMedia(t, d, device.MediaEntering)
		})
	}
}
