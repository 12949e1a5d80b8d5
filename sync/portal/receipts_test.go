package portal

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"io"
	"sync/atomic"
	"testing"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
)

// grouped returns stored receipts as they travel.
func grouped(t testing.TB, epoch [16]byte, stored ...[]byte) *wire.Receipts {
	gs, err := wire.Groups(stored, nil, epoch, false)
	if err != nil {
		t.Error(err)
	}
	return &wire.Receipts{Groups: gs}
}

// opened returns what groups say to a kiosk that has sent these records.
func (w *world) opened(gs []wire.Group, level wire.Level, sent ...wire.Record) (out []wire.Kept) {
	w.t.Helper()
	for i := range gs {
		kept, err := gs[i].Open(level, w.Trust().Portals, func(_ [16]byte, seq uint64) (doc, digest [32]byte, ok bool, err error) {
			for _, r := range sent {
				if r.Seq == seq {
					return r.Doc, sha256.Sum256(r.Sealed), true, nil
				}
			}
			return doc, digest, false, nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, kept...)
	}
	return out
}

// counting is a key that counts what it signs.
type counting struct {
	crypto.Signer
	n atomic.Int64
}

func (c *counting) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	c.n.Add(1)
	return c.Signer.Sign(r, digest, o)
}

// TestOneSignature: what comes in one frame is signed once, and so is what is decided
// of it; the kiosk gets no more of each than it does not know, and keeps what the
// portal keeps.
func TestOneSignature(t *testing.T) {
	w := newWorld(t)
	w.stop()
	key := &counting{Signer: w.config.Receipt.Key}
	w.config.Receipt.Key = key
	w.serve(w.PortalTLS.TLS())
	k := w.kiosk()
	k.queue(20)
	recs, err := k.o.Lease(t.Context(), 64, 0)
	if err != nil || len(recs) != 20 {
		t.Fatalf("Lease = %d, %v, want 20", len(recs), err)
	}
	f := &wire.Records{Epoch: recs[0].Epoch}
	for _, r := range recs {
		f.Records = append(f.Records, record(r))
	}
	p, _ := k.greeted(t)
	before := key.n.Load()
	p.send(f)
	durable := want[*wire.Receipts](p)
	decided := want[*wire.Items](p)
	if n := key.n.Load() - before; n != 2 {
		t.Errorf("%d signatures for 20 records, want one for what is stored and one for what is decided", n)
	}
	for what, gs := range map[string][]wire.Group{"DURABLE": durable.Groups, "DECIDED": decided.Decisions} {
		if len(gs) != 1 || len(gs[0].Slips) != 20 || len(gs[0].Hashes) != 0 {
			t.Errorf("%s receipts come in %d groups, the first of %d with %d hashes, want one of 20 without", what, len(gs), len(gs[0].Slips), len(gs[0].Hashes))
		}
	}
	size := 0
	for _, f := range []wire.Frame{durable, decided} {
		b, err := wire.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		size += len(b)
	}
	if size > 20*90 {
		t.Errorf("receipts of 20 records take %d bytes, want at most 90 for each", size)
	}
	t.Logf("DURABLE and DECIDED of 20 records: %d bytes, %.1f for each", size, float64(size)/20)

	// One that comes again, alone, has its receipt of then.
	p.send(&wire.ItemAck{ID: decided.Last()})
	p.send(&wire.Records{Epoch: f.Epoch, Records: f.Records[7:8]})
	again := want[*wire.Receipts](p)
	if n := key.n.Load() - before; n != 2 || len(again.Groups[0].Hashes) == 0 {
		t.Errorf("a record again: %d signatures, %d hashes, want the batch of before and a path", n, len(again.Groups[0].Hashes))
	}
	all := w.opened(durable.Groups, wire.Durable, f.Records...)
	one := w.opened(again.Groups, wire.Durable, f.Records...)
	if !bytes.Equal(one[0].Bytes, all[7].Bytes) {
		t.Errorf("the receipt alone differs: got %x, want %x", one[0].Bytes, all[7].Bytes)
	}
	var number uint64
	for i, d := range w.opened(decided.Decisions, wire.Decided, f.Records...) {
		ns, err := w.l.RecordsAfter(t.Context(), number, 1)
		if err != nil || len(ns) != 1 {
			t.Fatalf("RecordsAfter = %v, %v, want one", ns, err)
		}
		number = ns[0]
		s, err := w.l.StoredRecord(t.Context(), number)
		if err != nil || !bytes.Equal(s.Receipt, all[i].Bytes) || !bytes.Equal(s.Decision, d.Bytes) {
			t.Errorf("record %d: the portal keeps other receipts than the kiosk: %v", i, err)
		}
	}
}

// TestDecisionsOfACopy: where a copied card is under the same identity, a kiosk gets
// decisions about the records of the other under its own numbers. It cannot build
// them, asks for them with their documents, passes them by and gets its own.
func TestDecisionsOfACopy(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.idle = true
	w.serve(w.PortalTLS.TLS())
	k := w.kiosk()
	doc := k.one("citizen-1")
	copied, _ := k.greeted(t)
	copied.send(&wire.Records{Epoch: k.hello().Epoch, Records: []wire.Record{{
		Seq: 1, Doc: [32]byte{7}, Service: "complaint", Lang: "tk", Claimed: 1, Sealed: []byte("made on the copy"),
	}}})
	want[*wire.Receipts](copied)
	copied.c.Cut()
	w.stop()
	w.idle = false
	w.serve(w.PortalTLS.TLS())

	u, _ := k.run(k.uplinkConfig())
	k.untilState(doc.ID(), outbox.Registered)
	its, err := w.l.Items(t.Context(), k.dev.ID, 0, 10)
	var last uint64
	for _, it := range its {
		last = it.ID
	}
	if err != nil {
		t.Fatal(err)
	}
	k.until("the cursor behind the other's decision too", func() bool { return k.o.Cursor() == last })
	asked := 0
	for _, f := range u.Status().LastFrames {
		if f.Up && f.Type == "nack" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("decisions were asked for again %d times, want once", asked)
	}
}

// TestReceiptOfAnotherEpoch names its record: who salvaged an outbox may have it under
// another number by now (wire.md, section 3).
func TestReceiptOfAnotherEpoch(t *testing.T) {
	w := newWorld(t)
	k := w.kiosk()
	k.queue(1)
	f := k.lease(t, 1)
	p, _ := k.greeted(t)
	p.send(f)
	if s := want[*wire.Receipts](p).Groups[0].Slips[0]; s.Doc != nil || s.Digest != nil {
		t.Errorf("a receipt of hello's epoch names document and digest: %+v", s)
	}
	f.Epoch = [16]byte{1}
	p.send(f)
	if s := want[*wire.Receipts](p).Groups[0].Slips[0]; !bytes.Equal(s.Doc, f.Records[0].Doc[:]) || len(s.Digest) != sha256.Size {
		t.Errorf("a receipt of another epoch is %+v, want it with document and digest", s)
	}
}
