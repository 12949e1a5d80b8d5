package virtual

import (
	"encoding/binary"
	"io"
	"slices"
)

// Touchscreen is a touch screen on USB, as hid-multitouch of the kernel knows them:
// QEMU itself has only pointers. One finger is enough for a kiosk.
type Touchscreen struct{ line redirected }

// touchReport describes what the screen reports (USB HID 1.11 and HID Usage Tables,
// 16 Digitizers): in report 1 a finger that touches or not, its number, x and y;
// how many fingers there are. In report 2, how many there can be.
var touchReport = []byte{
	0x05, 0x0d, 0x09, 0x04, 0xa1, 0x01, 0x85, 1, // digitizer, touch screen; report 1
	0x09, 0x22, 0xa1, 0x02, // finger
	0x09, 0x42, 0x15, 0, 0x25, 1, 0x75, 1, 0x95, 1, 0x81, 0x02, // tip switch
	0x95, 7, 0x81, 0x03, // to the end of the byte
	0x09, 0x51, 0x25, 0x7f, 0x75, 8, 0x95, 1, 0x81, 0x02, // contact identifier
	0x05, 0x01, 0x26, 0xff, 0x7f, 0x75, 16, 0x09, 0x30, 0x81, 0x02, 0x09, 0x31, 0x81, 0x02, // x, y
	0xc0,
	0x05, 0x0d, 0x09, 0x54, 0x25, 0x7f, 0x75, 8, 0x95, 1, 0x81, 0x02, // contact count
	0x85, 2, 0x09, 0x55, 0x25, 0x7f, 0xb1, 0x02, // contact count maximum
	0xc0,
}

// touchMax is where x and y end.
const touchMax = 0x7fff

// NewTouchscreen makes a touch screen.
func NewTouchscreen() *Touchscreen {
	t := new(Touchscreen)
	t.line.d = &usbDevice{
		vendor: 0x1209, product: 0x0001, // pid.codes, for tests
		class: 3, endpoint: 0x81, interval: 4, longest: 16, control: touchControl,
	}
	return t
}

// Serve is the screen at the far end of a redirected USB device; see Options.USB.
func (t *Touchscreen) Serve(line io.ReadWriter) { _ = t.line.serve(line) } // it ends with the machine

// Touch puts a finger at x and y, each between 0 and 1 of the screen, and lifts it.
// It fails while no driver listens.
func (t *Touchscreen) Touch(x, y float64) error {
	for _, touches := range []uint8{1, 0} {
		b := []byte{1, touches, 0}
		b = binary.LittleEndian.AppendUint16(b, uint16(x*touchMax))
		b = binary.LittleEndian.AppendUint16(b, uint16(y*touchMax))
		if err := t.line.report(append(b, 1)); err != nil {
			return err
		}
	}
	return nil
}

// touchControl answers what a driver asks first (USB 2.0, 9.4; HID 1.11, 7).
func touchControl(kind, request uint8, value, _ uint16) []byte {
	const (
		device, host = 0x80, 0x81 // to the host, from the device or the interface

		getStatus, getDescriptor     = 0, 6
		getReport, setIdle           = 1, 10
		hidIn, hidOut                = 0xa1, 0x21
		aDevice, aConfiguration      = 1, 2
		aString, aHID, aHIDsReport   = 3, 0x21, 0x22
		report, configurationsLength = 2, 34
	)
	hid := []byte{9, aHID, 0x11, 1, 0, 1, aHIDsReport, byte(len(touchReport)), 0}
	switch {
	case kind == device && request == getDescriptor && value>>8 == aDevice:
		return []byte{18, aDevice, 0, 2, 0, 0, 0, 64, 0x09, 0x12, 1, 0, 0, 1, 0, 1, 0, 1}
	case kind == device && request == getDescriptor && value>>8 == aConfiguration:
		return slices.Concat(
			[]byte{9, aConfiguration, configurationsLength, 0, 1, 1, 0, 0x80, 50},
			[]byte{9, 4, 0, 0, 1, 3, 0, 0, 0}, hid, []byte{7, 5, 0x81, 3, 16, 0, 4})
	case kind == device && request == getDescriptor && value == aString<<8:
		return []byte{4, aString, 0x09, 0x04} // English
	case kind == device && request == getDescriptor && value>>8 == aString:
		s := []byte{0, aString}
		for _, c := range "Penjire touch" {
			s = binary.LittleEndian.AppendUint16(s, uint16(c))
		}
		s[0] = byte(len(s))
		return s
	case kind == host && request == getDescriptor && value>>8 == aHID:
		return hid
	case kind == host && request == getDescriptor && value>>8 == aHIDsReport:
		return touchReport
	case kind == hidIn && request == getReport && value&0xff == report:
		return []byte{report, 1}
	case kind&host == device && request == getStatus:
		return []byte{0, 0}
	case kind == hidOut && request == setIdle:
		return []byte{}
	}
	return nil
}
