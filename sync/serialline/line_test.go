package serialline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/serialline/radiotest"
	"github.com/penjire/penjire/sync/wire"
)

// pair joins two lines by a radio.
func pair(t *testing.T, rc radiotest.Config, c Config) (r *radiotest.Radio, kiosk, portal *line, stop func()) {
	t.Helper()
	r, a, b := radiotest.New(rc)
	kiosk, portal = newLine(a, c, false), newLine(b, c, true)
	return r, kiosk, portal, func() { kiosk.close(); portal.close() }
}

// begin opens a stream from the kiosk.
func (l *line) begin(id uint32) *stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.s = newStream(l, id)
	return l.s
}

var bad = radiotest.Config{BitError: 1e-4, Lost: 0.2, Doubled: 0.02, Stalled: 0.02, Stall: 3 * time.Second}

// TestStream: bytes go both ways at once over a bad radio, in order, each once
// (WIRE-LIN-4, WIRE-LIN-5).
func TestStream(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rc := bad
			rc.Seed, rc.Echo = seed, seed%2 == 0
			_, k, p, stop := pair(t, rc, Config{HalfDuplex: true})
			defer stop()
			rnd := rand.New(rand.NewPCG(seed, 2))
			data := [2][]byte{make([]byte, 3000+rnd.IntN(3000)), make([]byte, 3000+rnd.IntN(3000))}
			for _, d := range data {
				for i := range d {
					d[i] = byte(rnd.UintN(256))
				}
			}
			start := time.Now()
			send := func(s *stream, b []byte) {
				if _, err := s.Write(b); err != nil {
					t.Errorf("Write = %v", err)
				}
				_ = s.Close()
			}
			read := func(s *stream, want []byte) {
				got, err := io.ReadAll(s)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("seed %d: ReadAll = %d bytes, %v, want the %d that were written", seed, len(got), err, len(want))
				}
			}
			ks := k.begin(7)
			go send(ks, data[0])
			ps := <-p.opened
			go send(ps, data[1])
			done := make(chan struct{})
			go func() { defer close(done); read(ks, data[1]) }()
			read(ps, data[0])
			<-done
			if d := time.Since(start); d > 10*time.Minute {
				t.Errorf("seed %d: %s for %d bytes", seed, d, len(data[0])+len(data[1]))
			}
		})
	}
}

// TestTurns: on a good line nobody speaks over the other, however much both have
// to say (WIRE-LIN-6).
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, k, p, stop := pair(t, radiotest.Config{}, Config{HalfDuplex: true})
		defer stop()
		ks := k.begin(7)
		go func() { _, _ = ks.Write(make([]byte, 4000)) }()
		ps := <-p.opened
		go func() { _, _ = ps.Write(make([]byte, 4000)) }()
		done := make(chan struct{})
		go func() { defer close(done); _, _ = io.ReadFull(ks, make([]byte, 4000)) }()
		_, _ = io.ReadFull(ps, make([]byte, 4000))
		<-done
		if c := r.Counts(); c.Collisions > 0 || c.Bytes > 10_400 {
			t.Errorf("%+v, want no collision and at most 10,400 bytes for 8,000", c)
		}
	})
}

// TestCollision: two who begin at the same moment both come through (WIRE-LIN-6).
func TestCollision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, k, p, stop := pair(t, radiotest.Config{}, Config{HalfDuplex: true})
		defer stop()
		ks := k.begin(7)
		_, _ = ks.Write([]byte("a"))
		ps := <-p.opened
		time.Sleep(time.Minute)
		for n := byte(0); r.Counts().Collisions == 0; n++ {
			if n == 100 {
				t.Fatal("they never spoke at once")
			}
			go func() { _, _ = ks.Write([]byte{n}) }()
			go func() { _, _ = ps.Write([]byte{n}) }()
			time.Sleep(time.Minute)
		}
		ks.l.mu.Lock()
		left := len(ks.flying) + len(ks.out)
		ks.l.mu.Unlock()
		ps.l.mu.Lock()
		left += len(ps.flying) + len(ps.out)
		ps.l.mu.Unlock()
		if left > 0 {
			t.Errorf("%d pieces did not come through in a minute after a collision", left)
		}
	})
}

// TestBreak: after a break of twenty minutes it goes on where it was, and what was
// acknowledged does not go again; meanwhile the line is nearly quiet (WIRE-LIN-5,
// WIRE-LIN-7).
func TestBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := radiotest.Config{Cut: func(d time.Duration) bool { return d > 30*time.Second && d < 20*time.Minute }}
		r, k, p, stop := pair(t, rc, Config{HalfDuplex: true})
		defer stop()
		ks := k.begin(7)
		go func() { _, _ = ks.Write(make([]byte, 6000)) }()
		ps := <-p.opened
		go func() {
			time.Sleep(10 * time.Minute)
			if c := r.Counts(); c.Air > 45*time.Second {
				t.Errorf("in a break of ten minutes the line was busy for %s", c.Air-30*time.Second)
			}
		}()
		if _, err := io.ReadFull(ps, make([]byte, 6000)); err != nil {
			t.Fatal(err)
		}
		if c := r.Counts(); c.Bytes > 6000*5/4+5000 {
			t.Errorf("%d bytes went for 6,000: what was acknowledged went again", c.Bytes)
		}
	})
}

// TestQuietLine: a stream on which nobody says anything costs nothing.
func TestQuietLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, k, p, stop := pair(t, radiotest.Config{}, Config{HalfDuplex: true})
		defer stop()
		_, _ = k.begin(7).Write([]byte("x"))
		<-p.opened
		time.Sleep(time.Minute)
		before := r.Counts()
		time.Sleep(24 * time.Hour)
		if after := r.Counts(); after != before {
			t.Errorf("a quiet day: %+v, before it %+v", after, before)
		}
	})
}

// TestReset: a portal that starts again ends the stream of before, and late packets
// of a stream that has ended begin none (WIRE-LIN-8).
func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, k, p, stop := pair(t, radiotest.Config{}, Config{HalfDuplex: true})
		defer stop()
		ks := k.begin(7)
		_, _ = ks.Write([]byte("x"))
		<-p.opened
		time.Sleep(time.Minute)
		p.close()
		p = newLine(r.Reopen(1), Config{HalfDuplex: true}, true)
		defer func() { p.close() }()
		_, _ = ks.Write([]byte("y"))
		if _, err := ks.Read(make([]byte, 1)); !errors.Is(err, errReset) {
			t.Errorf("Read = %v, want errReset", err)
		}
		ks = k.begin(8)
		_, _ = ks.Write([]byte("z"))
		ps := <-p.opened
		ps.abort()
		p.mu.Lock()
		p.take(packet{flags: flagOpen | flagData | flagOver, stream: 8, payload: []byte("z")})
		s, unknown := p.s, p.unknown
		p.mu.Unlock()
		if s != nil || unknown != 8 {
			t.Errorf("a late packet opened the stream again")
		}
	})
}

// TestClose: what was written before Close still comes, and then the end.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, k, p, stop := pair(t, radiotest.Config{}, Config{HalfDuplex: true})
		defer stop()
		ks := k.begin(7)
		_, _ = ks.Write([]byte("last words"))
		_ = ks.Close()
		if _, err := ks.Write([]byte("x")); err == nil {
			t.Error("Write after Close = nil")
		}
		ctx, cancel := context.WithTimeout(t.Context(), linger)
		defer cancel()
		ps := <-p.opened
		got, err := io.ReadAll(ps)
		ks.closed(ctx)
		if string(got) != "last words" || err != nil || ctx.Err() != nil {
			t.Errorf("got %q, %v, %v, want the last words", got, err, ctx.Err())
		}
	})
}

// TestWatch: a quiet stream is asked every five minutes, which costs little, and
// one whose other end is gone ends after fifteen (WIRE-LIN-7).
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := radiotest.Config{Cut: func(d time.Duration) bool { return d > 24*time.Hour }}
		r, k, p, stop := pair(t, rc, Config{HalfDuplex: true})
		defer stop()
		ks := k.begin(7)
		_, _ = ks.Write([]byte("x"))
		<-p.opened
		start := time.Now()
		err := (&Conn{s: ks}).Watch(t.Context(), 30*time.Second)
		if d := time.Since(start); !errors.Is(err, wire.ErrSilent) || d < 24*time.Hour+10*time.Minute || d > 24*time.Hour+20*time.Minute {
			t.Errorf("Watch = %v after %s, want ErrSilent some 15 min after the end", err, d)
		}
		if c := r.Counts(); c.Bytes > 24*12*40+2000 {
			t.Errorf("a quiet day cost %d bytes, want at most 40 in five minutes", c.Bytes)
		}
	})
}
