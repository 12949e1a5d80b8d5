package devicetest

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// ScannerRig is a code scanner's driver with the scanner in reach.
type ScannerRig struct {
	Dev   device.CodeScanner
	Hands ScannerHands
	// Codes are what the driver makes of three codes or more that the scanner
	// can read, all different; none is a part of another.
	Codes   []device.Code
	Long    device.Code   // longer than any buffer on the way, and allowed
	TooMuch device.Code   // longer than allowed
	Mute    bool          // the scanner cannot be asked whether it is there
	Lights  bool          // it reads only when told to, and is lit then
	limit   time.Duration // set by the suite
}

// ScannerHands are what can be done to a scanner by hand, and what can be seen.
type ScannerHands interface {
	// Show holds codes in front of the scanner, all in one glance. A scanner that
	// does not read then sees nothing.
	Show(codes ...device.Code)
	// Hold makes the scanner have read a code already, unasked. It says so as
	// soon as its protocol lets it.
	Hold(device.Code)
	// Type makes a code come in two halves: the first now, and the second when
	// the returned function is called, with what the first was cut off from.
	Type(device.Code) (rest func())
	// Damage makes a code come damaged, for good, so that it can be noticed.
	Damage(device.Code)
	// Noise makes the scanner send garbage until it is told otherwise.
	Noise(on bool)
	// Deafen makes the scanner do and answer nothing, until it is told otherwise.
	Deafen(on bool)
	// Forget cuts the scanner's power for a moment: its settings are lost. The
	// line stays.
	Forget()
	// Lit reports whether the scanner reads now. One that always reads is never
	// lit.
	Lit() bool
	Unplug()
	Replug()
}

// CodeScanner runs the suite of device.CodeScanner in the kind of time given.
// plug makes a scanner, plugged in, and its driver, and undoes both when its t
// ends.
func CodeScanner(t *testing.T, in Time, plug func(t *testing.T) ScannerRig) {
	run := func(name string, f func(t *testing.T, r ScannerRig)) {
		t.Run(name, func(t *testing.T) {
			in.run(t, func(t *testing.T) {
				r := plug(t)
				r.limit = in.limit
				r.ready(t)
				f(t, r)
			})
		})
	}
	run("reads every code", readsCodes)
	run("reads a code longer than a buffer", readsLong)
	run("drops a code that is too long", dropsTooMuch)
	run("gives nothing from before", givesNothingOld)
	run("gives one of two codes", givesOne)
	run("drops a damaged code", dropsDamaged)
	run("noise for ever", survivesNoise)
	run("deaf", survivesDeafness)
	run("settings are lost", survivesForgetting)
	run("ends with its context", endsWithContext)
	run("unplugged and replugged", replugScanner)
	run("unplugged in the middle of a code", unpluggedMeantime)
	run("callers wait for one another", scansWait)
	run("halts", haltsScanner)
}

// ready waits until the scanner can be used.
func (r ScannerRig) ready(t *testing.T) {
	t.Helper()
	within(t, r.Dev, r.limit, "ready", func() bool {
		h := r.Dev.Health()
		return h == device.Online || r.Mute && h == device.Unknown
	})
}

// scanned is what a call of Scan came to.
type scanned struct {
	code device.Code
	err  error
}

// lull is longer than a scanner is given to finish a reading, or to be set up.
const lull = 2500 * time.Millisecond

// armed is how long a scanner that has nothing to do may take to begin to read.
const armed = time.Second

// call calls Scan.
func (r ScannerRig) call(ctx context.Context) <-chan scanned {
	out := make(chan scanned, 1)
	go func() {
		c, err := r.Dev.Scan(ctx)
		out <- scanned{c, err}
	}()
	return out
}

// scan calls Scan, and returns when the scanner reads.
func (r ScannerRig) scan(t *testing.T, ctx context.Context) <-chan scanned {
	t.Helper()
	out := r.call(ctx)
	if !r.Lights {
		// Nothing announces that a scanner which always reads is listened to.
		pass(t.Context(), armed)
		return out
	}
	for end := time.Now().Add(5 * r.limit); !r.Hands.Lit() && len(out) == 0; pass(t.Context(), 10*time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%v does not read %v after Scan was called", r.Dev, 5*r.limit)
		}
	}
	return out
}

// pass lets time go by.
func pass(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// want fails the test if got is not the code.
func want(t *testing.T, what string, got scanned, code device.Code) {
	t.Helper()
	if got.err != nil || got.code.Symbology != code.Symbology || !bytes.Equal(got.code.Data, code.Data) {
		t.Fatalf("Scan %s = %s %q, %v, want %s %q", what, got.code.Symbology, got.code.Data, got.err, code.Symbology, code.Data)
	}
}

// reads fails the test if the scanner does not read the code now.
func (r ScannerRig) reads(t *testing.T, what string, code device.Code) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*r.limit)
	defer cancel()
	got := r.scan(t, ctx)
	r.Hands.Show(code)
	want(t, what, <-got, code)
}

// dark fails the test if the scanner goes on reading.
func (r ScannerRig) dark(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(r.limit); r.Hands.Lit(); pass(t.Context(), 10*time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%v still reads %v after Scan", r.Dev, r.limit)
		}
	}
}

func readsCodes(t *testing.T, r ScannerRig) {
	if len(r.Codes) < 3 {
		t.Fatalf("rig has %d codes, want 3 or more", len(r.Codes))
	}
	for _, c := range r.Codes {
		r.reads(t, "of a code", c)
		r.dark(t)
	}
	within(t, r.Dev, r.limit, "online", func() bool { return r.Dev.Health() == device.Online })
}

func readsLong(t *testing.T, r ScannerRig) {
	r.reads(t, "of a long code", r.Long)
	r.reads(t, "afterwards", r.Codes[0])
}

func dropsTooMuch(t *testing.T, r ScannerRig) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*r.limit)
	defer cancel()
	got := r.scan(t, ctx)
	r.Hands.Show(r.TooMuch)
	pass(t.Context(), lull)
	r.Hands.Show(r.Codes[1])
	want(t, "after a code that is too long", <-got, r.Codes[1])
}

// givesNothingOld: what was read before, wherever it waits, is nobody's.
func givesNothingOld(t *testing.T, r ScannerRig) {
	r.Hands.Show(r.Codes[0])
	r.reads(t, "after an unasked code", r.Codes[1])
	r.Hands.Hold(r.Codes[0])
	r.reads(t, "after a held code", r.Codes[1])
	rest := r.Hands.Type(r.Codes[0])
	ctx, cancel := context.WithTimeout(t.Context(), 10*r.limit)
	defer cancel()
	got := r.call(ctx)
	pass(t.Context(), 100*time.Millisecond)
	rest()
	pass(t.Context(), lull)
	r.Hands.Show(r.Codes[2])
	want(t, "after a code that began before", <-got, r.Codes[2])
	// And what comes right with the call.
	r.Hands.Show(r.Codes[0])
	got = r.scan(t, ctx)
	r.Hands.Show(r.Codes[1])
	want(t, "with an unasked code", <-got, r.Codes[1])
}

func givesOne(t *testing.T, r ScannerRig) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*r.limit)
	defer cancel()
	got := r.scan(t, ctx)
	r.Hands.Show(r.Codes[0], r.Codes[1])
	want(t, "of two codes", <-got, r.Codes[0])
	r.dark(t)
	r.reads(t, "after two codes", r.Codes[2])
}
