package devicetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// ReaderRig is a card reader's driver with the reader in reach.
type ReaderRig struct {
	Dev interface {
		device.CardReader
		device.Watcher
	}
	Hands ReaderHands
	// What kind of reader it is. The zero values are a contactless one that
	// carries everything.
	Contacts bool              // its cards have no UID
	Longest  int               // bytes in the longest command APDU it carries; 0: 700 and more
	Answer   int               // bytes in the longest response APDU; 0: as many
	Never    map[Mishap]string // what cannot happen to it, and why
	limit    time.Duration     // set by the suite
}

// ReaderHands are what can be done to a reader by hand. The card is always the
// same Echo.
type ReaderHands interface {
	Insert()
	Remove()
	Unplug()
	Replug()
	// Next makes something happen to the next APDU.
	Next(Mishap)
	// Count is how many APDUs the card has been given.
	Count() int
}

// Mishap is something that happens to one APDU.
type Mishap int

// The mishaps. All but the first may or must come after the card has carried
// the command out.
const (
	PulledBefore Mishap = 1 // the card leaves before the command reaches it
	PulledAfter  Mishap = 2 // the card leaves with the answer
	Silence      Mishap = 3 // the reader takes the command and never answers
	Deafness     Mishap = 4 // the reader does not take the command
	Garbled      Mishap = 5 // the answer is damaged for good
	StaleFirst   Mishap = 6 // another command's answer comes first, then the right one
	GarbledOnce  Mishap = 7 // the answer is damaged, and right when asked for again
	TooLate      Mishap = 8 // the answer comes after its time, with that to the next command
	CablePulled  Mishap = 9 // the reader is unplugged while the card works
)

// Echo is the card of this suite: it answers a command with the same bytes and
// 9000. It counts nothing and keeps nothing.
type Echo struct{}

// Activate is what the card says when it is found.
func (Echo) Activate() (uid, ats []byte) {
	return []byte{0x08, 0x01, 0x02, 0x03}, []byte{0x78, 0x80, 0x70, 0x02}
}

// Transmit echoes.
func (Echo) Transmit(apdu []byte) []byte { return append(bytes.Clone(apdu), 0x90, 0x00) }

// CardReader runs the suite of device.CardReader in the kind of time given.
// plug makes a reader without a card, plugged in, and its driver, and undoes
// both when its t ends.
func CardReader(t *testing.T, in Time, plug func(t *testing.T) ReaderRig) {
	run := func(name string, f func(t *testing.T, r ReaderRig)) {
		t.Run(name, func(t *testing.T) {
			in.run(t, func(t *testing.T) {
				r := plug(t)
				r.limit = in.limit
				within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
				f(t, r)
			})
		})
	}
	run("sees a card come and go", seesCard)
	run("carries APDUs of every length", carriesAPDUs)
	run("refuses a card that is gone", refusesOldCard)
	run("wait ends with its context", waitEnds)
	for name, m := range mishaps {
		run(name, func(t *testing.T, r ReaderRig) {
			if why, never := r.Never[m.m]; never {
				t.Logf("cannot happen: %s", why)
				return
			}
			mishapHappens(t, r, m)
		})
	}
	run("unplugged and replugged", replugReader)
	run("serves one at a time", servesOne)
	run("halts", haltsReader)
}

// insert puts the card in and waits until the driver has it.
func insert(t *testing.T, r ReaderRig) *device.Card {
	t.Helper()
	r.Hands.Insert()
	return wait(t, r, 0)
}

// wait waits until the card differs from gen.
func wait(t *testing.T, r ReaderRig, gen uint64) *device.Card {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), r.limit)
	defer cancel()
	c, err := r.Dev.Wait(ctx, gen)
	if err != nil {
		t.Fatalf("Wait(%d) = %v, want a change within %v", gen, err, r.limit)
	}
	return c
}

func seesCard(t *testing.T, r ReaderRig) {
	seen := map[uint64]bool{}
	for range 3 {
		c := insert(t, r)
		if c == nil || c.Gen == 0 || seen[c.Gen] || (len(c.UID) == 0) != r.Contacts || len(c.ATS) == 0 || c.Protocol == 0 {
			t.Fatalf("Wait = %+v, want a card with a new Gen, ATS and protocol, and a UID unless it has contacts", c)
		}
		seen[c.Gen] = true
		r.Hands.Remove()
		if gone := wait(t, r, c.Gen); gone != nil {
			t.Fatalf("Wait after Remove = %+v, want nil", gone)
		}
	}
	// Taken out and put back faster than anyone looks: still another Gen.
	c := insert(t, r)
	r.Hands.Remove()
	r.Hands.Insert()
	next := wait(t, r, c.Gen)
	if next == nil {
		next = wait(t, r, 0)
	}
	if next == nil || next.Gen == c.Gen {
		t.Errorf("Wait after a swap = %+v, want another Gen than %d", next, c.Gen)
	}
}

func carriesAPDUs(t *testing.T, r ReaderRig) {
	c := insert(t, r)
	for _, n := range []int{4, 5, 100, 247, 248, 249, 250, 251, 252, 253, 254, 255, 256, 260, 261, 262, 263, 264, 300, 700} {
		apdu := make([]byte, n)
		for i := range apdu {
			apdu[i] = byte(i * 7)
		}
		if r.Longest != 0 && n > r.Longest {
			_, err := r.Dev.Transmit(t.Context(), c.Gen, apdu)
			wantError(t, fmt.Sprintf("Transmit of %d bytes", n), err, device.ErrUnsupported, device.SideEffectNo)
			continue
		}
		if r.Answer != 0 && n+2 > r.Answer {
			continue // the echo would not come back
		}
		before := r.Hands.Count()
		got, err := r.Dev.Transmit(t.Context(), c.Gen, apdu)
		if err != nil || !bytes.Equal(got, append(bytes.Clone(apdu), 0x90, 0x00)) {
			t.Fatalf("Transmit of %d bytes = %d bytes, %v, want the same bytes and 9000", n, len(got), err)
		}
		if k := r.Hands.Count() - before; k != 1 {
			t.Errorf("Transmit of %d bytes: card got %d APDUs, want 1", n, k)
		}
	}
}

func refusesOldCard(t *testing.T, r ReaderRig) {
	_, err := r.Dev.Transmit(t.Context(), 0, []byte{0, 0, 0, 0})
	wantError(t, "Transmit without a card", err, device.ErrNoMedia, device.SideEffectNo)
	c := insert(t, r)
	r.Hands.Remove()
	wait(t, r, c.Gen)
	_, err = r.Dev.Transmit(t.Context(), c.Gen, []byte{0, 0, 0, 0})
	wantError(t, "Transmit to a card that is gone", err, device.ErrMediaGone, device.SideEffectNo)
	d := insert(t, r)
	_, err = r.Dev.Transmit(t.Context(), c.Gen, []byte{0, 0, 0, 0})
	wantError(t, "Transmit to a card that was there before", err, device.ErrMediaGone, device.SideEffectNo)
	if _, err := r.Dev.Transmit(t.Context(), d.Gen, []byte{0, 0, 0, 0}); err != nil {
		t.Errorf("Transmit to the card that is there = %v, want nil", err)
	}
}

func waitEnds(t *testing.T, r ReaderRig) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if c, err := r.Dev.Wait(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait without a card = %v, %v, want the context's error", c, err)
	}
}

func replugReader(t *testing.T, r ReaderRig) {
	for range 2 {
		c := insert(t, r)
		r.Hands.Unplug()
		if gone := wait(t, r, c.Gen); gone != nil {
			t.Fatalf("Wait after Unplug = %+v, want nil", gone)
		}
		within(t, r.Dev, r.limit, "noDevice", func() bool { return r.Dev.Health() == device.NoDevice })
		r.Hands.Replug()
		within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
		// The card never left the reader; it is found again.
		again := wait(t, r, 0)
		if again == nil || again.Gen == c.Gen {
			t.Fatalf("Wait after Replug = %+v, want the card under another Gen than %d", again, c.Gen)
		}
		if _, err := r.Dev.Transmit(t.Context(), again.Gen, []byte{0, 0, 0, 0}); err != nil {
			t.Errorf("Transmit after Replug = %v, want nil", err)
		}
		r.Hands.Remove()
		wait(t, r, again.Gen)
	}
}

func servesOne(t *testing.T, r ReaderRig) {
	c := insert(t, r)
	var all sync.WaitGroup
	for i := range byte(8) {
		all.Go(func() {
			for j := range byte(8) {
				apdu := []byte{i, j, 0, 0}
				got, err := r.Dev.Transmit(t.Context(), c.Gen, apdu)
				if err != nil || !bytes.Equal(got, append(bytes.Clone(apdu), 0x90, 0)) {
					t.Errorf("Transmit %d.%d = % X, %v, want its own answer", i, j, got, err)
				}
			}
		})
	}
	all.Wait()
}

func haltsReader(t *testing.T, r ReaderRig) {
	c := insert(t, r)
	r.Hands.Next(Silence)
	waited, sent := make(chan error, 1), make(chan error, 1)
	go func() { _, err := r.Dev.Wait(t.Context(), c.Gen); waited <- err }()
	go func() { _, err := r.Dev.Transmit(t.Context(), c.Gen, []byte{0, 0, 0, 0}); sent <- err }()
	for r.Hands.Count() == 0 {
		runtime.Gosched() // nothing announces it
	}
	begin := time.Now()
	for range 2 {
		if err := r.Dev.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	}
	if d := time.Since(begin); d > r.limit {
		t.Errorf("Halt took %v, want at most %v", d, r.limit)
	}
	wantError(t, "Transmit while halting", <-sent, device.ErrHalted, device.SideEffectUnknown)
	// The card may be given up before the reader stops.
	if err := <-waited; err != nil && !errors.Is(err, device.ErrHalted) {
		t.Errorf("Wait while halting = %v, want nil or ErrHalted", err)
	}
	_, err := r.Dev.Transmit(t.Context(), c.Gen, []byte{0, 0, 0, 0})
	wantError(t, "Transmit after Halt", err, device.ErrHalted, device.SideEffectNo)
	if _, err := r.Dev.Wait(t.Context(), 0); !errors.Is(err, device.ErrHalted) {
		t.Errorf("Wait after Halt = %v, want ErrHalted", err)
	}
}
