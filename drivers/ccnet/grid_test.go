package ccnet_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	emu "github.com/penjire/penjire/drivers/emulator/ccnet"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/link/linktest"

	"github.com/penjire/penjire/drivers/ccnet"
)

// purchase pays with one bill: whatever happens, it goes on until it is known what
// became of it. It says whether the bill was credited.
func purchase(t *testing.T, d *ccnet.Dev, v *emu.Validator, events <-chan device.CashEvent, tx string, f func()) bool {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	start := func() error { return d.Start(ctx, tx, manats) }
	for err := start(); err != nil; err = start() {
		if ctx.Err() != nil {
			t.Fatalf("Start = %v", err)
		}
		<-time.After(100 * time.Millisecond)
	}
	f()
	insert := time.NewTicker(50 * time.Millisecond)
	defer insert.Stop()
	in, over, credited := false, false, false
	for !over {
		select {
		case <-insert.C:
			if !in {
				in = v.Insert(2)
			}
		case e := <-events:
			switch e.Kind {
			case device.CashEscrow:
				_ = d.Stack(ctx) // what became of it is told by events
			case device.CashStacked, device.CashReturned, device.CashAmbiguous:
				over, credited = true, e.Kind == device.CashStacked
				if credited && (e.Denom != manats[2] || e.Tx != tx) {
					t.Errorf("credit = %+v, want %v for %s", e, manats[2], tx)
				}
			}
		case <-ctx.Done():
			t.Fatalf("%s: nothing became of the bill within a minute (health %v)", tx, d.Health())
		}
	}
	_ = d.End(ctx) // it may not be reached; the next payment waits for it
	return credited
}

// TestFaultGrid hurts every byte of a payment, both ways, in every manner. What is
// credited is inside; what is inside is credited or ambiguous; the next bill is
// taken as if nothing had been.
func TestFaultGrid(t *testing.T) {
	faults := map[string]fault.Fault{
		"drop":   {Kind: fault.Drop},
		"drop 3": {Kind: fault.Drop, N: 3},
		"flip":   {Kind: fault.Flip, Mask: 0x01},
		"repeat": {Kind: fault.Repeat, N: 6},
		"insert": {Kind: fault.Insert, N: 2, Mask: 0x02},
		"stall":  {Kind: fault.Stall, Delay: 400 * time.Millisecond},
		"unplug": {Kind: fault.Call},
	}
	length := map[fault.Way]int{}
	pay := func(t *testing.T, f *fault.Fault, way fault.Way, at int) {
		v := emu.New(emu.Manats, 1)
		line := fault.On(v)
		s := linktest.Plug(t, "validator", line)
		book := new(devicetest.CashBook)
		d := drive(t, s, ccnet.Opts{Journal: book})
		events := d.Events(t.Context())
		changes := d.Changes(t.Context())
		for d.Health() != device.Online {
			<-changes
		}
		from := map[fault.Way]int{fault.ToHost: line.Count(fault.ToHost), fault.ToDevice: line.Count(fault.ToDevice)}
		purchase(t, d, v, events, "tx-1", func() {
			if f == nil {
				return
			}
			g := *f
			g.Way, g.At, g.Do = way, at, func() { s.Unplug(); s.Replug() }
			line.Next(g)
		})
		for w := range from {
			length[w] = line.Count(w) - from[w]
		}
		if !purchase(t, d, v, events, "tx-2", func() {}) {
			t.Error("second bill is not credited")
		}
		if left := line.Left(); len(left) > 0 {
			t.Errorf("fault never happened: %+v", left)
		}
		credited, unsure := 0, 0
		for _, e := range book.Entries() {
			switch e.Kind {
			case device.CashStacked:
				credited++
			case device.CashAmbiguous:
				unsure++
			case "":
				t.Errorf("journal has %+v, want it settled", e)
			}
		}
		if n := len(v.Cassette()); credited > n || n > credited+unsure {
			t.Errorf("%d inside, %d credited, %d ambiguous", n, credited, unsure)
		}
	}
	synctest.Test(t, func(t *testing.T) { pay(t, nil, 0, 0) })
	all := map[fault.Way]int{fault.ToHost: length[fault.ToHost], fault.ToDevice: length[fault.ToDevice]}
	step := 1
	if testing.Short() {
		step = 7
	}
	for way, n := range all {
		if n < 50 {
			t.Fatalf("a payment takes %d bytes that way, want more", n)
		}
		for name, f := range faults {
			for at := 0; at < n; at += step {
				ok := t.Run(fmt.Sprintf("way %d, %s at %d", way, name, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { pay(t, &f, way, at) })
				})
				if !ok {
					break
				}
			}
		}
	}
}
