package modem_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/atmodem"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/link/linktest"
	"github.com/penjire/penjire/drivers/modem"
)

// TestFaultGrid hurts every byte of a message's sending, both ways, in every manner.
// The network takes it at most once; nil is told only when it has, "no side effect"
// only when it has not; and the next message goes.
func TestFaultGrid(t *testing.T) {
	faults := map[string]fault.Fault{
		"drop":   {Kind: fault.Drop},
		"drop 3": {Kind: fault.Drop, N: 3},
		"flip":   {Kind: fault.Flip, Mask: 0x01},
		"repeat": {Kind: fault.Repeat},
		"insert": {Kind: fault.Insert, N: 2, Mask: '\r'},
		"stall":  {Kind: fault.Stall, Delay: 15 * time.Second},
		"unplug": {Kind: fault.Call},
	}
	const to, text = "+99365123456", "ýük geldi"
	length := map[fault.Way]int{}
	send := func(t *testing.T, f *fault.Fault, way fault.Way, at int) {
		m := atmodem.New()
		line := fault.On(m)
		s := linktest.Plug(t, "modem", line)
		d := drive(t, s, modem.Opts{Network: 5 * time.Second, Poll: time.Hour})
		changes := d.Changes(t.Context())
		for d.Health() != device.Online {
			<-changes
		}
		from := map[fault.Way]int{fault.ToHost: line.Count(fault.ToHost), fault.ToDevice: line.Count(fault.ToDevice)}
		if f != nil {
			g := *f
			g.Way, g.At, g.Do = way, at, func() { s.Unplug(); s.Replug() }
			line.Next(g)
		}
		err := d.Send(t.Context(), to, text)
		n := m.Parts()
		e, ok := errors.AsType[*device.Error](err)
		switch {
		case n > 1, err == nil && n != 1:
			t.Errorf("Send = %v, and the network took it %d times", err, n)
		case err != nil && (!ok || e.SideEffect == device.SideEffectNo && n != 0):
			t.Errorf("Send = %v, and the network took it %d times", err, n)
		}
		for w := range from {
			length[w] = line.Count(w) - from[w]
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for err = d.Send(ctx, to, "indiki"); err != nil; err = d.Send(ctx, to, "indiki") {
			if ctx.Err() != nil {
				t.Fatalf("Send afterwards = %v, want nil", err)
			}
			<-time.After(100 * time.Millisecond)
		}
		got := m.Sent()
		if len(got) == 0 || got[len(got)-1] != (atmodem.Message{To: to, Text: "indiki"}) {
			t.Errorf("sent: %q, want the next message last", got)
		}
	}
	synctest.Test(t, func(t *testing.T) { send(t, nil, 0, 0) })
	for way, n := range map[fault.Way]int{fault.ToHost: length[fault.ToHost], fault.ToDevice: length[fault.ToDevice]} {
		if n < 20 {
			t.Fatalf("a message takes %d bytes that way, want more", n)
		}
		for name, f := range faults {
			for at := range n {
				if !t.Run(fmt.Sprintf("way %d, %s at %d", way, name, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { send(t, &f, way, at) })
				}) {
					break
				}
			}
		}
	}
}
