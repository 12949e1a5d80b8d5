package cctalk_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/cctalk"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	emu "github.com/penjire/penjire/drivers/emulator/cctalk"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// paid lets coins fall until each is credited, or known to be nobody's.
func paid(t *testing.T, d *cctalk.Dev, a *emu.Acceptor, events <-chan device.CashEvent, tx string, n int, f func()) {
	t.Helper()
	late := time.After(2 * time.Minute)
	for err := d.Start(t.Context(), tx, coins); err != nil; err = d.Start(t.Context(), tx, coins) {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-late:
			t.Fatalf("Start = %v", err)
		}
	}
	f()
	drop := time.NewTicker(50 * time.Millisecond)
	defer drop.Stop()
	in := 0
	for told := 0; told < n; {
		select {
		case <-drop.C:
			if in < n && a.Insert(in%4+1) {
				in++
			}
		case e := <-events:
			if e.Kind == device.CashStacked || e.Kind == device.CashAmbiguous {
				told++
			}
		case <-late:
			t.Fatalf("%s: %d coins told of %d after two minutes (health %v)", tx, told, in, d.Health())
		}
	}
	_ = d.End(t.Context()) // it may not be reached; the next payment ends it
}

// TestFaultGrid hurts every byte of a payment with two coins, both ways, in every
// manner: each coin is credited exactly once.
func TestFaultGrid(t *testing.T) {
	faults := map[string]fault.Fault{
		"drop":   {Kind: fault.Drop},
		"drop 3": {Kind: fault.Drop, N: 3},
		"flip":   {Kind: fault.Flip, Mask: 0x01},
		"repeat": {Kind: fault.Repeat},
		"insert": {Kind: fault.Insert, N: 2, Mask: 0x01},
		"stall":  {Kind: fault.Stall, Delay: 400 * time.Millisecond},
		"unplug": {Kind: fault.Call},
	}
	length := map[fault.Way]int{}
	pay := func(t *testing.T, f *fault.Fault, way fault.Way, at int) {
		a := emu.New(emu.Opts{Coins: names})
		line := fault.On(a)
		s := linktest.Plug(t, "coins", line)
		book := new(devicetest.CashBook)
		d := drive(t, s, cctalk.Opts{Journal: book})
		events, changes := d.Events(t.Context()), d.Changes(t.Context())
		for d.Health() != device.Online {
			<-changes
		}
		from := map[fault.Way]int{fault.ToHost: line.Count(fault.ToHost), fault.ToDevice: line.Count(fault.ToDevice)}
		paid(t, d, a, events, "tx-1", 2, func() {
			if f != nil {
				g := *f
				g.Way, g.At, g.Do = way, at, func() { s.Unplug(); s.Replug() }
				line.Next(g)
			}
		})
		for w := range from {
			length[w] = line.Count(w) - from[w]
		}
		paid(t, d, a, events, "tx-2", 1, func() {})
		stacked := 0
		for _, e := range book.Entries() {
			if e.Kind == device.CashStacked {
				stacked++
			}
		}
		if in := a.Inside(); stacked != len(in) || len(book.Entries()) != len(in) {
			t.Errorf("%d coins inside, journal: %+v", len(in), book.Entries())
		}
	}
	synctest.Test(t, func(t *testing.T) { pay(t, nil, 0, 0) })
	step := 1
	if testing.Short() {
		step = 5
	}
	for way, n := range map[fault.Way]int{fault.ToHost: length[fault.ToHost], fault.ToDevice: length[fault.ToDevice]} {
		if n < 50 {
			t.Fatalf("a payment takes %d bytes that way, want more", n)
		}
		for name, f := range faults {
			for at := 0; at < n; at += step {
				if !t.Run(fmt.Sprintf("way %d, %s at %d", way, name, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { pay(t, &f, way, at) })
				}) {
					break
				}
			}
		}
	}
}

// TestRain: more coins than the acceptor remembers. Those that it does are credited,
// and that there were others is told.
func TestRain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := emu.New(emu.Opts{Coins: names, NoEcho: true})
		book := new(devicetest.CashBook)
		d := drive(t, linktest.Plug(t, "coins", a), cctalk.Opts{Journal: book})
		events, changes := d.Events(t.Context()), d.Changes(t.Context())
		for d.Health() != device.Online {
			<-changes
		}
		if err := d.Start(t.Context(), "tx-1", coins); err != nil {
			t.Fatal(err)
		}
		a.Rain(1, 8)
		if e := <-events; e.Kind != device.CashLost || e.Tx != "tx-1" {
			t.Errorf("first event = %+v, want lost", e)
		}
		for range 5 {
			if e := <-events; e.Kind != device.CashStacked {
				t.Errorf("event = %+v, want stacked", e)
			}
		}
		if err := d.End(t.Context()); err != nil {
			t.Errorf("End = %v", err)
		}
		// 300 coins, one by one: the counter goes round.
		if err := d.Start(t.Context(), "tx-2", coins); err != nil {
			t.Fatal(err)
		}
		for range 300 {
			a.Rain(2, 1)
			if e := <-events; e.Kind != device.CashStacked || e.Denom != coins[1] {
				t.Fatalf("event = %+v, want stacked", e)
			}
		}
		if n := len(book.Entries()); n != 305 {
			t.Errorf("journal has %d coins, want 305", n)
		}
		if got := d.Identity(); got != "PNJ SPECIMEN" {
			t.Errorf("Identity = %q", got)
		}
	})
}
