// Package gm65 drives Grow's code scanner modules, GM65, GM861, GM812 and those
// sold under other names with their commands. The module is put into command
// mode: light and aimer are on only while somebody calls Scan.
//
// Settings are written to the module's memory that forgets without power, and
// looked at once a second: a module from the factory reads whatever it sees.
//
// # Keyboards
//
// On USB these modules are keyboards until the code "USB virtual serial port" of
// the manual was read once; package serialscan says why a keyboard cannot be
// used.
//
// # Reference
//
// Hangzhou Grow, "GM65 Bar Code Reader Module User Manual" V1.3: section 2.4
// (serial commands), appendix C (zone bits). Readings themselves have no
// checksum: what a code says must carry its own.
package gm65

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"github.com/penjire/penjire/drivers/scanline"
	"github.com/penjire/penjire/drivers/serialscan"
)

// Opts are settings. Zero values are the defaults.
type Opts struct {
	Max    int           // longest reading in bytes; 0: 8192
	Sound  bool          // beep after each reading
	AIM    bool          // the module knows AIM identifiers (GM812, GM861): say which kind of code it was
	Reopen time.Duration // between tries to open the port; 0: 300 ms
	Check  time.Duration // between checks; 0: 1 s
}

// Dev is a scanner. It is safe for concurrent use.
type Dev struct{ *scanline.Dev }

var _ device.CodeScanner = (*Dev)(nil)

// New returns the scanner on port. It does not wait for it.
func New(port link.Port, o Opts) (*Dev, error) {
	if o.Max < 0 {
		return nil, fmt.Errorf("gm65: got longest reading %d, want it not negative", o.Max)
	}
	if o.Max == 0 {
		o.Max = 8192
	}
	work := byte(workCommand | workLight | workAim | workLED)
	if o.Sound {
		work |= workSound
	}
	t := &talk{
		aim:   o.AIM,
		zones: []zone{{ZoneWork, work}, {ZoneTail, tailCR}, {ZoneReadTime, readTime}},
		frame: scanline.Frame{Ends: []string{"\r"}, Gap: 50 * time.Millisecond, Max: o.Max},
	}
	if o.AIM {
		t.zones = append(t.zones, zone{ZoneAIM, aimOn})
	}
	d, err := scanline.New("GM65 code scanner", port, t, scanline.Opts{Reopen: o.Reopen, Check: o.Check})
	if err != nil {
		return nil, err
	}
	return &Dev{d}, nil
}

const (
	readTime   = 50 // of ZoneReadTime: five seconds
	again      = 4 * time.Second
	answerTime = 300 * time.Millisecond
	tries      = 3 // every command here may be obeyed twice
	stragglers = 30 * time.Millisecond
)

// zone is a setting as it must be.
type zone struct {
	at    uint16
	value byte
}

// talk is the conversation with one module.
type talk struct {
	aim   bool
	zones []zone
	frame scanline.Frame
}

// SetUp implements scanline.Talk.
func (t *talk) SetUp(ctx context.Context, l *scanline.Line) error {
	for _, z := range t.zones {
		if err := t.write(ctx, l, z.at, z.value); err != nil {
			return err
		}
	}
	if err := t.write(ctx, l, ZoneTrigger, 0); err != nil {
		return err
	}
	return t.verify(ctx, l)
}

// Check implements scanline.Talk.
func (t *talk) Check(ctx context.Context, l *scanline.Line) error {
	if err := t.verify(ctx, l); err != nil {
		return t.SetUp(ctx, l)
	}
	return nil
}

// verify wants every setting as it was written.
func (t *talk) verify(ctx context.Context, l *scanline.Line) error {
	for _, z := range t.zones {
		got, err := t.read(ctx, l, z.at)
		if err != nil {
			return err
		}
		if got != z.value {
			return fmt.Errorf("zone %04X is %02X, want %02X: %w", z.at, got, z.value, device.ErrProtocol)
		}
	}
	return nil
}

// Read implements scanline.Talk.
func (t *talk) Read(ctx context.Context, l *scanline.Line) (c device.Code, err error) {
	if err := t.Check(ctx, l); err != nil {
		return device.Code{}, err
	}
	if err := t.frame.Clear(ctx, l); err != nil {
		return device.Code{}, err
	}
	defer func() {
		if e := t.stop(l); err == nil {
			err = e
		}
	}()
	for {
		// What came before the answer was read before.
		if err := t.write(ctx, l, ZoneTrigger, 1); err != nil {
			return device.Code{}, err
		}
		b, err := t.frame.Next(ctx, l, again)
		switch {
		case err == nil:
			if c, ok := t.parse(b); ok {
				return c, nil
			}
			clear(b)
		case !errors.Is(err, scanline.ErrLost) && !errors.Is(err, device.ErrTimeout):
			return device.Code{}, err
		}
	}
}

// stop makes it read no more, also after the caller's time is up.
func (t *talk) stop(l *scanline.Line) error {
	if err := t.write(context.Background(), l, ZoneTrigger, 0); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	if err := l.Quiet(context.Background(), stragglers); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// parse makes a code of one reading.
func (t *talk) parse(b []byte) (device.Code, bool) {
	sym := device.AnyCode
	if t.aim {
		var ok bool
		if sym, b, ok = serialscan.CutAIM(b); !ok {
			return device.Code{}, false
		}
	}
	if !scanline.Sound(b) {
		return device.Code{}, false
	}
	return device.Code{Symbology: sym, Data: b}, true
}
