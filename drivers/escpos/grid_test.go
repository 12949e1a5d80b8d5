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
	"github.com/penjire/penjire/drivers/escpos"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// TestFaultGrid hurts every byte that a printer answers during one job, in each
// dialect and with each sign of a job's end. Whatever happens: Printed only if
// the paper is there, NotPrinted only if it is not, and the printer works again.
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
	for _, profile := range []string{escpos.Generic, "citizen-ct-s651", "star-tup500", "custom-kpm180", "nippon-np-3511"} {
		answers := answersOf(t, profile)
		for name, f := range faults {
			for at := range answers {
				t.Run(fmt.Sprintf("%s, %s at %d", profile, name, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { hurtAnswer(t, profile, f, at) })
				})
			}
		}
	}
}

// answersOf counts the bytes that a printer answers during a job without faults.
func answersOf(t *testing.T, profile string) (n int) {
	synctest.Test(t, func(t *testing.T) {
		line := fault.On(modelOf(t, profile, 0))
		d := driveAs(t, linktest.Plug(t, "printer", line), profile)
		devicetest.Online(t, d)
		n = line.Count(fault.ToHost)
		if out, err := d.Print(t.Context(), devicetest.Ticket(d.Width(), 100, 7)); out != device.Printed {
			t.Errorf("Print = %v, %v, want Printed", out, err)
		}
		n = line.Count(fault.ToHost) - n
	})
	if n < 5 {
		t.Fatalf("%s: a job had %d bytes of answers, want more", profile, n)
	}
	return n
}

func hurtAnswer(t *testing.T, profile string, f fault.Fault, at int) {
	p := modelOf(t, profile, 0)
	line := fault.On(p)
	s := linktest.Plug(t, "printer", line)
	d := driveAs(t, s, profile)
	devicetest.Online(t, d)
	f.Way, f.At, f.Do = fault.ToHost, at, s.Unplug
	line.Next(f)
	m := devicetest.Ticket(d.Width(), 100, 7)
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
		devicetest.Online(t, d)
		if out, err = d.Print(t.Context(), m); err == nil {
			break
		}
	}
	if out != device.Printed {
		t.Errorf("Print afterwards = %v, %v, want Printed", out, err)
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
				devicetest.Online(t, d)
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
				devicetest.Online(t, d)
				if out, err := d.Print(t.Context(), devicetest.Ticket(576, 100, 8)); out != device.Printed {
					t.Errorf("Print afterwards = %v, %v, want Printed", out, err)
				}
			})
		})
	}
}
