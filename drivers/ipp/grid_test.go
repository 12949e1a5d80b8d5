package ipp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/emulator/ippprinter"
	"github.com/penjire/penjire/drivers/ipp"
)

// TestMain silences net/http, which logs what a broken printer says out of turn.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// TestFaultGrid hurts the line all along the exchanges of one job. Whatever
// happens: the call ends, no document comes out twice, none that is said not to
// have come out does, none is said to be printed that is not, and the printer
// works again.
func TestFaultGrid(t *testing.T) {
	var to, from []int // bytes of requests and of answers
	for at := 0; at < 2600; at += 173 {
		to = append(to, at)
	}
	for at := 2600; at < 26000; at += 5311 {
		to = append(to, at)
	}
	for at := 0; at < 3000; at += 127 {
		from = append(from, at)
	}
	faults := map[string]fault.Fault{
		"cut":        {Kind: fault.Call},
		"power":      {Kind: fault.Call},
		"stall":      {Kind: fault.Stall, Delay: 20 * time.Second},
		"drop":       {Kind: fault.Drop},
		"flip":       {Kind: fault.Flip, Mask: 0x20},
		"noise":      {Kind: fault.Insert, N: 3, Mask: 0xFF},
		"repeat":     {Kind: fault.Repeat},
		"long break": {Kind: fault.Call},
	}
	for _, model := range []string{"IPP Everywhere", "Print-Job only"} {
		for name, f := range faults {
			for way, bytes := range map[fault.Way][]int{fault.ToDevice: to, fault.ToHost: from} {
				if way == fault.ToDevice && f.Kind != fault.Call && f.Kind != fault.Stall {
					continue // TCP's sums keep the bytes of a document; it ends, or stands still
				}
				f.Way = way
				t.Run(fmt.Sprintf("%s/%s/%d", model, name, way), func(t *testing.T) {
					for _, at := range bytes {
						f.At = at + len(name)*7 // each fault at other bytes
						synctest.Test(t, func(t *testing.T) { hurtLine(t, models[model], name, f) })
					}
				})
			}
		}
	}
}

func hurtLine(t *testing.T, o ippprinter.Opts, name string, f fault.Fault) {
	p := ippprinter.New(o)
	line := fault.On(p)
	c := newCable(t, line)
	d := drive(t, "ipp://printer/ipp/print", ipp.Opts{Dial: c.Dial})
	devicetest.Online(t, d)
	var over atomic.Bool
	switch name {
	case "cut":
		f.Do = func() { c.Unplug(); c.Replug() }
	case "power":
		f.Do = func() { c.Unplug(); p.LosePower(); c.Replug() }
	case "long break":
		f.Do = func() {
			if !over.Load() {
				c.Unplug()
			}
		}
	}
	line.Next(f)
	doc := devicetest.Paper(2, 7)
	begin := time.Now()
	id, err := d.Submit(t.Context(), doc)
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("at %d: Submit took %v", f.At, took)
	}
	over.Store(true)
	c.Replug()
	end, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var last device.Job
	for changes := d.Changes(end); err == nil; <-changes {
		if last, _ = d.Job(end, id); last.State == device.JobCompleted || last.State == device.JobAborted || last.State == device.JobCanceled || end.Err() != nil {
			break
		}
		if last.State == device.JobUnknown && p.Jobs() == 0 && c.Plugged() {
			break
		}
	}
	n, whole := printed(p, doc)
	e, isDevice := errors.AsType[*device.Error](err)
	switch {
	case n > 1,
		err == nil && last.State == device.JobCompleted && !whole,
		err != nil && !isDevice,
		isDevice && e.SideEffect == device.SideEffectNo && n > 0:
		t.Errorf("at %d: Submit = %v, %v, Job = %v, prints %d, whole %v", f.At, id, err, last, n, whole)
	}
	next := devicetest.Paper(1, 8)
	for range 5 {
		devicetest.Online(t, d)
		if id, err = d.Submit(t.Context(), next); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("at %d: Submit afterwards = %v, want nil", f.At, err)
	}
	for changes := d.Changes(end); end.Err() == nil; <-changes {
		if j, err := d.Job(end, id); err == nil && j.State == device.JobCompleted {
			break
		}
	}
	if n, whole := printed(p, next); n != 1 || !whole {
		t.Errorf("at %d: the next document came out %d times, whole %v, want once", f.At, n, whole)
	}
	if n, _ := printed(p, doc); n > 1 || isDevice && e.SideEffect == device.SideEffectNo && n > 0 {
		t.Errorf("at %d: after %v the document came out all the same: %d times", f.At, e, n)
	}
}

// printed returns how often doc came out, and whether whole.
func printed(p *ippprinter.Printer, doc device.Document) (n int, whole bool) {
	r := doc.PDF.(*bytes.Reader)
	want := make([]byte, r.Size())
	_, _ = r.ReadAt(want, 0) // a reader of bytes does not fail
	for _, s := range p.Prints() {
		if bytes.Equal(s.Data, want) {
			n++
			whole = whole || s.Whole
		}
	}
	return n, whole
}
