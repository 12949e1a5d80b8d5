package pn532

import (
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link/linktest"
	"github.com/penjire/penjire/drivers/slot"
)

// TestOpen plays what the manual wants at power-on.
func TestOpen(t *testing.T) {
	ack := AckFrame
	answer := func(data ...byte) []byte {
		return AppendFrame(append([]byte{}, ack...), FromChip, data)
	}
	wake := append([]byte{0x55, 0x55, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, ack...)
	p := linktest.Play(t,
		linktest.IO{Note: "wake, abort what was under way", W: wake},
		linktest.IO{Note: "SAMConfiguration: normal mode", W: unhex(t, "0000ff05fbd4140114010200"), R: answer(0x15)},
		linktest.IO{Note: "GetFirmwareVersion", W: unhex(t, "0000ff02fed4022a00"), R: answer(0x03, 0x32, 1, 6, 7)},
		linktest.IO{Note: "SetParameters: automatic RATS", W: unhex(t, "0000ff03fdd412140600"), R: answer(0x13)},
		linktest.IO{Note: "RFConfiguration: MaxRetries", W: unhex(t, "0000ff06fad43205ff0110e500"), R: answer(0x33)},
		linktest.IO{Note: "InListPassiveTarget: a card", W: unhex(t, "0000ff04fcd44a0100e100"), R: answer(0x4B, 1, 1, 0, 4, 0x20, 4, 8, 1, 2, 3, 2, 0x78)},
		linktest.IO{Note: "InDataExchange: refused, no card", W: AppendFrame(nil, ToChip, []byte{0x40, 1, 0, 0xA4}), R: answer(0x41, 0x27)},
	)
	line, err := p.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &chip{line: line}
	if err := c.open(t.Context()); err != nil {
		t.Fatalf("open = %v, want nil", err)
	}
	tg, err := c.find(t.Context())
	if err != nil || tg == nil {
		t.Fatalf("find = %+v, %v, want a card", tg, err)
	}
	_, err = c.exchange(t.Context(), time.Second, tg, []byte{0, 0xA4})
	if !errors.Is(err, device.ErrMediaGone) || slot.EffectOf(err) != device.SideEffectNo {
		t.Errorf("exchange = %v with %v, want ErrMediaGone with no side effect", err, slot.EffectOf(err))
	}
}

// TestNotAPN532: another chip of the family is not taken for one.
func TestNotAPN532(t *testing.T) {
	p := linktest.Play(t,
		linktest.IO{Note: "wake", W: append([]byte{0x55, 0x55, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, AckFrame...)},
		linktest.IO{Note: "SAMConfiguration", W: unhex(t, "0000ff05fbd4140114010200"), R: AppendFrame(append([]byte{}, AckFrame...), FromChip, []byte{0x15})},
		linktest.IO{Note: "GetFirmwareVersion: a PN533", W: unhex(t, "0000ff02fed4022a00"), R: AppendFrame(append([]byte{}, AckFrame...), FromChip, []byte{0x03, 0x33, 2, 7, 7})},
	)
	line, err := p.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := (&chip{line: line}).open(t.Context()); !errors.Is(err, device.ErrProtocol) {
		t.Errorf("open = %v, want ErrProtocol", err)
	}
}
