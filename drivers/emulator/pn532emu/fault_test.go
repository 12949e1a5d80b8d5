package pn532emu

import "testing"

// A fault that waits for an instruction lets the others pass, and happens once.
func TestFaultAtAnInstruction(t *testing.T) {
	var ch Chip
	ch.InjectAt(0x87, PullAfter)
	ch.Inject(Mute)
	ch.InjectAt(0x20, Late)
	if got := ch.Planned(); got != 3 {
		t.Errorf("planned faults: got %d, want 3", got)
	}
	for i, c := range []struct {
		ins  byte
		want Fault
	}{{0xA4, Mute}, {0xA4, 0}, {0x87, PullAfter}, {0x87, 0}, {0x20, Late}, {0x20, 0}} {
		if got := ch.takeFault([]byte{0x00, c.ins, 0x00, 0x00}); got != c.want {
			t.Errorf("fault of APDU %d (INS %02X) = %d, want %d", i, c.ins, got, c.want)
		}
	}
	if got := ch.Planned(); got != 0 {
		t.Errorf("planned faults after all happened: got %d, want 0", got)
	}
	ch.InjectAt(0x87, Mute)
	if got := ch.takeFault([]byte{0x00}); got != 0 {
		t.Errorf("fault of half a command = %d, want none", got)
	}
}
