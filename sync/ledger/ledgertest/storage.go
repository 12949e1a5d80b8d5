package ledgertest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// storageTimes holds what ED-13 wants kept: where it came from and went to, when
// it was made, sent, received, registered, answered and the answer received, and
// the document as it came.
func storageTimes(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		in, plain := Incoming(1), Incoming(2)
		in.Sent, in.Channel = start.Add(time.Second), ledger.ChannelKiosk
		at := start.Add(2 * time.Second)
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, at, []ledger.Incoming{in, plain}, Receipt()))
		if u := must[[]ledger.Record](t)(l.Undecided(ctx, 0, 1)); u[0].Channel != ledger.ChannelKiosk || !u[0].Sent.Equal(in.Sent) {
			t.Errorf("Undecided = %+v, want channel and time of sending", u)
		}
		if r := must[ledger.Request](t)(l.Get(ctx, plain.Doc)); r.Channel != ledger.ChannelKiosk || !r.Sent.IsZero() {
			t.Errorf("Get of what is only received = %+v, want the channel and no time of sending", r)
		}
		d := Registered()
		d.Original = []byte("as it came")
		ok(t, Settle(ctx, l, key(in), d))
		r := must[ledger.Request](t)(l.Get(ctx, in.Doc))
		if r.Kiosk != Kiosk || r.Channel != ledger.ChannelKiosk || r.Agency != d.Agency || string(r.Original) != "as it came" || string(r.Container) != "container" ||
			!r.Claimed.Equal(in.Claimed) || !r.Sent.Equal(in.Sent) || !r.Received.Equal(at) || !r.Registered.Equal(d.At) {
			t.Errorf("Get = %+v, want origin, destination, times and both forms", r)
		}

		ok(t, l.Visited(ctx, Kiosk, ledger.Visit{Epoch: epoch, At: start}))
		ok(t, l.Answer(ctx, in.Doc, ledger.Answer{State: ledger.Answered, At: start.Add(time.Hour), Container: []byte("c"), Packet: []byte("p")}))
		its := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, 0, 10))
		answer := its[len(its)-1].ID
		ok(t, l.Acked(ctx, Kiosk, answer-1, start.Add(2*time.Hour)))
		if r := must[ledger.Request](t)(l.Get(ctx, in.Doc)); !r.Answer.Received.IsZero() {
			t.Errorf("the answer is received at %s, before the kiosk said so", r.Answer.Received)
		}
		for _, h := range []time.Duration{3, 4} { // said again, it stays when it was first
			ok(t, l.Acked(ctx, Kiosk, answer, start.Add(h*time.Hour)))
		}
		if r := must[ledger.Request](t)(l.Get(ctx, in.Doc)); !r.Answer.Received.Equal(start.Add(3 * time.Hour)) {
			t.Errorf("the answer is received at %s, want when the kiosk first said so", r.Answer.Received)
		}
	})
}

// published holds that no version of what was in force is forgotten.
func published(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		ok(t, l.Broadcast(ctx, ledger.ItemTrust, 3, start, []byte("trust 3")))
		ok(t, l.Broadcast(ctx, ledger.ItemTrust, 5, start.Add(time.Hour), []byte("trust 5")))
		for _, c := range []struct {
			at   time.Time
			want uint64
		}{{start, 3}, {start.Add(time.Hour - time.Second), 3}, {start.Add(time.Hour), 5}, {start.AddDate(9, 0, 0), 5}} {
			if p, err := l.Published(ctx, ledger.ItemTrust, c.at); err != nil || p.Version != c.want {
				t.Errorf("Published at %s = %d, %v, want %d", c.at, p.Version, err, c.want)
			}
		}
		if _, err := l.Published(ctx, ledger.ItemTrust, start.Add(-time.Second)); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Published before the first = %v, want ErrNotFound", err)
		}
		if _, err := l.Published(ctx, ledger.ItemCatalogue, start); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Published of another kind = %v, want ErrNotFound", err)
		}
		if p, err := l.PublishedVersion(ctx, ledger.ItemTrust, 3); err != nil || string(p.Bytes) != "trust 3" || !p.At.Equal(start) {
			t.Errorf("PublishedVersion(3) = %+v, %v, want trust 3", p, err)
		}
		if _, err := l.PublishedVersion(ctx, ledger.ItemTrust, 4); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("PublishedVersion(4) = %v, want ErrNotFound", err)
		}
	})
}

// walk reads everything kept, a little at a time.
func walk(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		var recs []ledger.Incoming
		for i := range uint64(7) {
			recs = append(recs, Incoming(i+1))
		}
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, recs, Receipt()))
		for _, r := range recs[:5] {
			ok(t, Settle(ctx, l, key(r), Registered()))
		}
		ok(t, Settle(ctx, l, key(recs[5]), Refused("cert.foreign")))

		var seen []uint64
		after := uint64(0)
		for {
			ns := must[[]uint64](t)(l.RecordsAfter(ctx, after, 3))
			if len(ns) == 0 {
				break
			}
			for _, n := range ns {
				s := must[ledger.Stored](t)(l.StoredRecord(ctx, n))
				seen, after = append(seen, s.Seq), n
				want := recs[s.Seq-1]
				if s.Key != key(want) || s.Doc != want.Doc || string(s.Sealed) != string(want.Sealed) || len(s.Receipt) == 0 ||
					(s.State == ledger.Received) != (s.Decision == nil) || (s.Reason == "cert.foreign") != (s.Seq == 6) {
					t.Errorf("StoredRecord = %+v, want record %d", s, s.Seq)
				}
			}
		}
		if slices.Sort(seen); !slices.Equal(seen, []uint64{1, 2, 3, 4, 5, 6, 7}) {
			t.Errorf("the walk saw %v, want each record once", seen)
		}
		if _, err := l.StoredRecord(ctx, after+1); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("StoredRecord of none = %v, want ErrNotFound", err)
		}

		if s := must[ledger.Stored](t)(l.BroughtBy(ctx, recs[2].Doc)); s.Key != key(recs[2]) || string(s.Sealed) != string(recs[2].Sealed) {
			t.Errorf("BroughtBy = %+v, want record 3", s)
		}
		for _, r := range recs[5:] {
			if _, err := l.BroughtBy(ctx, r.Doc); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("BroughtBy of what is not registered = %v, want ErrNotFound", err)
			}
		}

		docs := map[ledger.Doc]bool{}
		var last uint64
		for {
			ds := must[[]ledger.NumberedDoc](t)(l.DocsAfter(ctx, last, 2))
			if len(ds) == 0 {
				break
			}
			for _, d := range ds {
				docs[d.Doc], last = true, d.Number
			}
		}
		if len(docs) != 5 || !docs[recs[0].Doc] || docs[recs[5].Doc] {
			t.Errorf("the walk saw %d documents, want the five registered", len(docs))
		}
	})
}
