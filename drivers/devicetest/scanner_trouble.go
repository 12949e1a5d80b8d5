package devicetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// This file is what the suite of code scanners asks when something goes wrong.

func dropsDamaged(t *testing.T, r ScannerRig) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*r.limit)
	defer cancel()
	got := r.scan(t, ctx)
	r.Hands.Damage(r.Codes[0])
	pass(t.Context(), lull)
	r.Hands.Show(r.Codes[1])
	want(t, "after a damaged code", <-got, r.Codes[1])
	r.reads(t, "afterwards", r.Codes[2])
}

func survivesNoise(t *testing.T, r ScannerRig) {
	r.Hands.Noise(true)
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		begin := time.Now()
		_, err := r.Dev.Scan(ctx)
		cancel()
		if _, ok := errors.AsType[*device.Error](err); !ok {
			t.Errorf("Scan in noise = %v, want a *device.Error", err)
		}
		if d := time.Since(begin); d > 3*time.Second+r.limit {
			t.Errorf("Scan in noise took %v, want its 3s", d)
		}
	}
	r.Hands.Noise(false)
	pass(t.Context(), lull)
	r.ready(t)
	r.reads(t, "after noise", r.Codes[0])
	// Halt (when the test ends) also returns in noise.
	r.Hands.Noise(true)
	pass(t.Context(), armed)
}

func survivesDeafness(t *testing.T, r ScannerRig) {
	r.Hands.Deafen(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begin := time.Now()
	_, err := r.Dev.Scan(ctx)
	if !errors.Is(err, device.ErrTimeout) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Scan by a deaf scanner = %v, want ErrTimeout or its context's error", err)
	}
	if d := time.Since(begin); d > time.Second+r.limit {
		t.Errorf("Scan by a deaf scanner took %v, want its 1s", d)
	}
	if !r.Mute {
		within(t, r.Dev, 5*r.limit, "not online", func() bool { return r.Dev.Health() != device.Online })
	}
	r.Hands.Deafen(false)
	within(t, r.Dev, 10*r.limit, "ready again", func() bool {
		h := r.Dev.Health()
		return h == device.Online || r.Mute && h == device.Unknown
	})
	r.reads(t, "after deafness", r.Codes[0])
}

func survivesForgetting(t *testing.T, r ScannerRig) {
	r.Hands.Forget()
	r.reads(t, "after a loss of power", r.Codes[0])
	r.Hands.Forget()
	// It is set up again before anyone asks, so that it does not read all day.
	pass(t.Context(), lull)
	r.Hands.Show(r.Codes[0])
	r.reads(t, "later", r.Codes[1])
	// In the middle of a scan it may fail; the next works.
	ctx, cancel := context.WithTimeout(t.Context(), 2*lull)
	defer cancel()
	got := r.scan(t, ctx)
	r.Hands.Forget()
	if g := <-got; g.err == nil {
		t.Errorf("Scan with nothing to read = %q, want an error", g.code.Data)
	}
	r.dark(t)
	r.ready(t)
	r.reads(t, "after a loss of power meanwhile", r.Codes[2])
}

func endsWithContext(t *testing.T, r ScannerRig) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Dev.Scan(ctx)
	wantError(t, "Scan with an ended context", err, context.Canceled, device.SideEffectNo)
	for _, d := range []time.Duration{time.Millisecond, 60 * time.Millisecond, 700 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		begin := time.Now()
		_, err := r.Dev.Scan(ctx)
		cancel()
		wantError(t, "Scan of nothing", err, context.DeadlineExceeded, device.SideEffectNo)
		if took := time.Since(begin); took > d+r.limit/4 {
			t.Errorf("Scan took %v, want %v", took, d)
		}
		r.dark(t)
	}
	// What is shown then is nobody's.
	r.Hands.Show(r.Codes[0])
	r.reads(t, "after one that ended", r.Codes[1])
}

func replugScanner(t *testing.T, r ScannerRig) {
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*r.limit)
		defer cancel()
		got := r.scan(t, ctx)
		r.Hands.Unplug()
		begin := time.Now()
		g := <-got
		wantError(t, "Scan by a scanner that leaves", g.err, device.ErrUnplugged, device.SideEffectNo)
		if d := time.Since(begin); d > r.limit {
			t.Errorf("Scan noticed it after %v, want %v", d, r.limit)
		}
		within(t, r.Dev, r.limit, "noDevice", func() bool { return r.Dev.Health() == device.NoDevice })
		_, err := r.Dev.Scan(t.Context())
		wantError(t, "Scan by a scanner that is gone", err, device.ErrUnplugged, device.SideEffectNo)
		r.Hands.Replug()
		r.ready(t)
		r.reads(t, "after Replug", r.Codes[0])
		r.Hands.Unplug()
		within(t, r.Dev, r.limit, "noDevice while nobody scans", func() bool { return r.Dev.Health() == device.NoDevice })
		r.Hands.Replug()
		r.ready(t)
	}
}

func unpluggedMeantime(t *testing.T, r ScannerRig) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*r.limit)
	defer cancel()
	got := r.scan(t, ctx)
	r.Hands.Type(r.Codes[0])
	pass(t.Context(), armed)
	r.Hands.Unplug()
	g := <-got
	wantError(t, "Scan by a scanner that leaves in a code", g.err, device.ErrUnplugged, device.SideEffectNo)
	within(t, r.Dev, r.limit, "noDevice", func() bool { return r.Dev.Health() == device.NoDevice })
	r.Hands.Replug()
	r.ready(t)
	r.reads(t, "after Replug", r.Codes[1])
}

func scansWait(t *testing.T, r ScannerRig) {
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for range 3 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 10*r.limit)
			defer cancel()
			c, err := r.Dev.Scan(ctx)
			if err != nil {
				t.Errorf("Scan among others = %v, want nil", err)
			}
			mu.Lock()
			seen[string(c.Data)]++
			mu.Unlock()
		})
	}
	for i := range 3 {
		pass(t.Context(), lull)
		r.Hands.Show(r.Codes[i])
	}
	all.Wait()
	for i := range 3 {
		if n := seen[string(r.Codes[i].Data)]; n != 1 {
			t.Errorf("code %d was given %d times, want once", i, n)
		}
	}
}

func haltsScanner(t *testing.T, r ScannerRig) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*r.limit)
	defer cancel()
	got := r.scan(t, ctx)
	begin := time.Now()
	for range 2 {
		if err := r.Dev.Halt(); err != nil {
			t.Errorf("Halt = %v, want nil", err)
		}
	}
	if d := time.Since(begin); d > r.limit {
		t.Errorf("Halt took %v, want at most %v", d, r.limit)
	}
	g := <-got
	wantError(t, "Scan while halting", g.err, device.ErrHalted, device.SideEffectNo)
	r.dark(t)
	_, err := r.Dev.Scan(t.Context())
	wantError(t, "Scan after Halt", err, device.ErrHalted, device.SideEffectNo)
	if h := r.Dev.Health(); h == device.Online {
		t.Errorf("Health after Halt = %v, want another", h)
	}
}
