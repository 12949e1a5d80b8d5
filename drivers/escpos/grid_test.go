package escpos_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// TestFaultGrid hurts every byte that a printer answers during one job. Whatever
// happens: Printed only if the paper is there, NotPrinted only if it is not, and
// the printer works again.
func TestFaultGrid(t *testing.T) {
	faults := map[string]fault.Fault{
		"drop":   {Kind: fault.Drop},
		"drop 3": {Kind: fault.Drop, N: 3},
		"flip":   {Kind: fault.Flip, Mask: 0x20},
		"repeat": {Kind: fault.Repeat},
		"insert": {Kind: fault.Insert, N: 2, Mask: 0x12},
		"noise":  {Kind: fault.Insert, N: 4, Mask: 0xFF},
		"stall":  {Kind: fault.Stall, Delay: 5 * time.Second},
		"unplug": {Kind: fault.Call},
	}
	// Four real-time answers, status back, number, sensor.
	const answers = 4 + 4 + 7 + 1
	for name, f := range faults {
		for at := range answers {
			t.Run(fmt.Sprintf("%s at %d", name, at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := printer.New(printer.Opts{})
					line := fault.On(p)
					s := linktest.Plug(t, "printer", line)
					d := drive(t, s)
					online(t, d)
					f := f
					f.Way, f.At, f.Do = fault.ToHost, at, s.Unplug
					line.Next(f)
					m := devicetest.Ticket(576, 100, 7)
					out, err := d.Print(t.Context(), m)
					n := len(p.Papers())
					switch {
					case out == device.Printed && (err != nil || n != 1),
						out == device.NotPrinted && (err == nil || n != 0),
						out == device.PrintUnknown && err == nil, out == 0:
						t.Errorf("Print = %v, %v with %d papers", out, err, n)
					}
					s.Replug()
					for range 5 {
						online(t, d)
						if out, err = d.Print(t.Context(), m); err == nil {
							break
						}
					}
					if out != device.Printed {
						t.Errorf("Print afterwards = %v, %v, want Printed", out, err)
					}
				})
			})
		}
	}
}

// online waits until d is.
func online(t *testing.T, d device.ReceiptPrinter) {
	t.Helper()
	ctx := t.Context()
	changes := d.Changes(ctx)
	late := time.After(10 * time.Second)
	for d.Health() != device.Online {
		select {
		case <-changes:
		case <-late:
			t.Fatalf("Health = %v for ten seconds, want online", d.Health())
		}
	}
}

// TestLies: a printer that lies is believed no more than it must be.
func TestLies(t *testing.T) {
	for name, v := range map[string]struct {
		lie   printer.Lie
		paper device.Paper
		out   device.Outcome
	}{
		"never confirms":              {printer.NeverConfirms, device.PaperFull, device.PrintUnknown},
		"confirms another job":        {printer.WrongID, device.PaperFull, device.PrintUnknown},
		"says there is paper":         {printer.AlwaysFine, device.PaperOut, device.PrintUnknown},
		"answers nothing":             {printer.Deaf, device.PaperFull, device.NotPrinted},
		"says there is paper, and is": {printer.AlwaysFine, device.PaperFull, device.Printed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := printer.New(printer.Opts{})
				d := drive(t, linktest.Plug(t, "printer", p))
				online(t, d)
				p.SetPaper(v.paper)
				p.SetLie(v.lie)
				time.Sleep(time.Second) // faked: the driver looks once more
				out, err := d.Print(t.Context(), devicetest.Ticket(576, 100, 7))
				if out != v.out || (err == nil) != (v.out == device.Printed) {
					t.Errorf("Print = %v, %v, want %v", out, err, v.out)
				}
				// An honest printer is believed again.
				p.SetLie(printer.Honest)
				p.SetPaper(device.PaperFull)
				online(t, d)
				if out, err := d.Print(t.Context(), devicetest.Ticket(576, 100, 8)); out != device.Printed {
					t.Errorf("Print afterwards = %v, %v, want Printed", out, err)
				}
			})
		})
	}
}
