package bench

import (
	"context"
	"fmt"

	"github.com/penjire/penjire/drivers/emulator/firmataemu"
	"github.com/penjire/penjire/drivers/emulator/pty"
)

// Pins of the I/O board, as boards/bench names them.
const (
	pinDoor   = 2 // closed pulls it low
	pinTamper = 3 // the loop pulls it low
	pinSupply = 4 // high: the supply fails
)

// cabinet is what is wired to the I/O board.
type cabinet struct {
	board  *firmataemu.Board
	line   *pty.Port
	door   bool // open
	tamper bool // the loop is cut
	supply bool // failing
}

// CabinetState is the cabinet's switches, as hands left them.
type CabinetState struct {
	Link   string `json:"link"`   // of the I/O board: plugged, unplugged
	Door   string `json:"door"`   // closed, open
	Tamper string `json:"tamper"` // whole, cut
	Supply string `json:"supply"` // good, failing
}

// cabinetOrder is the body of POST /api/cabinet.
type cabinetOrder struct {
	Link   string `json:"link"`
	Door   string `json:"door"`
	Tamper string `json:"tamper"`
	Supply string `json:"supply"`
}

// wire sets the levels that the switches give.
func (c *cabinet) wire() {
	c.board.Set(pinDoor, c.door)
	c.board.Set(pinTamper, c.tamper)
	c.board.Set(pinSupply, c.supply)
}

func (b *Bench) postCabinet(_ context.Context, o cabinetOrder) error {
	h := b.hands
	h.mu.Lock()
	defer h.mu.Unlock()
	next := h.cabinet
	for _, s := range []struct {
		what, got, idle, active string
		to                      *bool
	}{
		{"door", o.Door, "closed", "open", &next.door},
		{"tamper", o.Tamper, "whole", "cut", &next.tamper},
		{"supply", o.Supply, "good", "failing", &next.supply},
	} {
		switch s.got {
		case "":
		case s.idle, s.active:
			*s.to = s.got == s.active
		default:
			return badRequest{fmt.Errorf("%s: got %q, want %s or %s", s.what, s.got, s.idle, s.active)}
		}
	}
	if err := plug(h.cabinet.line, o.Link); err != nil {
		return asked(err)
	}
	h.cabinet = next
	h.cabinet.wire()
	return nil
}

func (c *cabinet) state() CabinetState {
	word := func(active bool, words [2]string) string {
		if active {
			return words[1]
		}
		return words[0]
	}
	return CabinetState{
		Link: plugged(c.line), Door: word(c.door, [2]string{"closed", "open"}),
		Tamper: word(c.tamper, [2]string{"whole", "cut"}), Supply: word(c.supply, [2]string{"good", "failing"}),
	}
}
