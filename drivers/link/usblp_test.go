package link

import "testing"

// TestPortStatus: USB Printing Devices 1.1, 4.2.2. The fault bit is inverted.
func TestPortStatus(t *testing.T) {
	for b, want := range map[byte]PortStatus{
		0x18: {Selected: true},
		0x10: {Selected: true, Fault: true},
		0x38: {Selected: true, PaperOut: true},
		0x30: {Selected: true, PaperOut: true, Fault: true},
		0x08: {},
		0xdf: {Selected: true},
	} {
		if got := portStatus(b); got != want {
			t.Errorf("portStatus(%#02x) = %+v, want %+v", b, got, want)
		}
	}
}
