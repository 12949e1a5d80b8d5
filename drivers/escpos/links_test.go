package escpos_test

import (
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/emulator/tcp"
	"github.com/penjire/penjire/drivers/escpos"
	"github.com/penjire/penjire/drivers/link"
)

// cable is a way through the kernel to a device, that can be pulled.
type cable interface {
	Unplug() error
	Replug() error
	Close() error
}

// cables are the links that receipt printers have. The USB printer's file is a
// terminal's here: what only usblp does is tried in a virtual machine.
var cables = map[string]func(t *testing.T, dev pty.Device) (cable, link.Port){
	"serial": func(t *testing.T, dev pty.Device) (cable, link.Port) {
		p := plugTerminal(t, dev)
		return p, link.Serial{Path: p.Path()}
	},
	"usblp": func(t *testing.T, dev pty.Device) (cable, link.Port) {
		p := plugTerminal(t, dev)
		return p, link.USBLP{Path: p.Path()}
	},
	"tcp": func(t *testing.T, dev pty.Device) (cable, link.Port) {
		p, err := tcp.Attach(dev)
		if err != nil {
			t.Fatal(err)
		}
		return p, link.TCP{Addr: p.Addr()}
	},
}

func plugTerminal(t *testing.T, dev pty.Device) *pty.Port {
	p, err := pty.Attach(filepath.Join(t.TempDir(), "printer"), dev)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// over plugs dev in over that cable, with its driver. It checks that nothing is
// left open.
func over(t *testing.T, name, profile string, dev pty.Device) (d device.ReceiptPrinter, unplug, replug func()) {
	t.Cleanup(devicetest.Leaks(t))
	c, port := cables[name](t, dev)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	must := func(f func() error) func() {
		return func() {
			if err := f(); err != nil {
				t.Error(err)
			}
		}
	}
	return driveAs(t, port, profile), must(c.Unplug), must(c.Replug)
}

// TestSuiteOnLinks: the suite through the kernel, on every link.
func TestSuiteOnLinks(t *testing.T) {
	for name := range cables {
		t.Run(name, func(t *testing.T) {
			devicetest.Printer(t, devicetest.Real, func(t *testing.T) devicetest.PrinterRig {
				p := printer.New(printer.Opts{Speed: 1000})
				d, unplug, replug := over(t, name, "", p)
				return devicetest.PrinterRig{Dev: d, Hands: hands{p, unplug, replug}}
			})
		})
	}
}

// TestLittleOnLinks prints on printers that are given little at a time, through
// the kernel: pictures that look like commands are the worst for them.
func TestLittleOnLinks(t *testing.T) {
	for _, profile := range []string{"star-tup500", "custom-kpm180", "nippon-np-3511"} {
		t.Run(profile, func(t *testing.T) {
			p := modelOf(t, profile, 1000)
			d, _, _ := over(t, "tcp", profile, p)
			devicetest.Online(t, d)
			for i := range 3 {
				p.Take()
				m := devicetest.Commands(d.Width(), 200)
				if out, err := d.Print(t.Context(), m); out != device.Printed || err != nil || len(p.Papers()) != i+1 {
					t.Fatalf("Print = %v, %v with %d papers, want Printed and %d", out, err, len(p.Papers()), i+1)
				}
			}
		})
	}
}

// TestPulledAtEveryByte pulls the cable at each byte that the printer answers
// during a job, and at some of those it is sent, on every link. What the driver
// says of the paper is never better than what came out, and it prints again.
func TestPulledAtEveryByte(t *testing.T) {
	places := map[fault.Way][]int{fault.ToHost: nil, fault.ToDevice: {0, 20, 35, 1000, 3000, 5000, 7200, 7270}}
	for at := range 16 {
		places[fault.ToHost] = append(places[fault.ToHost], at)
	}
	for name := range cables {
		for way, ats := range places {
			for _, at := range ats {
				t.Run(fmt.Sprintf("%s, way %d at %d", name, way, at), func(t *testing.T) {
					p := printer.New(printer.Opts{})
					line := fault.On(p)
					d, unplug, replug := over(t, name, "", line)
					devicetest.Online(t, d)
					line.Next(fault.Fault{Kind: fault.Call, Way: way, At: at, Do: unplug})
					m := devicetest.Ticket(d.Width(), 100, 7)
					out, err := d.Print(t.Context(), m)
					n := len(p.Papers())
					switch {
					case out == device.Printed && (err != nil || n != 1),
						out == device.NotPrinted && (err == nil || n != 0),
						out == device.PrintUnknown && err == nil, out == 0:
						t.Errorf("Print = %v, %v with %d papers", out, err, n)
					}
					replug()
					devicetest.Online(t, d)
					if out, err = d.Print(t.Context(), m); out != device.Printed {
						t.Errorf("Print afterwards = %v, %v, want Printed", out, err)
					}
				})
			}
		}
	}
}

// TestKilledInAPicture: a driver that died in the middle of a picture, a text or
// a command leaves the printer waiting for the rest. The next one is understood.
func TestKilledInAPicture(t *testing.T) {
	for name, left := range map[string]string{
		"picture": "\x1Dv0\x00\x48\x00\x18\x00\xFF\xFF\xFF", "head": "\x1Dv", "length": "\x1D(k\x05", "text": "\x1Bt\x12\xe5",
	} {
		for _, profile := range []string{escpos.Generic, "star-tup500", "custom-kpm180", "nippon-np-3511"} {
			t.Run(name+", "+profile, func(t *testing.T) {
				p := modelOf(t, profile, 0)
				c := plugTerminal(t, p)
				t.Cleanup(func() {
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				})
				port := link.Serial{Path: c.Path()}
				l, err := port.Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := l.Write([]byte(left)); err != nil {
					t.Fatal(err)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				d := driveAs(t, port, profile)
				devicetest.Online(t, d)
				m := devicetest.Ticket(d.Width(), 50, 3)
				if out, err := d.Print(t.Context(), m); out != device.Printed || err != nil {
					t.Errorf("Print = %v, %v, want Printed", out, err)
				}
			})
		}
	}
}

// frozen is a device whose program has stopped: its line stays open, and nobody
// reads it.
type frozen struct {
	*printer.Printer
	mu  sync.Mutex
	ice chan struct{} // nil: it runs
}

func (f *frozen) freeze(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case on:
		f.ice = make(chan struct{})
	case f.ice != nil:
		close(f.ice)
		f.ice = nil
	}
}

// Serve implements pty.Device.
func (f *frozen) Serve(line io.ReadWriter) { f.Printer.Serve(&iceLine{line, f}) }

type iceLine struct {
	io.ReadWriter
	f *frozen
}

// Read implements io.Reader.
func (l *iceLine) Read(p []byte) (int, error) {
	n, err := l.ReadWriter.Read(p)
	l.f.mu.Lock()
	ice := l.f.ice
	l.f.mu.Unlock()
	if ice != nil {
		<-ice
	}
	return n, err
}

// TestHalfOpen: a network printer that has died without a word looks connected.
// It is not called online, a job does not begin, and when it is back it prints.
func TestHalfOpen(t *testing.T) {
	f := &frozen{Printer: printer.New(printer.Opts{})}
	d, _, _ := over(t, "tcp", "", f)
	devicetest.Online(t, d)
	f.freeze(true)
	m := devicetest.Ticket(d.Width(), 100, 7)
	if out, err := d.Print(t.Context(), m); out != device.NotPrinted || err == nil {
		t.Errorf("Print = %v, %v, want NotPrinted", out, err)
	}
	changes := d.Changes(t.Context())
	late := time.After(20 * time.Second)
	for d.Health() == device.Online {
		select {
		case <-changes:
		case <-late:
			t.Fatal("Health = online for 20 s after the printer died")
		}
	}
	f.freeze(false)
	devicetest.Online(t, d)
	if out, err := d.Print(t.Context(), m); out != device.Printed || err != nil {
		t.Errorf("Print afterwards = %v, %v, want Printed", out, err)
	}
	if n := len(f.Papers()); n != 1 {
		t.Errorf("papers: got %d, want 1", n)
	}
}
