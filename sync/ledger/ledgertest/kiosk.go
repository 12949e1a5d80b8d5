package ledgertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

func items(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		if _, _, err := l.Broadcasted(ctx, ledger.ItemTrust); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Broadcasted = %v, want ErrNotFound", err)
		}
		ok(t, l.Broadcast(ctx, ledger.ItemTrust, 3, start, []byte("trust 3")))
		ok(t, l.Broadcast(ctx, ledger.ItemCatalogue, 1, start, []byte("catalogue 1")))
		before := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, 0, 10))
		if len(before) != 2 || before[0].ID == 0 || before[0].ID >= before[1].ID {
			t.Fatalf("Items = %+v, want two in order", before)
		}
		if err := l.Broadcast(ctx, ledger.ItemTrust, 3, start, []byte("again")); err == nil {
			t.Error("Broadcast = nil for the same version")
		}
		ok(t, l.Broadcast(ctx, ledger.ItemTrust, 5, start, []byte("trust 5")))
		after := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, before[1].ID, 10))
		if len(after) != 1 || string(after[0].Bytes) != "trust 5" || after[0].Version != 5 || after[0].ID <= before[1].ID {
			t.Errorf("Items after the cursor = %+v, want trust 5 under a new ID", after)
		}
		if all := must[[]ledger.Item](t)(l.Items(ctx, "K-000009", 0, 10)); len(all) != 2 {
			t.Errorf("Items of a new kiosk = %d, want the last of each kind", len(all))
		}
		v, b, err := l.Broadcasted(ctx, ledger.ItemTrust)
		if v != 5 || string(b) != "trust 5" || err != nil {
			t.Errorf("Broadcasted = %d, %q, %v, want 5", v, b, err)
		}
		in := Incoming(1)
		must[[]ledger.Outcome](t)(l.Intake(ctx, "K-000002", start, []ledger.Incoming{in}, Receipt()))
		k := key(in)
		k.Kiosk = "K-000002"
		ok(t, Settle(ctx, l, k, Registered()))
		if its := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, after[0].ID, 10)); len(its) != 0 {
			t.Errorf("Items = %+v, want none of another kiosk's", its)
		}
	})
}

// surpass: a kiosk has stored an item that this ledger is still to give.
func surpass(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		settled := func(n uint64) {
			in := Incoming(n)
			must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{in}, Receipt()))
			ok(t, Settle(ctx, l, key(in), Registered()))
		}
		settled(1)
		first := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, 0, 10))
		ok(t, l.Acked(ctx, Kiosk, first[0].ID, start))
		settled(2)
		settled(3)
		const cursor = uint64(1) << 43 // the year 2248
		if !must[bool](t)(l.Surpass(ctx, Kiosk, cursor)) {
			t.Error("Surpass = false for a kiosk that has more")
		}
		its := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, cursor, 10))
		if len(its) != 2 || its[0].Doc != Incoming(2).Doc || its[1].Doc != Incoming(3).Doc {
			t.Fatalf("Items = %+v, want what was not acked, in its order", its)
		}
		settled(4)
		if must[bool](t)(l.Surpass(ctx, Kiosk, cursor)) {
			t.Error("Surpass = true, and it was")
		}
		again := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, cursor, 10))
		if len(again) != 3 || again[0].ID != its[0].ID || again[2].Doc != Incoming(4).Doc {
			t.Errorf("Items = %+v, want one more, above the others", again)
		}
		ok(t, l.Broadcast(ctx, ledger.ItemCatalogue, 1, start, []byte("catalogue 1")))
		if all := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, again[2].ID, 10)); len(all) != 1 {
			t.Errorf("Items = %+v, want what goes to all above them", all)
		}
		if must[bool](t)(l.Surpass(ctx, "K-000009", 5)) {
			t.Error("Surpass = true for a new kiosk, which begins where the broadcasts are")
		}
	})
}

func heads(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		none := must[ledger.Head](t)(l.Head(ctx, Kiosk, epoch))
		if none.Size != 0 {
			t.Fatalf("Head = %+v, want none", none)
		}
		h1 := ledger.Head{Size: 3, Root: [32]byte{1}, Counter: 5, Note: []byte("n"), Stamp: []byte("s"), At: start}
		h2 := ledger.Head{Size: 8, Root: [32]byte{2}, Note: []byte("n2"), At: start}
		ok(t, l.SetHead(ctx, Kiosk, epoch, none, h1))
		ok(t, l.SetHead(ctx, Kiosk, epoch, h1, h1)) // nothing new
		if err := l.SetHead(ctx, Kiosk, epoch, none, h2); !errors.Is(err, ledger.ErrHead) {
			t.Errorf("SetHead proved against an old head = %v, want ErrHead", err)
		}
		ok(t, l.SetHead(ctx, Kiosk, epoch, h1, h2))
		if err := l.SetHead(ctx, Kiosk, epoch, h2, h1); !errors.Is(err, ledger.ErrHead) {
			t.Errorf("SetHead to a smaller head = %v, want ErrHead", err)
		}
		other := h2
		other.Root = [32]byte{3}
		if err := l.SetHead(ctx, Kiosk, epoch, h2, other); !errors.Is(err, ledger.ErrHead) {
			t.Errorf("SetHead to another root of the same size = %v, want ErrHead", err)
		}
		for index, want := range map[int64]int64{0: 3, 2: 3, 3: 8, 7: 8} {
			if h := must[ledger.Head](t)(l.HeadOver(ctx, Kiosk, epoch, index)); h.Size != want {
				t.Errorf("HeadOver(%d) has %d entries, want %d", index, h.Size, want)
			}
		}
		if h := must[ledger.Head](t)(l.HeadOver(ctx, Kiosk, epoch, 0)); h.Counter != 5 {
			t.Errorf("the counter kept is %d, want 5", h.Counter)
		}
		if es := must[[]ledger.Epoch](t)(l.Epochs(ctx, Kiosk)); len(es) != 1 || es[0] != epoch {
			t.Errorf("Epochs = %x, want the one", es)
		}
		if es := must[[]ledger.Epoch](t)(l.Epochs(ctx, "K-000009")); len(es) != 0 {
			t.Errorf("Epochs of a kiosk without heads = %x, want none", es)
		}
		if _, err := l.HeadOver(ctx, Kiosk, epoch, 8); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("HeadOver of an entry that no head covers = %v, want ErrNotFound", err)
		}
		ok(t, l.StampHead(ctx, Kiosk, epoch, 8, []byte("n2 stamped"), []byte("s2")))
		ok(t, l.StampHead(ctx, Kiosk, epoch, 8, []byte("again"), []byte("again"))) // it has one
		if h := must[ledger.Head](t)(l.Head(ctx, Kiosk, epoch)); string(h.Note) != "n2 stamped" || string(h.Stamp) != "s2" {
			t.Errorf("a head stamped later has note %q and stamp %q", h.Note, h.Stamp)
		}
		if err := l.StampHead(ctx, Kiosk, epoch, 7, nil, []byte("s")); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("StampHead of no head = %v, want ErrNotFound", err)
		}
		got := must[ledger.Head](t)(l.Head(ctx, Kiosk, epoch))
		if got.Size != 8 || got.Root != h2.Root || string(got.Note) != "n2 stamped" {
			t.Errorf("Head = %+v, want the second", got)
		}
		if n, last, err := l.Taken(ctx, Kiosk, epoch); err != nil || n != 0 || last != 0 {
			t.Errorf("Taken = %d up to %d, %v, want nothing", n, last, err)
		}
		second := Incoming(2)
		for _, r := range [][]ledger.Incoming{{Incoming(1)}, {second}, {second}} { // one of them again
			must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, r, Receipt()))
		}
		if n, last, err := l.Taken(ctx, Kiosk, second.Epoch); err != nil || n != 2 || last != second.Seq {
			t.Errorf("Taken = %d up to %d, %v, want 2 up to %d", n, last, err, second.Seq)
		}
		if h := must[ledger.Head](t)(l.Head(ctx, Kiosk, ledger.Epoch{9})); h.Size != 0 {
			t.Errorf("Head of another epoch = %+v, want none", h)
		}
	})
}

func kiosks(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		ok(t, l.Broadcast(ctx, ledger.ItemTrust, 1, start, []byte("trust")))
		v := ledger.Visit{Epoch: epoch, At: start, Software: "0.1", Unsent: 4, Oldest: start.Add(-time.Hour), Catalogue: 2, Trust: 3}
		ok(t, l.Visited(ctx, Kiosk, v))
		ok(t, l.Acked(ctx, Kiosk, 1, start))
		v.Unsent = 0
		ok(t, l.Visited(ctx, Kiosk, v))
		ok(t, l.SetHead(ctx, Kiosk, epoch, ledger.Head{}, ledger.Head{Size: 9, Root: [32]byte{1}, Note: []byte("n"), At: start}))
		a := ledger.Alarm{At: start, Kiosk: Kiosk, Code: "journal.inconsistent", Note: "n"}
		ok(t, l.Raise(ctx, a))
		a.At = start.Add(time.Minute)
		ok(t, l.Raise(ctx, a)) // within the hour
		ks := must[[]ledger.Kiosk](t)(l.Kiosks(ctx))
		if len(ks) != 1 || ks[0].ID != Kiosk || ks[0].Visit != v || ks[0].Cursor != 1 || ks[0].JournalSize != 9 || ks[0].Alarms != 1 {
			t.Errorf("Kiosks = %+v, want the one", ks)
		}
		a.At = start.Add(2 * time.Hour)
		ok(t, l.Raise(ctx, a))
		if n := len(must[[]ledger.Alarm](t)(l.Alarms(ctx, 10))); n != 2 {
			t.Errorf("Alarms = %d, want 2", n)
		}
		v.Epoch[0]++
		ok(t, l.Visited(ctx, Kiosk, v))
		v.At = start.Add(time.Minute)
		ok(t, l.Visited(ctx, Kiosk, v))
		al := must[[]ledger.Alarm](t)(l.Alarms(ctx, 10))
		if len(al) != 3 || al[0].Kiosk != Kiosk || al[0].Code != ledger.AlarmReplaced || !al[0].At.Equal(start) {
			t.Errorf("Alarms after a visit with another epoch = %+v, want %s once", al, ledger.AlarmReplaced)
		}
	})
}
