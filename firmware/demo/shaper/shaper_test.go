package shaper

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// need makes a link, or leaves the test out where none can be made.
func need(t *testing.T, c Config) *Link {
	t.Helper()
	l, err := New(c)
	if errors.Is(err, ErrNotHere) && os.Getenv("PENJIRE_PEERS") != "require" {
		t.Skipf("LEFT OUT: a link at the level of IP: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// over sends n bytes up and returns how long they took to be there.
func over(t *testing.T, l *Link, n int) time.Duration {
	t.Helper()
	ln, err := l.Far().Listen("tcp", l.Far().Addr().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	sent := make([]byte, n)
	_, _ = crand.Read(sent)
	c, err := l.Near().Dial(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	go func() {
		_, _ = c.Write(sent)
		_ = c.Close()
	}()
	in, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	got, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Fatalf("%d bytes came and are not the %d that were sent", len(got), n)
	}
	return time.Since(began)
}

func TestLink(t *testing.T) {
	l := need(t, Config{})
	over(t, l, 1<<20)
	up, down := l.Counts()
	// 1448 bytes of payload to a packet, with time stamps.
	if up.Bytes < 1<<20+52*(1<<20/1448) || up.Lost+up.Dropped+up.Twice != 0 {
		t.Errorf("up: %+v, want a mebibyte and its headers, and nothing lost", up)
	}
	if down.Packets == 0 || down.Bytes > up.Bytes/4 {
		t.Errorf("down: %+v, want acknowledgements", down)
	}
}

// TestLinkIsBad: everything arrives all the same, for TCP mends it.
func TestLinkIsBad(t *testing.T) {
	bad := Shape{Rate: 2_000_000, Delay: 5 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.03, Duplicate: 0.03}
	l := need(t, Config{Up: bad, Down: bad, Seed: 1})
	took := over(t, l, 64<<10)
	up, _ := l.Counts()
	if least := time.Duration(64<<10) * 8 * time.Second / 2_000_000; took < least {
		t.Errorf("64 KiB took %v at 2 Mbit/s, want %v or more", took, least)
	}
	if up.Bytes < 64<<10 {
		t.Errorf("up: %+v", up)
	}
}

// TestSides: what is started in a namespace is in it, and ends with it.
func TestSides(t *testing.T) {
	l := need(t, Config{})
	cmd := exec.Command("/bin/sh", "-c", "cat /proc/net/dev")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Near().Start(cmd); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !bytes.Contains(b, []byte("link0:")) {
		t.Errorf("its devices (%v):\n%s", err, b)
	}
	l.Down(true)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var timeout net.Error
	if _, err := l.Near().Dial(ctx, "tcp", l.Far().Addr().String()+":1"); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Dial over a link that is down = %v, want a timeout", err)
	}
	l.Down(false)
	if _, err := l.Near().Dial(t.Context(), "tcp", l.Far().Addr().String()+":1"); err == nil {
		t.Error("somebody listens at port 1")
	}
	sleeper := exec.Command("/bin/sleep", "1000")
	if err := l.Far().Start(sleeper); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sleeper.Wait(); err == nil {
		t.Error("a program survived its namespace")
	}
}

// TestTurn: when packets arrive follows from the shape and the seed alone.
func TestTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		w := &way{began: now, shape: Shape{Rate: 8000, Delay: time.Second, Queue: 3000}, rng: rand.New(rand.NewPCG(1, 0)), cuts: []Cut{{time.Minute, time.Second}}}
		for i, want := range []time.Duration{2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second} {
			if got := w.turn(1000, now); len(got) != 1 || got[0].Sub(now) != want {
				t.Fatalf("packet %d arrives after %v, want %v", i, got, want)
			}
		}
		if got := w.turn(1000, now); got != nil {
			t.Errorf("a packet found room behind 4000 bytes: %v", got)
		}
		if got := w.turn(1000, now.Add(time.Minute+time.Second/2)); got != nil {
			t.Errorf("a packet went over a cut link: %v", got)
		}
		if got := w.turn(1000, now.Add(time.Minute+time.Second)); len(got) != 1 {
			t.Errorf("after the cut: %v", got)
		}
		if c := w.counts(); c.Packets != 5 || c.Bytes != 5000 || c.Dropped != 2 {
			t.Errorf("counts: %+v", c)
		}
		arrivals := func(seed uint64) (out []time.Time) {
			w := &way{began: now, shape: Shape{Rate: 1 << 20, Jitter: time.Second, Loss: 0.3, Duplicate: 0.3, Queue: 1 << 30}, rng: rand.New(rand.NewPCG(seed, 0))}
			for range 1000 {
				out = append(out, w.turn(100, now)...)
			}
			if c := w.counts(); c.Lost < 200 || c.Lost > 400 || c.Twice < 100 {
				t.Errorf("counts: %+v", c)
			}
			return out
		}
		a := arrivals(7)
		if !slices.EqualFunc(a, arrivals(7), time.Time.Equal) {
			t.Error("the same seed is another link")
		}
		if slices.EqualFunc(a, arrivals(8), time.Time.Equal) {
			t.Error("another seed is the same link")
		}
		if !slices.IsSortedFunc(a, time.Time.Compare) {
			t.Error("packets overtake each other")
		}
	})
}

func TestCuts(t *testing.T) {
	cs := Cuts(3, time.Hour, time.Minute, 20*time.Second)
	if len(cs) < 20 || len(cs) > 80 {
		t.Errorf("%d cuts in an hour, want about one a minute", len(cs))
	}
	for i := 1; i < len(cs); i++ {
		if cs[i].At <= cs[i-1].At+cs[i-1].For {
			t.Errorf("cut %d begins before the one before it ends: %v", i, cs[i-1:i+1])
		}
	}
	if !slices.Equal(cs, Cuts(3, time.Hour, time.Minute, 20*time.Second)) {
		t.Error("the same seed gives other cuts")
	}
}
