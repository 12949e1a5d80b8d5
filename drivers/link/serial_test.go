package link_test

import (
	"errors"
	"os"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"golang.org/x/sys/unix"
)

// TestSerialSettings looks at the terminal as the kernel has it. A pseudo-terminal
// keeps speed and flow control, and drops parity whatever it is told.
func TestSerialSettings(t *testing.T) {
	p := onPTY(t, echo{})
	settings := func() (*unix.Termios, error) {
		f, err := os.OpenFile(p.Path(), os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			return nil, err
		}
		got, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		return got, errors.Join(err, f.Close())
	}
	for _, v := range []struct {
		port link.Serial
		want uint32 // of CBAUD and CRTSCTS
	}{
		{link.Serial{}, unix.B115200},
		{link.Serial{Baud: 38400, Parity: link.ParityEven, RTSCTS: true}, unix.B38400 | unix.CRTSCTS},
		{link.Serial{Baud: 9600, Stop: 2}, unix.B9600},
	} {
		v.port.Path = p.Path()
		l, err := v.port.Open(t.Context())
		if err != nil {
			t.Fatalf("Open of %+v = %v, want nil", v.port, err)
		}
		if got, err := settings(); err != nil || got.Cflag&(unix.CBAUD|unix.CRTSCTS) != v.want || got.Lflag&unix.ECHO != 0 {
			t.Errorf("%+v: got %+v, %v, want control flags %#x", v.port, got, err, v.want)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []link.Serial{{Data: 4}, {Stop: 3}, {Parity: "mark"}, {Baud: 12345}} {
		bad.Path = p.Path()
		if l, err := bad.Open(t.Context()); err == nil || errors.Is(err, device.ErrUnplugged) {
			t.Errorf("Open of %+v = %v, %v, want an error", bad, l, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
