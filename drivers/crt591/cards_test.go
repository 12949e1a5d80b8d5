package crt591_test

import (
	"testing"

	"github.com/penjire/penjire/drivers/crt591"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/crt591emu"
	"github.com/penjire/penjire/drivers/link"
)

func TestReset(t *testing.T) {
	for _, uo := range []crt591emu.Opts{{}, {Contacts: true}} {
		inBubble(t, uo, crt591.Opts{}, func(t *testing.T, u *crt591emu.Unit, d *crt591.Dev, c *device.Card) {
			if err := d.Reset(t.Context(), c.Gen, false); err != nil {
				t.Fatalf("cold reset = %v, want nil", err)
			}
			next := wantCard(t, d)
			if next.Gen == c.Gen {
				t.Error("the card has its old Gen after a reset")
			}
			err := d.Reset(t.Context(), next.Gen, true)
			if !uo.Contacts {
				wantError(t, "warm reset over the air", err, device.ErrUnsupported, device.SideEffectNo)
				return
			}
			if last := wantCard(t, d); err != nil || last.Gen == next.Gen {
				t.Errorf("warm reset = %v with Gen %d, want nil and another Gen", err, last.Gen)
			}
		})
	}
}

// TestUselessCards: a card without a chip, or with one that takes no APDUs, is
// there all the same.
func TestUselessCards(t *testing.T) {
	inBubble(t, crt591emu.Opts{}, crt591.Opts{NoContacts: true}, func(t *testing.T, u *crt591emu.Unit, d *crt591.Dev, _ *device.Card) {
		u.Remove()
		wantMedia(t, d, device.MediaNotPresent)
		u.Answer(0x60, "61")
		u.Insert(new(devicetest.Card))
		c := wantCard(t, d)
		if len(c.ATS) != 0 || d.Media() != device.MediaPresent {
			t.Errorf("card = %+v, media %v, want one without ATS, present", c, d.Media())
		}
		_, err := d.Transmit(t.Context(), c.Gen, []byte{0, 0xA4, 4, 0})
		wantError(t, "Transmit", err, device.ErrUnsupported, device.SideEffectNo)
	})
}

func TestNewRefuses(t *testing.T) {
	port := link.Serial{Path: "none"}
	for _, o := range []crt591.Opts{
		{Poll: -1},
		{Take: -1},
		{Addr: 16},
		{Addr: -1},
		{NoAntenna: true, NoContacts: true},
		{Untaken: "burn"},
	} {
		if _, err := crt591.New(port, o); err == nil {
			t.Errorf("New with %+v = nil, want an error", o)
		}
	}
}
