package portal

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/serialline/radiotest"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
)

// scan asks for a certificate with an attachment of that size, which does not
// compress.
func (k *kiosk) scan(size int) (*edoc.Container, []byte) {
	k.w.t.Helper()
	card, _ := k.w.Card("citizen-1")
	b := make([]byte, size)
	_, _ = rand.Read(b)
	d := k.document(card)
	c, err := edoc.SignWith(d, []edoc.Attachment{{Name: "scan.jpg", MediaType: "image/jpeg", Content: edoc.Bytes(b)}},
		card.Slots[specimen.SlotSign].Signer(), d.Made)
	if err != nil {
		k.w.t.Fatal(err)
	}
	k.accept(c.ID(), c.Bytes(), d)
	return c, b
}

// attached wants the attachment of a registered request.
func (w *world) attached(id edoc.ID, want []byte) {
	w.t.Helper()
	r, err := w.l.Get(context.Background(), id)
	if err != nil || r.State != ledger.Registered {
		w.t.Fatalf("the request is %s %s, %v, want registered", r.State, r.Reason, err)
	}
	c, err := edoc.Parse(r.Container)
	if err != nil {
		w.t.Fatal(err)
	}
	files := c.Attachments()
	if len(files) != 1 {
		w.t.Fatalf("%d attachments", len(files))
	}
	if got, err := io.ReadAll(files[0].Reader()); err != nil || !bytes.Equal(got, want) {
		w.t.Errorf("the attachment has %d bytes, %v, want the %d of the scan", len(got), err, len(want))
	}
	if up, err := w.l.Uploads(context.Background(), w.Device.ID); err != nil || len(up) != 0 {
		w.t.Errorf("uploads left: %+v, %v", up, err)
	}
}

// leaky is a connection that breaks after some bytes.
type leaky struct {
	net.Conn
	left *atomic.Int64
}

func (c leaky) Write(b []byte) (int, error) {
	if c.left.Add(-int64(len(b))) < 0 {
		_ = c.Close()
		return 0, errCut
	}
	return c.Conn.Write(b)
}

// TestLargeRequestOverCuts: each connection is cut after 300 KiB, and the portal is
// restarted in the middle; nothing goes twice but what was on its way.
func TestLargeRequestOverCuts(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	const size = 3 << 20
	c, scan := k.scan(size)
	uc := k.uplinkConfig()
	var dials, sent atomic.Int64
	uc.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		left := new(atomic.Int64)
		left.Store(300 << 10)
		dials.Add(1)
		return leaky{counted{conn, &sent}, left}, err
	}
	_, stop := k.run(uc)
	k.until("a part", func() bool {
		up, err := w.l.Uploads(context.Background(), k.dev.ID)
		if err != nil {
			t.Error(err)
		}
		return len(up) == 1 && up[0].Have > 1<<20
	})
	stop()
	w.stop()
	w.serve(w.PortalTLS.TLS())
	uc.URL = w.url
	k.run(uc)
	k.untilState(c.ID(), outbox.Registered)
	w.attached(c.ID(), scan)
	if n := dials.Load(); n < 8 {
		t.Errorf("%d connections, want the 10 or more that cuts make", n)
	}
	// What is on its way grows by what was answered, so a cut costs at most half of
	// what the connection carried, besides its greeting.
	if n := sent.Load(); n > 2*size+dials.Load()*(16<<10) {
		t.Errorf("%d bytes went for %d", n, size)
	}
	t.Logf("%d connections, %d bytes for %d: %.3f", dials.Load(), sent.Load(), size, float64(sent.Load())/size)
}

type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// TestLargeRequestOverhead: what a large request costs on a good line.
func TestLargeRequestOverhead(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	const size = 4 << 20
	c, scan := k.scan(size)
	u, _ := k.run(k.uplinkConfig())
	k.untilState(c.ID(), outbox.Registered)
	w.attached(c.ID(), scan)
	st := u.Status()
	t.Logf("%d bytes up and %d down for %d: %.4f", st.Sent, st.Received, size, float64(st.Sent+st.Received)/size)
	if st.Sent > size*102/100 || st.Received > 200<<10 {
		t.Errorf("%d bytes up and %d down for %d", st.Sent, st.Received, size)
	}
}

// TestSmallBeforeChunks: what is small goes between the chunks of what is large.
func TestSmallBeforeChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(t, radiotest.Config{Baud: 9600})
		large, scan := a.k.scan(150 << 10) // three minutes
		began := time.Now()
		_, stop := a.k.run(a.config())
		defer stop()
		time.Sleep(time.Minute)
		for range 3 {
			start := time.Now()
			small := a.k.one("citizen-2")
			a.wait(t, []*edoc.Container{small}, outbox.Registered, 40*time.Second)
			t.Logf("a small request took %s", time.Since(start))
		}
		if s := a.k.state(large.ID()); s != outbox.Sending {
			t.Errorf("the large request is %s, want that it is still on its way", s)
		}
		a.wait(t, []*edoc.Container{large}, outbox.Registered, 20*time.Minute)
		t.Logf("150 KiB took %s at 9600 bit/s, with three small ones", time.Since(began))
		a.attached(large.ID(), scan)
	})
}

// TestLargeOverDays: a large request goes in pieces over days, and leaves small ones
// their part.
func TestLargeOverDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAir(t, radiotest.Config{Baud: 19200})
		c := a.config()
		c.Schedule = uplink.Schedule{BytesPerDay: 200_000, File: filepath.Join(t.TempDir(), "spent")}
		large, scan := a.k.scan(260_000)
		days := 0
		for ; a.k.state(large.ID()) != outbox.Registered && days < 8; days++ {
			_, stop := a.k.run(c)
			time.Sleep(time.Hour)
			small := a.k.one("citizen-2") // when the large one has had its part
			time.Sleep(time.Hour)
			if s := a.k.state(small.ID()); s != outbox.Registered {
				t.Errorf("day %d: a small request is %s, want registered", days, s)
			}
			stop()
			time.Sleep(22 * time.Hour)
		}
		if days < 3 || days > 6 {
			t.Errorf("it took %d days, want 3 to 6", days)
		}
		a.attached(large.ID(), scan)
	})
}

// TestHostileChunks speaks by hand: whatever comes gets the durable offset, and only
// what was announced is taken in.
func TestHostileChunks(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.config.Uploads = ledger.Quota{Uploads: 2, Bytes: 1 << 20, Rest: 24 * time.Hour}
	w.serve(w.PortalTLS.TLS())
	k := w.kiosk()
	p, _ := k.greeted(t)
	e := k.o.Stats(t.Context()).Epoch
	all := outboxtest.Large(1, 100<<10).Sealed
	digest := sha256.Sum256(all)
	announce := func(seq uint64, digest [32]byte, size int) {
		t.Helper()
		p.send(&wire.Large{Epoch: e, Seq: seq, Doc: [32]byte{byte(seq)}, Service: "complaint", Lang: "tk", Size: uint64(size), Digest: digest})
	}
	chunk := func(digest [32]byte, from int, b []byte) {
		t.Helper()
		p.send(&wire.Chunk{Digest: digest, Offset: uint64(from), Bytes: b})
	}
	have := func(n int) {
		t.Helper()
		if h := want[*wire.Have](p); h.Offset != uint64(n) {
			t.Errorf("have = %d, want %d", h.Offset, n)
		}
	}
	nack := func(seq uint64, code string) {
		t.Helper()
		if n := want[*wire.Nack](p); n.Of != wire.TypeLarge || n.Seq != seq || n.Code != code {
			t.Errorf("nack = %+v, want %s of %d", n, code, seq)
		}
	}
	announce(1, digest, len(all))
	have(0)
	chunk(digest, 0, all[:10<<10])
	have(10 << 10)
	chunk(digest, 20<<10, all[20<<10:30<<10]) // a gap
	have(10 << 10)
	chunk(digest, 0, all[:10<<10]) // again
	have(10 << 10)
	chunk(digest, 5<<10, all[5<<10:40<<10]) // the rest of it
	have(40 << 10)
	chunk(digest, 90<<10, make([]byte, 11<<10)) // over its end
	have(40 << 10)
	chunk(digest, 40<<10, all[40<<10:80<<10])
	have(80 << 10)
	p.c.Cut()

	p, _ = k.greeted(t)
	announce(1, digest, len(all))
	have(80 << 10) // it holds over sessions
	chunk(digest, 80<<10, all[80<<10:])
	if n := want[*wire.Receipts](p).Count(); n != 1 {
		t.Errorf("receipts = %d, want 1", n)
	}
	chunk(digest, 80<<10, all[80<<10:]) // on its way when the receipt was
	announce(1, digest, len(all))       // the receipt was lost
	if n := want[*wire.Receipts](p).Count(); n != 1 {
		t.Errorf("receipts = %d, want 1", n)
	}

	other := sha256.Sum256([]byte("other"))
	announce(2, other, 1000) // the digest is a lie
	have(0)
	chunk(other, 0, make([]byte, 1000))
	nack(2, wire.CodeDigest)
	announce(2, other, 2000)
	have(0) // nothing is left of it
	chunk(other, 0, make([]byte, 1000))
	have(1000)
	announce(2, other, 3000) // another size
	have(0)
	announce(3, [32]byte{3}, wire.MaxLarge+1)
	nack(3, codeTooLarge)
	announce(4, [32]byte{4}, 1<<20)
	nack(4, codeQuota)
	announce(5, [32]byte{5}, 1000)
	have(0)
	announce(6, [32]byte{6}, 1000)
	nack(6, codeQuota)
	chunk([32]byte{9}, 0, []byte("never announced"))
	if b := want[*wire.Bye](p); b.Code != "frame.unexpected" {
		t.Errorf("bye = %q, want frame.unexpected", b.Code)
	}
	if n := w.count(ledger.Refused) + w.count(ledger.Received); n != 1 {
		t.Errorf("%d records were taken, want the one that was whole", n)
	}
}

// TestRestoredPortalAsksAgain: a portal that was put back to an older state has less
// than it said; the kiosk goes on from there.
func TestRestoredPortalAsksAgain(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	c, scan := k.scan(2 << 20)
	uc := k.uplinkConfig()
	var once sync.Once
	uc.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return tapped{conn, func() {
			up, err := w.l.Uploads(context.Background(), k.dev.ID)
			if err != nil {
				t.Error(err)
			}
			if len(up) == 1 && up[0].Have > 1<<20 {
				once.Do(func() {
					u := up[0]
					if err := w.l.EndUpload(context.Background(), k.dev.ID, u.Digest); err != nil {
						t.Error(err)
					}
				})
			}
		}}, err
	}
	k.run(uc)
	k.untilState(c.ID(), outbox.Registered)
	w.attached(c.ID(), scan)
}

type tapped struct {
	net.Conn
	tap func()
}

func (c tapped) Write(b []byte) (int, error) {
	c.tap()
	return c.Conn.Write(b)
}

// TestLargeGate: what stands before records stands before large requests too, at
// their announcement and at each chunk: quota and disk, over a line and, the disk,
// for a stick (WIRE-LIM-1, WIRE-LIM-3).
func TestLargeGate(t *testing.T) {
	w := newWorld(t)
	w.stop()
	var free atomic.Int64
	free.Store(1 << 40)
	w.config.Room = func() (int64, error) { return free.Load(), nil }
	w.config.Quota.Bytes = Allowance{Burst: 1 << 20, Day: 1 << 20}
	w.serve(w.PortalTLS.TLS())
	k := w.kiosk()
	p, _ := k.greeted(t)
	announce := func(n byte, size int) {
		t.Helper()
		p.send(&wire.Large{
			Epoch: k.o.Stats(t.Context()).Epoch, Seq: uint64(n), Doc: [32]byte{n}, Service: "complaint", Lang: "tk", Size: uint64(size), Digest: [32]byte{n},
		})
	}
	nack := func(n byte, code string) {
		t.Helper()
		if got := want[*wire.Nack](p); got.Of != wire.TypeLarge || got.Seq != uint64(n) || got.Code != code || got.Retry < 60 {
			t.Errorf("nack = %+v, want %s of %d with a time", got, code, n)
		}
	}
	announce(1, 700<<10)
	want[*wire.Have](p)
	free.Store(0)
	for range 2 { // the second one was on its way
		p.send(&wire.Chunk{Digest: [32]byte{1}, Bytes: []byte("one")})
	}
	nack(1, CodeFull)
	announce(2, 1000)
	nack(2, CodeFull)
	if up, err := w.l.Uploads(t.Context(), k.dev.ID); err != nil || len(up) != 1 || up[0].Have != 0 {
		t.Errorf("Uploads while the disk is full = %+v, %v, want nothing of the first", up, err)
	}
	free.Store(1 << 40)
	spent := make([]byte, 1<<20)
	if _, err := w.l.Intake(t.Context(), k.dev.ID, time.Now(), []ledger.Incoming{{
		Epoch: ledger.Epoch{1}, Seq: 1, Doc: ledger.Doc{1}, Code: "C", Service: "s", Lang: "tk", Claimed: time.Now(),
		Channel: ledger.ChannelKiosk, Digest: sha256.Sum256(spent), Sealed: spent,
	}}, func([]ledger.Incoming, time.Time) ([][]byte, error) { return [][]byte{{1}}, nil }); err != nil {
		t.Fatal(err)
	}
	p.c.Cut()
	p, _ = k.greeted(t)
	for range strikes {
		announce(2, 500<<10)
		nack(2, codeBytes)
	}
	announce(2, 500<<10)
	if b := want[*wire.Bye](p); b.Code != codeBytes || b.Retry < 60 {
		t.Errorf("who goes on gets %+v, want bye %s with a time", b, codeBytes)
	}

	p.c.Cut()
	c := k.courier()
	k.scan(200 << 10)
	files, _, err := c.exportRoom(1 << 30)
	if err != nil || len(files) != 2 {
		t.Fatalf("Export = %d files, %v", len(files), err)
	}
	file := files[1]
	f, err := stick.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	at := len(file)
	for _, e := range f.Frames[2:] { // behind hello and head
		at -= int(e.Length)
	}
	headless := bytes.Clone(file)
	headless[at+10] ^= 1 // in the announcement
	w.bring(file[:len(file)-1])
	before, err := w.l.Uploads(t.Context(), k.dev.ID)
	if err != nil {
		t.Fatal(err)
	}
	free.Store(0)
	for _, b := range [][]byte{file, headless} {
		if _, err := w.p.Import(t.Context(), bytes.NewReader(b)); !errors.Is(err, ErrFull) {
			t.Errorf("Import while the disk is full = %v, want ErrFull", err)
		}
	}
	if up, err := w.l.Uploads(t.Context(), k.dev.ID); err != nil || !slices.Equal(up, before) {
		t.Errorf("Uploads after it = %+v, %v, want %+v as before", up, err, before)
	}
}
