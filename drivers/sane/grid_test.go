package sane_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/emulator/sanescanner"
	"github.com/penjire/penjire/drivers/link/linktest"
	"github.com/penjire/penjire/drivers/sane"
)

// TestFaultGrid hurts the line to saned all along the exchanges of one picture.
// Whatever happens: the call ends, at most one sheet is drawn in, no sheet moved
// when it is said that none did, and the scanner works again.
func TestFaultGrid(t *testing.T) {
	faults := map[string]fault.Fault{
		"cut":    {Kind: fault.Call},
		"stall":  {Kind: fault.Stall, Delay: 30 * time.Second},
		"drop":   {Kind: fault.Drop},
		"flip":   {Kind: fault.Flip, Mask: 0x20},
		"noise":  {Kind: fault.Insert, N: 3, Mask: 0xFF},
		"repeat": {Kind: fault.Repeat},
	}
	for name, f := range faults {
		for way, most := range map[fault.Way]int{fault.ToHost: 1700, fault.ToDevice: 330} {
			t.Run(fmt.Sprintf("%s/%d", name, way), func(t *testing.T) {
				for at := len(name); at < most; at += 7 {
					f.Way, f.At = way, at
					synctest.Test(t, func(t *testing.T) { hurtLine(t, name, f) })
				}
			})
		}
	}
}

func hurtLine(t *testing.T, name string, f fault.Fault) {
	s, n := newScanner(), linktest.NewNetwork(t)
	s.Listen = n.Listen
	line := fault.On(s)
	n.Serve(6566, line)
	d := drive(t, "scanner", sane.Opts{Dial: n.Dial})
	devicetest.Online(t, d)
	f.Do = func() { n.Unplug(); n.Replug() }
	line.Next(f)
	m := devicetest.Sheet(1)
	s.Lay(m)
	begin := time.Now()
	img, err := d.Capture(t.Context(), 0)
	if took := time.Since(begin); took > 40*time.Second {
		t.Errorf("at %d: Capture took %v", f.At, took)
	}
	e, ok := errors.AsType[*device.Error](err)
	switch count := s.Count(); {
	case count > 1, err != nil && !ok, err == nil && img == nil, ok && e.SideEffect == device.SideEffectNo && count > 0:
		t.Errorf("at %d: Capture = %v, %v after %d pictures", f.At, img != nil, err, count)
	}
	// TCP's sums keep what arrives; a line that was cut or stood still gives the right
	// picture or none.
	r := devicetest.ImageRig{}
	if err == nil && (name == "cut" || name == "stall") {
		if what := r.Differs(img, sanescanner.Picture(m, sanescanner.BaseDPI, false)); what != "" {
			t.Errorf("at %d: %s", f.At, what)
		}
	}
	for range 5 {
		devicetest.Online(t, d)
		if img, err = d.Capture(t.Context(), 0); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("at %d: Capture afterwards = %v", f.At, err)
	}
	if what := r.Differs(img, sanescanner.Picture(m, sanescanner.BaseDPI, false)); what != "" {
		t.Errorf("at %d, afterwards: %s", f.At, what)
	}
}
