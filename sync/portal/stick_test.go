package portal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/uplink"
)

// CarriedBeacon makes the sink one that sticks bring times to.
func (s *sink) CarriedBeacon(_ []byte, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.carried = append(s.carried, at)
	return nil
}

// courier is a kiosk without a network, and its sticks.
type courier struct {
	*kiosk
	u      *uplink.Uplink
	number uint64
	heads  []int64
}

func (k *kiosk) courier() *courier {
	k.w.t.Helper()
	u, err := uplink.New(k.uplinkConfig())
	if err != nil {
		k.w.t.Fatal(err)
	}
	return &courier{kiosk: k, u: u}
}

// export returns the files of one export.
func (c *courier) export() [][]byte {
	c.w.t.Helper()
	var files [][]byte
	err := c.u.Export(context.Background(), uplink.Export{
		Number: func() (uint64, error) { c.number++; return c.number, nil },
		Heads:  c.heads,
		Put: func(_ context.Context, e uplink.Exported, parts [][]byte) error {
			files = append(files, slices.Concat(parts...))
			c.heads = append(c.heads, e.Head)
			return nil
		},
	})
	if err != nil {
		c.w.t.Fatal(err)
	}
	return files
}

// one exports into one file.
func (c *courier) oneFile() []byte {
	c.w.t.Helper()
	files := c.export()
	if len(files) != 1 {
		c.w.t.Fatalf("Export made %d files, want 1", len(files))
	}
	return files[0]
}

// bring imports a file at the portal.
func (w *world) bring(b []byte) Imported {
	w.t.Helper()
	in, err := w.p.Import(context.Background(), bytes.NewReader(b))
	if err != nil {
		w.t.Fatalf("Import = %v", err)
	}
	return in
}

// take takes an answer at the kiosk.
func (c *courier) take(b []byte) uplink.Taken {
	c.w.t.Helper()
	f, err := stick.Read(bytes.NewReader(b))
	if err != nil {
		c.w.t.Fatal(err)
	}
	t, err := c.u.Take(context.Background(), f)
	if err != nil {
		c.w.t.Fatalf("Take = %v", err)
	}
	return t
}

func (w *world) noAlarm() {
	w.t.Helper()
	if al, err := w.l.Alarms(context.Background(), 10); err != nil || len(al) != 0 {
		w.t.Errorf("Alarms = %+v, %v, want none", al, err)
	}
}

// TestStick carries requests to the portal and the answers back, with no network
// at all; and everything once more, which changes nothing.
func TestStick(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk().courier()
	a, b := k.one("citizen-1"), k.one("citizen-2")
	file := k.oneFile()
	if s := k.state(a.ID()); s != outbox.Sending {
		t.Errorf("after the export the request is %s, want sending", s)
	}
	if err := k.o.Withdraw(t.Context(), a.ID()); !errors.Is(err, outbox.ErrSent) {
		t.Errorf("Withdraw after the export = %v, want ErrSent", err)
	}
	in := w.bring(file)
	if in.Kiosk != k.dev.ID || in.Records != 2 || in.New != 2 || in.Forks != 0 || in.Waiting != 0 || in.Cut || in.Damaged != 0 {
		t.Errorf("Import = %+v, want two new records, decided", in)
	}
	got := k.take(in.Answer)
	if got.Receipts != 2 || got.Items < 2 || got.Gap || len(got.Refused) > 0 {
		t.Errorf("Take = %+v, want two receipts and two decisions", got)
	}
	for _, d := range []*edoc.Container{a, b} {
		if s := k.state(d.ID()); s != outbox.Registered {
			t.Errorf("the request is %s, want registered", s)
		}
	}
	if len(k.sink.catalogues) == 0 {
		t.Error("the catalogue did not come")
	}
	if len(k.sink.beacons) != 0 || len(k.sink.carried) != 1 {
		t.Errorf("times: %d as now, %d carried; want 0 and 1", len(k.sink.beacons), len(k.sink.carried))
	}
	if len(k.sink.heads) != 1 || len(k.sink.heads[0].Names()) != 2 {
		t.Errorf("witnessed heads = %v, want one with both signatures", k.sink.heads)
	}

	again := w.bring(file)
	if again.Records != 2 || again.New != 0 {
		t.Errorf("Import again = %+v, want nothing new", again)
	}
	size, _ := k.o.Head()
	for _, ans := range [][]byte{in.Answer, again.Answer} {
		if got := k.take(ans); got.Items != 0 || len(got.Refused) > 0 || got.Gap {
			t.Errorf("Take again = %+v, want nothing", got)
		}
	}
	if now, _ := k.o.Head(); now != size {
		t.Errorf("taking again grew the journal from %d to %d", size, now)
	}
	if r, err := receiptsOf(in.Answer, again.Answer); err != nil || !r {
		t.Errorf("the receipts of both answers are the same: %t, %v", r, err)
	}

	// The agency answers; nothing waits at the kiosk, and an export fetches it.
	answer(t, w, a.ID())
	in = w.bring(k.oneFile())
	if in.Records != 0 {
		t.Errorf("Import of nothing = %+v", in)
	}
	k.take(in.Answer)
	if s := k.state(a.ID()); s != outbox.Answered {
		t.Errorf("the request is %s, want answered", s)
	}
	w.noAlarm()
	ks, err := w.l.Kiosks(t.Context())
	if err != nil || len(ks) != 1 || ks[0].Cursor == 0 || ks[0].JournalSize == 0 || len(w.p.Connected()) != 0 {
		t.Errorf("Kiosks = %+v, %v, want the kiosk with a cursor and a journal", ks, err)
	}
	// And the network goes on where the stick was.
	c := k.one("citizen-1")
	k.run(k.uplinkConfig())
	k.untilState(c.ID(), outbox.Registered)
	w.noAlarm()
}

// receiptsOf reports whether two answers hold the same receipt frames.
func receiptsOf(a, b []byte) (bool, error) {
	var all [2][][32]byte
	for i, x := range [][]byte{a, b} {
		f, err := stick.Read(bytes.NewReader(x))
		if err != nil {
			return false, err
		}
		// The second frame: after the beacon.
		all[i] = append(all[i], f.Frames[1].Digest)
	}
	return slices.Equal(all[0], all[1]), nil
}

// answer has the agency answer a request.
func answer(t *testing.T, w *world, doc edoc.ID) {
	t.Helper()
	q, err := w.l.Get(t.Context(), ledger.Doc(doc))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.p.Answer(t.Context(), q.Agency, q.Doc, AnswerDraft{Decision: ledger.Answered, Facts: w.residenceFacts(), By: "NUSGA officer"}); err != nil {
		t.Fatal(err)
	}
}

// TestStickCut brings every beginning of a file: what is whole in it is taken, and
// each request is registered once in the end.
func TestStickCut(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.config.Settle = time.Nanosecond
	w.serve(w.PortalTLS.TLS())
	k := w.kiosk().courier()
	for range 3 {
		k.one("citizen-1")
	}
	file := k.oneFile()
	had, refused := 0, 0
	for n := range file {
		in, err := w.p.Import(t.Context(), bytes.NewReader(file[:n]))
		if err != nil {
			refused++
			if !errors.Is(err, stick.ErrOther) && !errors.Is(err, stick.ErrCut) {
				t.Fatalf("Import of %d bytes = %v, want ErrOther or ErrCut", n, err)
			}
			continue
		}
		if !in.Cut {
			t.Fatalf("Import of %d of %d bytes does not say that it is cut", n, len(file))
		}
		if in.Records < had {
			t.Fatalf("Import of %d bytes found %d records, of fewer bytes %d", n, in.Records, had)
		}
		had = in.Records
	}
	if refused == 0 || refused == len(file) {
		t.Errorf("%d of %d beginnings have no header", refused, len(file))
	}
	w.stop()
	w.config.Settle = 0
	w.serve(w.PortalTLS.TLS())
	in := w.bring(file)
	if in.Records != 3 || in.Cut {
		t.Errorf("Import of the whole = %+v", in)
	}
	k.take(in.Answer)
	if n := w.count(ledger.Registered); n != 3 {
		t.Errorf("registered = %d, want 3", n)
	}
	// The answer, cut anywhere, does no harm either.
	more := k.one("citizen-2")
	in = w.bring(k.oneFile())
	for n := 0; n < len(in.Answer); n += 7 {
		f, err := stick.Read(bytes.NewReader(in.Answer[:n]))
		if err != nil {
			continue
		}
		if got, err := k.u.Take(t.Context(), f); err != nil || !got.Cut {
			t.Fatalf("Take of %d bytes = %+v, %v, want it cut", n, got, err)
		}
	}
	k.take(in.Answer)
	if s := k.state(more.ID()); s != outbox.Registered {
		t.Errorf("the request is %s, want registered", s)
	}
	w.noAlarm()
}

// TestStickDamaged changes one byte of every frame: the others are taken.
func TestStickDamaged(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk().courier()
	for range 70 { // two frames of records
		k.one("citizen-1")
	}
	file := k.oneFile()
	f, err := stick.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	at := len(file)
	for _, e := range f.Frames {
		at -= int(e.Length)
	}
	for i, e := range f.Frames {
		bad := bytes.Clone(file)
		bad[at+int(e.Length)/2] ^= 1
		at += int(e.Length)
		in := w.bring(bad)
		if want := map[int]int{0: 70, 1: 70, 2: 6, 3: 64}[i]; in.Damaged != 1 || in.Records != want {
			t.Errorf("frame %d changed: %+v, want 1 damaged and %d records", i, in, want)
		}
	}
	bad := bytes.Clone(file)
	bad[40] ^= 1
	if _, err := w.p.Import(t.Context(), bytes.NewReader(bad)); !errors.Is(err, ErrStranger) && !errors.Is(err, stick.ErrDamaged) {
		t.Errorf("Import with another header = %v, want it refused", err)
	}
	w.noAlarm()
}

// TestSticksLate brings sticks late, twice and in the wrong order, while the network
// comes and goes: nothing is lost, nothing is registered twice, and no alarm is
// raised over a journal that is only old.
func TestSticksLate(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk().courier()
	var docs []*edoc.Container
	ask := func() { docs = append(docs, k.one("citizen-1")) }
	ask()
	first := k.oneFile()
	ask()
	second := k.oneFile()
	// The second comes first.
	two := w.bring(second)
	one := w.bring(first)
	if two.New != 2 || one.New != 0 {
		t.Errorf("the second stick brought %d, the first then %d; want 2 and 0", two.New, one.New)
	}
	ask()
	third := k.oneFile() // before any answer came
	// The network is there for a while.
	_, stop := k.run(k.uplinkConfig())
	k.untilState(docs[2].ID(), outbox.Registered)
	ask()
	k.untilState(docs[3].ID(), outbox.Registered)
	stop()
	// Everything on sticks is old now.
	three := w.bring(third)
	if three.New != 0 {
		t.Errorf("the third stick brought %d, want 0: the network was faster", three.New)
	}
	ask()
	fourth := w.bring(k.oneFile())
	for _, in := range []Imported{three, fourth, one, two, fourth} {
		if got := k.take(in.Answer); len(got.Refused) > 0 {
			t.Errorf("Take of answer %d = %+v", in.Number, got)
		}
	}
	for i, d := range docs {
		if s := k.state(d.ID()); s != outbox.Registered {
			t.Errorf("request %d is %s, want registered", i, s)
		}
	}
	if n := w.count(ledger.Registered); n != len(docs) {
		t.Errorf("registered = %d, want %d", n, len(docs))
	}
	ks, err := w.l.Kiosks(t.Context())
	if size, _ := k.o.Head(); err != nil || ks[0].JournalSize == 0 || ks[0].JournalSize > size {
		t.Errorf("the portal has a head of %d of %d entries, %v", ks[0].JournalSize, size, err)
	}
	w.noAlarm()
}

// TestStickBesideNetwork imports while a session over the network runs: both go on.
func TestStickBesideNetwork(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk().courier()
	c := k.uplinkConfig()
	c.Catalogue = func() uint64 { return w.p.Catalogue().Version } // each file ends a session: it would look as if it could not learn
	k.run(c)
	for range 5 {
		doc := k.one("citizen-1")
		in := w.bring(k.oneFile())
		k.take(in.Answer)
		k.untilState(doc.ID(), outbox.Registered)
	}
	if n := w.count(ledger.Registered); n != 5 {
		t.Errorf("registered = %d, want 5", n)
	}
	w.noAlarm()
}

// TestStickOfAnother: answers for another kiosk, of another portal, exports where
// answers should be, and the other way round.
func TestStickOfAnother(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk().courier()
	k.one("citizen-1")
	file := k.oneFile()
	in := w.bring(file)

	dev, err := w.NewDevice("K-000002")
	if err != nil {
		t.Fatal(err)
	}
	o := outboxtest.OpenDir(t, t.TempDir(), outbox.Options{Kiosk: dev.ID})
	other := w.kioskWith(dev, o).courier()
	give := func(c *courier, b []byte) error {
		f, err := stick.Read(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.u.Take(t.Context(), f)
		return err
	}
	if err := give(other, in.Answer); !errors.Is(err, uplink.ErrNotOurs) {
		t.Errorf("Take of another kiosk's answer = %v, want ErrNotOurs", err)
	}
	if err := give(k, file); !errors.Is(err, uplink.ErrNoReply) {
		t.Errorf("Take of an export = %v, want ErrNoReply", err)
	}
	if _, err := w.p.Import(t.Context(), bytes.NewReader(in.Answer)); !errors.Is(err, ErrNoExport) {
		t.Errorf("Import of an answer = %v, want ErrNoExport", err)
	}
	// Somebody with another root makes both.
	s, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	forged := func(b []byte, who edoc.Signer) []byte {
		f, err := stick.Read(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		parts, err := stick.Pack(f.Header, nil, who)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Concat(parts...)
	}
	if err := give(k, forged(in.Answer, s.PortalReceipt.Signer())); !errors.Is(err, uplink.ErrPortal) {
		t.Errorf("Take of another portal's answer = %v, want ErrPortal", err)
	}
	for name, who := range map[string]edoc.Signer{
		"a stranger's kiosk": s.Device.Signing.Signer(), "another kiosk": dev.Signing.Signer(), "the portal": w.PortalReceipt.Signer(),
	} {
		if _, err := w.p.Import(t.Context(), bytes.NewReader(forged(file, who))); !errors.Is(err, ErrStranger) {
			t.Errorf("Import of a file signed by %s = %v, want ErrStranger", name, err)
		}
	}
}

// copyOutbox copies a closed outbox, as a card is copied.
func copyOutbox(t *testing.T, from string) (to string) {
	t.Helper()
	to = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestStickOfClone: two kiosks of one copied card bring sticks. Both requests are
// kept, the second is a fork, and an alarm says so.
func TestStickOfClone(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	there := copyOutbox(t, dir)
	k1 := w.kioskWith(w.Device, outboxtest.OpenDir(t, dir, outbox.Options{})).courier()
	k2 := w.kioskWith(w.Device, outboxtest.OpenDir(t, there, outbox.Options{})).courier()
	a, b := k1.one("citizen-1"), k2.one("citizen-2")
	in1, in2 := w.bring(k1.oneFile()), w.bring(k2.oneFile())
	if in1.Forks != 0 || in2.Forks != 1 || in2.New != 1 {
		t.Errorf("forks = %d and %d, want 0 and 1", in1.Forks, in2.Forks)
	}
	k1.take(in1.Answer)
	k2.take(in2.Answer)
	if x, y := k1.state(a.ID()), k2.state(b.ID()); x != outbox.Registered || y != outbox.Registered {
		t.Errorf("the requests are %s and %s, want both registered", x, y)
	}
	al, err := w.l.Alarms(t.Context(), 10)
	if err != nil || !slices.ContainsFunc(al, func(a ledger.Alarm) bool { return a.Code == "kiosk.fork" }) {
		t.Errorf("Alarms = %+v, %v, want kiosk.fork", al, err)
	}
}

// TestStickOfOlderCopy: an older copy of the medium learns it from an answer.
func TestStickOfOlderCopy(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	o := outboxtest.OpenDir(t, dir, outbox.Options{})
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	old := copyOutbox(t, dir)
	o = outboxtest.OpenDir(t, dir, outbox.Options{})
	k := w.kioskWith(w.Device, o).courier()
	for range 3 {
		k.one("citizen-1")
	}
	k.take(w.bring(k.oneFile()).Answer)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	k = w.kioskWith(w.Device, outboxtest.OpenDir(t, old, outbox.Options{})).courier()
	k.take(w.bring(k.oneFile()).Answer)
	if len(k.sink.against) != 1 {
		t.Errorf("contradicting heads = %d, want 1", len(k.sink.against))
	}
	card, _ := w.Card("citizen-1")
	d := k.document(card)
	c, err := edoc.Sign(d, card.Slots[specimen.SlotSign].Signer(), d.Made)
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.o.Accept(t.Context(), outbox.Draft{
		Doc: c.ID(), Code: c.ID().Code(), Service: d.Service, ServiceVersion: 1, Lang: "en", Owner: outbox.Owner{1}, Sealed: c.Bytes(), Claimed: d.Made,
	})
	if !errors.Is(err, outbox.ErrRestored) {
		t.Errorf("Accept = %v, want ErrRestored", err)
	}
}

// TestStickGap: an answer whose items follow ones that are not here leaves them
// for a later one; its receipts count.
func TestStickGap(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk().courier()
	a := k.one("citizen-1")
	k.take(w.bring(k.oneFile()).Answer)
	b := k.one("citizen-2")
	in := w.bring(k.oneFile())

	// The card dies; what can be saved begins with cursor 0. Here: a new outbox.
	dead := w.kioskWith(w.Device, outboxtest.Open(t)).courier()
	got := dead.take(in.Answer)
	if !got.Gap || got.Items != 0 || dead.o.Cursor() != 0 {
		t.Errorf("Take = %+v with cursor %d, want the items left", got, dead.o.Cursor())
	}
	// Its own export brings everything.
	got = dead.take(w.bring(dead.oneFile()).Answer)
	if got.Gap || got.Items < 2 {
		t.Errorf("Take = %+v, want the items of both requests", got)
	}
	k.take(in.Answer)
	for _, d := range []*edoc.Container{a, b} {
		if s := k.state(d.ID()); s != outbox.Registered {
			t.Errorf("the request is %s, want registered", s)
		}
	}
}
