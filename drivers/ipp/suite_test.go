package ipp_test

import (
	"testing"
	"time"

	"github.com/OpenPrinting/goipp"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/ippprinter"
	"github.com/penjire/penjire/drivers/ipp"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// newCable returns a network with a printer on it.
func newCable(t *testing.T, dev ippprinter.Device) *linktest.Network {
	n := linktest.NewNetwork(t)
	n.Serve(631, dev)
	return n
}

// hands are an emulated printer's, and its cable's.
type hands struct {
	*ippprinter.Printer
	unplug, replug func()
	op             goipp.Op // that sends a document
}

func (h hands) Unplug() { h.unplug() }
func (h hands) Replug() { h.replug() }

func (h hands) Next(m devicetest.DocumentMishap) {
	kinds := map[devicetest.DocumentMishap]ippprinter.Kind{
		devicetest.CutInDocument: ippprinter.CutBefore, devicetest.CutAfterIt: ippprinter.CutAfter,
		devicetest.CutInAnswer: ippprinter.HalfAnswer, devicetest.NonsenseAnswer: ippprinter.Garbage,
		devicetest.NoAnswer: ippprinter.Silent, devicetest.NotTaken: ippprinter.Deaf,
		devicetest.StaleAnswer: ippprinter.Stale, devicetest.PowerCut: ippprinter.ForgetAfter,
		devicetest.JobAborted: ippprinter.Abort, devicetest.JobSpoilt: ippprinter.Spoil, devicetest.BusyTwice: ippprinter.Status,
	}
	f := ippprinter.Fault{Op: h.op, Kind: kinds[m]}
	if m == devicetest.BusyTwice {
		f.Code, f.N = goipp.StatusErrorBusy, 2
		if h.op == goipp.OpSendDocument {
			f.Op = goipp.OpCreateJob // a printer that made the job takes the document
		}
	}
	h.Printer.Next(f)
}

func (h hands) Printed() []devicetest.Sheets {
	var out []devicetest.Sheets
	for _, p := range h.Prints() {
		out = append(out, devicetest.Sheets{PDF: p.Data, Count: p.Sheets, Whole: p.Whole})
	}
	return out
}

func opOf(o ippprinter.Opts) goipp.Op {
	if o.NoCreateJob {
		return goipp.OpPrintJob
	}
	return goipp.OpSendDocument
}

// drive makes a driver whose times are short, so that silence is found out soon.
func drive(t *testing.T, uri string, o ipp.Opts) *ipp.Dev {
	t.Helper()
	if o.Stall == 0 {
		o.Stall = 4 * time.Second
	}
	d, err := ipp.New(uri, o)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := d.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	})
	return d
}

func inMemory(o ippprinter.Opts) func(t *testing.T) devicetest.DocumentRig {
	return func(t *testing.T) devicetest.DocumentRig {
		p := ippprinter.New(o)
		c := newCable(t, p)
		return devicetest.DocumentRig{
			Dev:   drive(t, "ipp://printer/ipp/print", ipp.Opts{Dial: c.Dial}),
			Hands: hands{p, c.Unplug, c.Replug, opOf(o)},
		}
	}
}

// onTCP plugs a printer in over loopback, and checks that nothing is left open.
func onTCP(o ippprinter.Opts) func(t *testing.T) devicetest.DocumentRig {
	return func(t *testing.T) devicetest.DocumentRig {
		t.Cleanup(devicetest.Leaks(t))
		p := ippprinter.New(o)
		port, err := ippprinter.Listen(p, nil)
		if err != nil {
			t.Fatal(err)
		}
		must := func(f func() error) func() {
			return func() {
				if err := f(); err != nil {
					t.Error(err)
				}
			}
		}
		t.Cleanup(must(port.Close))
		return devicetest.DocumentRig{
			Dev:   drive(t, port.URI(), ipp.Opts{Poll: 100 * time.Millisecond, Job: 40 * time.Millisecond, Stall: time.Second}),
			Hands: hands{p, must(port.Unplug), must(port.Replug), opOf(o)},
		}
	}
}

var models = map[string]ippprinter.Opts{
	"IPP Everywhere":    {Sheet: time.Second},
	"Print-Job only":    {Sheet: time.Second, NoCreateJob: true},
	"IPP 1.1, no sizes": {Sheet: time.Second, OldIPP: true, NoMediaCol: true, NoCreateJob: true},
}

func TestSuite(t *testing.T) {
	for name, o := range models {
		t.Run(name, func(t *testing.T) {
			devicetest.DocumentPrinter(t, devicetest.Faked, inMemory(o))
		})
	}
}

func TestSuiteOnTCP(t *testing.T) {
	devicetest.DocumentPrinter(t, devicetest.Real, onTCP(ippprinter.Opts{Sheet: 40 * time.Millisecond}))
}
