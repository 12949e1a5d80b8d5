package portal

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
)

// TestFull: while the disk is too full no request is taken in, also not from a
// stick; what was taken before is decided and answered; kiosks come again when they
// were told to, and nothing is lost (WIRE-LIM-2, WIRE-LIM-3).
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var free atomic.Int64
		free.Store(1 << 40)
		w := quiet(t, func(c *Config) {
			c.Room = func() (int64, error) { return free.Load(), nil }
			c.Reserve = 1 << 30
		})
		k := w.kiosk()
		before := k.one("citizen-1").ID()
		u, stop := k.run(k.calm())
		defer stop()
		time.Sleep(time.Minute)
		free.Store(1<<30 + 1000)
		late := k.one("citizen-2").ID()
		time.Sleep(time.Minute)
		if s := k.state(late); s != outbox.Sending {
			t.Errorf("a request for which there is no room is %s, want sending", s)
		}
		if st := u.Status(); st.Waits != uplink.WaitsFull || !st.Connected || time.Until(st.Until) < 8*time.Minute {
			t.Errorf("Status = waits %q, connected %t until %s, want the portal's disk", st.Waits, st.Connected, st.Until)
		}
		if kiosk, ok := w.alarms()[ledger.AlarmFull]; !ok || kiosk != "" {
			t.Errorf("alarms are %v, want %s, of no kiosk", w.alarms(), ledger.AlarmFull)
		}
		if d := w.p.Disk(); d.Full || d.Free != 1<<30+1000 || d.Reserve != 1<<30 {
			t.Errorf("Disk = %+v", d)
		}
		if _, err := w.p.Answer(t.Context(), "civil-registry", before, AnswerDraft{Decision: ledger.Answered, Facts: w.residenceFacts(), By: "NUSGA"}); err != nil {
			t.Errorf("Answer while the disk is full = %v, want nil", err)
		}
		time.Sleep(time.Minute)
		if s := k.state(before); s != outbox.Answered {
			t.Errorf("a request from before is %s, want answered", s)
		}
		cr := &courier{kiosk: k, u: u}
		file := cr.oneFile()
		if _, err := w.p.Import(t.Context(), bytes.NewReader(file)); !errors.Is(err, ErrFull) {
			t.Errorf("Import while the disk is full = %v, want ErrFull", err)
		}
		free.Store(1 << 40)
		time.Sleep(20 * time.Minute)
		if s := k.state(late); s != outbox.Registered {
			t.Errorf("with room again the request is %s, want registered", s)
		}
		if in, err := w.p.Import(t.Context(), bytes.NewReader(file)); err != nil || in.New != 0 {
			t.Errorf("Import with room again = %+v, %v, want nothing new", in, err)
		}
		if w.p.Disk().Full {
			t.Error("the disk is called full")
		}
	})
}

// TestSmallDisk fills a disk that really is small. Everything that has a receipt is
// in the ledger when it is opened again, and is decided: the reserve was enough
// (WIRE-LIM-3).
func TestSmallDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("mount a small file system: %v", err)
		}
		t.Skipf("a full disk is left out: mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	w := makeWorld(t)
	w.config.Room = func() (int64, error) {
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil {
			return 0, err
		}
		return int64(fs.Bavail) * int64(fs.Bsize), nil //nolint:unconvert // the sizes differ by processor
	}
	w.config.Reserve = 4 << 20
	file := filepath.Join(dir, "ledger.db")
	w.start(file)
	k := w.kiosk()
	p, _ := k.greeted(t)
	p.send(k.head(t))
	want[*wire.Witness](p)
	const many = 300
	k.queue(many)
	var has [][32]byte
	for _, r := range k.lease(t, many).Records {
		p.send(&wire.Records{Epoch: k.o.Stats(t.Context()).Epoch, Records: []wire.Record{r}})
		if got, nack := answerTo(p); nack != nil {
			if nack.Code != CodeFull {
				t.Fatalf("nack %s, want %s", nack.Code, CodeFull)
			}
			break
		} else if got.Count() != 1 {
			t.Fatalf("%d receipts, want 1", got.Count())
		}
		has = append(has, r.Doc)
	}
	if len(has) == many {
		t.Fatal("the small disk never was full")
	}
	if len(has) < 20 {
		t.Errorf("only %d requests fit, want more before the reserve", len(has))
	}
	// What was taken is decided: the reserve was enough for it.
	for n := w.count(ledger.Registered); n < len(has); n = w.count(ledger.Registered) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		f, err := p.c.Receive(ctx)
		cancel()
		if err != nil {
			t.Fatalf("%d of %d requests are registered: %v", n, len(has), err)
		}
		if its, ok := f.(*wire.Items); ok {
			p.send(&wire.ItemAck{ID: its.Last()})
		}
	}
	w.stop()
	l, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for _, d := range has {
		if r, err := l.Get(t.Context(), d); err != nil || r.State != ledger.Registered {
			t.Errorf("a request with a receipt is %q, %v", r.State, err)
		}
	}
}

// answerTo returns what the portal says to records.
func answerTo(p *peer) (*wire.Receipts, *wire.Nack) {
	p.t.Helper()
	for {
		f, err := p.c.Receive(p.t.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		switch f := f.(type) {
		case *wire.Receipts:
			return f, nil
		case *wire.Nack:
			return nil, f
		case *wire.Items:
			p.send(&wire.ItemAck{ID: f.Last()})
		}
	}
}

// stalled is a key that takes its time, like one in a module that has to be asked
// over a network.
type stalled struct {
	crypto.Signer
	asked, goes chan struct{}
}

func (s stalled) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	s.asked <- struct{}{}
	<-s.goes
	return s.Signer.Sign(r, digest, o)
}

// TestSlowAgency: while an agency signs for hours, requests come in, get their
// receipts and are registered, its own and others'.
func TestSlowAgency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := stalled{asked: make(chan struct{}), goes: make(chan struct{})}
		w := quiet(t, func(c *Config) {
			s := c.Agencies["civil-registry"]
			slow.Signer = s.Key
			s.Key = slow
			c.Agencies["civil-registry"] = s
		})
		k := w.kiosk()
		first := k.one("citizen-1").ID()
		_, stop := k.run(k.calm())
		defer stop()
		time.Sleep(time.Minute)
		done := make(chan error, 1)
		go func() {
			_, err := w.p.Answer(context.Background(), "civil-registry", first, AnswerDraft{Decision: ledger.Answered, Facts: w.residenceFacts(), By: "NUSGA"})
			done <- err
		}()
		<-slow.asked
		second := k.one("citizen-2").ID()
		time.Sleep(time.Minute)
		if s := k.state(second); s != outbox.Registered {
			t.Errorf("while the agency signs, a request is %s, want registered", s)
		}
		close(slow.goes)
		for pending := true; pending; {
			select {
			case <-slow.asked:
			case err := <-done:
				if err != nil {
					t.Errorf("Answer = %v", err)
				}
				pending = false
			}
		}
		time.Sleep(time.Minute)
		if s := k.state(first); s != outbox.Answered {
			t.Errorf("in the end the first request is %s, want answered", s)
		}
	})
}

// TestHerd: the more kiosks are away, the wider they are spread; nobody comes
// before the least time or later than an hour after it; who is due is forgotten.
func TestHerd(t *testing.T) {
	var h herd
	now := time.Unix(1795358000, 0)
	most := func(d time.Duration) time.Duration { return d }
	if d := h.later("K-1", time.Minute, now, most); d != time.Minute {
		t.Errorf("alone: %s, want a minute", d)
	}
	var last time.Duration
	for i := range 190_000 {
		last = h.later(strconv.Itoa(i), time.Minute, now, most)
	}
	if last != time.Minute+mostSpread {
		t.Errorf("the last of many: %s, want an hour and a minute", last)
	}
	now = now.Add(2 * time.Hour)
	if d := h.later("K-1", time.Minute, now, most); d != time.Minute || h.size() != 1 {
		t.Errorf("two hours later: %s of %d, want a minute, alone", d, h.size())
	}
	differ := map[time.Duration]bool{}
	for range 100 {
		differ[spread(100_000, chance)] = true
	}
	if len(differ) < 90 {
		t.Errorf("a hundred times by chance have %d values", len(differ))
	}
}
