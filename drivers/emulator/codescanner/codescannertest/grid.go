package codescannertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/emulator/fault"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// faults are what is done to each byte of a scan.
var faults = map[string]fault.Fault{
	"drop":   {Kind: fault.Drop},
	"drop 3": {Kind: fault.Drop, N: 3},
	"flip":   {Kind: fault.Flip, Mask: 0x10},
	"top":    {Kind: fault.Flip, Mask: 0x80},
	"repeat": {Kind: fault.Repeat},
	"insert": {Kind: fault.Insert, N: 2, Mask: 0xFF},
	"zeros":  {Kind: fault.Insert, N: 3},
	"ends":   {Kind: fault.Insert, Mask: '\r'},
	"stall":  {Kind: fault.Stall, Delay: 4 * time.Second},
	"unplug": {Kind: fault.Call},
}

// Grid hurts every byte of one scan, both ways, in every manner. Whatever
// happens: the first call gives the code shown to it or an error; the second
// gives the code shown to it, and never the first; and the scanner works again
// within two seconds. checked says that the protocol finds every such fault;
// otherwise a code may come with just that fault in it.
func (k Kind) Grid(t *testing.T, checked bool) {
	length := map[fault.Way]int{}
	synctest.Test(t, func(t *testing.T) {
		g := k.plug(t)
		before := map[fault.Way]int{fault.ToDevice: g.line.Count(fault.ToDevice), fault.ToHost: g.line.Count(fault.ToHost)}
		if c, err := g.scan(t, k.Codes[0]); err != nil || !bytes.Equal(c.Data, k.Codes[0].Data) {
			t.Fatalf("Scan without a fault = %q, %v", c.Data, err)
		}
		for w, n := range before {
			length[w] = g.line.Count(w) - n
		}
	})
	if length[fault.ToHost] == 0 {
		t.Fatal("no byte to hurt")
	}
	for way, n := range length {
		for name, f := range faults {
			for at := range n {
				t.Run(fmt.Sprintf("way %d, %s at %d", way, name, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						g := k.plug(t)
						f := f
						f.Way, f.At, f.Do = way, at, g.socket.Unplug
						g.line.Next(f)
						g.hurt(t, checked, f)
					})
				})
			}
		}
	}
}

// gridRig is one scanner with a fault to come.
type gridRig struct {
	Kind
	emu    *codescanner.Scanner
	line   *fault.Line
	socket *linktest.Socket
	dev    device.CodeScanner
}

func (k Kind) plug(t *testing.T) gridRig {
	emu := codescanner.New(k.Scanner())
	line := fault.On(emu)
	s := linktest.Plug(t, "scanner", line)
	r := k.rig(t, s, nil)
	g := gridRig{k, emu, line, s, r.Dev}
	g.ready(t)
	return g
}

// ready waits until the scanner can be used.
func (g gridRig) ready(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	changes := g.dev.Changes(ctx)
	for h := g.dev.Health(); h != device.Online && (!g.Mute || h != device.Unknown); h = g.dev.Health() {
		if _, open := <-changes; !open {
			t.Fatalf("health = %v after two seconds, want online", h)
		}
	}
}

// scan calls Scan for three seconds and shows a code meanwhile.
func (g gridRig) scan(t *testing.T, c device.Code) (device.Code, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	show := time.AfterFunc(400*time.Millisecond, func() { g.emu.Show(c) })
	defer show.Stop()
	return g.dev.Scan(ctx)
}

func (g gridRig) hurt(t *testing.T, checked bool, f fault.Fault) {
	first, second := g.Codes[0], g.Codes[1]
	got, err := g.scan(t, first)
	_, typed := errors.AsType[*device.Error](err)
	switch {
	case err != nil && !typed:
		t.Errorf("Scan = %v, want a *device.Error", err)
	case err == nil && !bytes.Equal(got.Data, first.Data) && (checked || !resembles(got.Data, first.Data, f)):
		t.Errorf("Scan = %q, want %q or an error", got.Data, first.Data)
	}
	if g.Mute {
		// What comes late from a scanner that always reads cannot be told from
		// what is new: wait until it has come.
		wait, stop := context.WithTimeout(t.Context(), 2*f.Delay)
		<-wait.Done()
		stop()
	}
	for end := time.Now().Add(10 * time.Second); ; {
		g.socket.Replug()
		g.ready(t)
		got, err := g.scan(t, second)
		if err == nil {
			if f.N > 1 && !checked && resembles(got.Data, second.Data, f) {
				return // the end of the fault fell into it
			}
			if !bytes.Equal(got.Data, second.Data) || got.Symbology != second.Symbology {
				t.Errorf("Scan afterwards = %s %q, want %s %q", got.Symbology, got.Data, second.Symbology, second.Data)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatalf("Scan afterwards = %v, want the code", err)
		}
	}
}

// resembles reports whether got is want but for the fault: one short run of
// bytes, or all that follows an end that was put in.
func resembles(got, want []byte, f fault.Fault) bool {
	n := 0
	for n < len(got) && n < len(want) && got[n] == want[n] {
		n++
	}
	if f.Mask == '\r' && n == len(got) {
		return true
	}
	m := 0
	for m < len(got)-n && m < len(want)-n && got[len(got)-1-m] == want[len(want)-1-m] {
		m++
	}
	return len(want)-n-m <= 4 && len(got)-n-m <= 4
}
