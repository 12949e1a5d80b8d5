package ledgertest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/ledger"
)

func decide(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		in := Incoming(1)
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{in}, Receipt()))
		if err := Settle(ctx, l, key(Incoming(9)), Registered()); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Decide of an unknown record = %v, want ErrNotFound", err)
		}
		ok(t, Settle(ctx, l, key(in), Registered()))
		ok(t, Settle(ctx, l, key(in), Refused("late"))) // changes nothing
		r := must[ledger.Request](t)(l.Get(ctx, in.Doc))
		want := Registered()
		if r.State != ledger.Registered || r.Reason != "" || r.Agency != want.Agency || r.Signer.Reveal() != want.Signer.Reveal() ||
			!r.Identified || string(r.Container) != "container" || !r.Due.Equal(want.Due) || !r.Registered.Equal(want.At) ||
			!r.Received.Equal(start) || r.Facts != want.Facts || !slices.Equal(r.AnswerTo, want.AnswerTo) || r.Seq != 1 || r.Epoch != epoch {
			t.Errorf("Get = %+v, want what was decided", r)
		}
		its := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, 0, 10))
		if len(its) != 1 || its[0].Kind != ledger.ItemDecided || string(its[0].Bytes) != "decided registered " || its[0].Stage != ledger.Registered || its[0].Doc != in.Doc {
			t.Errorf("Items = %+v, want one decided receipt", its)
		} else if least := want.At.UnixMilli(); its[0].ID < uint64(least) { //nolint:gosec // after 1970
			t.Errorf("the item's ID = %d, want at least the time, %d: a ledger restored from a backup must give none again", its[0].ID, least)
		}
		if n := len(must[[]ledger.Record](t)(l.Undecided(ctx, 0, 10))); n != 0 {
			t.Errorf("Undecided = %d, want 0", n)
		}
		ok(t, l.Assign(ctx, in.Doc, "officer 1"))
		if r := must[ledger.Request](t)(l.Get(ctx, in.Doc)); r.Assigned != "officer 1" {
			t.Errorf("Assigned = %q, want officer 1", r.Assigned)
		}
	})
}

// code opens documents whose tracking code nobody could tell before: it takes
// the place of the first one, for good, and in every record of the document.
func code(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		a, again, bad := Incoming(1), Incoming(1), Incoming(2)
		again.Epoch = ledger.Epoch{9}
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{a, again, bad}, Receipt()))
		d, no := Registered(), Refused("service.unknown")
		d.Code, no.Code = "SECRET0001", "SECRET0002"
		ok(t, Settle(ctx, l, key(a), d))
		ok(t, Settle(ctx, l, key(again), Refused("envelope.unreadable"))) // does not know the code
		ok(t, Settle(ctx, l, key(bad), no))
		for _, x := range []struct {
			code string
			want int
		}{{a.Code, 0}, {bad.Code, 0}, {"SECRET0001", 1}, {"SECRET0002", 1}} {
			by := must[[]ledger.Request](t)(l.ByCode(ctx, x.code))
			if len(by) != x.want || x.want == 1 && by[0].Code != x.code {
				t.Errorf("ByCode(%s) = %+v, want %d", x.code, by, x.want)
			}
		}
		if by := must[[]ledger.Request](t)(l.List(ctx, ledger.Filter{Text: "secret0001"})); len(by) != 1 {
			t.Errorf("List(secret0001) = %d requests, want 1", len(by))
		}
		for i, want := range []int{1, 1, 0} {
			prefix := slices.Clone(a.Doc[:8*(i+1)])
			if want == 0 {
				prefix[23]++
			}
			if by := must[[]ledger.Request](t)(l.ByDoc(ctx, prefix)); len(by) != want {
				t.Errorf("ByDoc of %d bytes = %d requests, want %d", len(prefix), len(by), want)
			}
		}
		if _, err := l.ByDoc(ctx, a.Doc[:7]); err == nil {
			t.Error("ByDoc of 7 bytes = nil, want an error")
		}
	})
}

// twice brings one document in two records, as after a salvage.
func twice(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		a, b, c := Incoming(1), Incoming(1), Incoming(1)
		b.Epoch, c.Epoch = ledger.Epoch{9}, ledger.Epoch{10}
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{a, b, c}, Receipt()))
		ok(t, Settle(ctx, l, key(a), Registered()))
		ok(t, Settle(ctx, l, key(b), Refused("cert.expired")))
		ok(t, l.Answer(ctx, a.Doc, ledger.Answer{State: ledger.Answered, ID: ledger.Doc{7}, At: start, Container: []byte("c"), Packet: []byte("p")}))
		ok(t, Settle(ctx, l, key(c), Registered()))
		if n := must[map[ledger.State]int](t)(l.Counts(ctx)); n[ledger.Answered] != 1 || n[ledger.Registered] != 0 || n[ledger.Refused] != 0 {
			t.Errorf("Counts = %v, want one answered", n)
		}
		var got []string
		for _, it := range must[[]ledger.Item](t)(l.Items(ctx, Kiosk, 0, 10)) {
			got = append(got, string(it.Bytes))
		}
		want := []string{"decided registered ", "decided registered ", "p", "decided registered ", "p"}
		if !slices.Equal(got, want) {
			t.Errorf("Items = %q, want %q", got, want)
		}
	})
}

// unproven brings records that name a registered document and do not show it:
// one with other bytes, from another kiosk, gets nothing of it; one with the
// very bytes that brought it does.
func unproven(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		a, salvaged, other := Incoming(1), Incoming(1), Incoming(2)
		salvaged.Epoch, other.Doc = ledger.Epoch{9}, a.Doc
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{a, salvaged}, Receipt()))
		must[[]ledger.Outcome](t)(l.Intake(ctx, "K-000002", start, []ledger.Incoming{other}, Receipt()))
		ok(t, Settle(ctx, l, key(a), Registered()))
		no := Refused("envelope.unreadable")
		no.Unproven = true
		theirs := key(other)
		theirs.Kiosk = "K-000002"
		ok(t, Settle(ctx, l, theirs, no))
		ok(t, Settle(ctx, l, key(salvaged), no))
		ok(t, l.Answer(ctx, a.Doc, ledger.Answer{State: ledger.Answered, ID: ledger.Doc{7}, At: start, Container: []byte("c"), Packet: []byte("p")}))
		for kiosk, want := range map[string][]string{
			Kiosk:      {"decided registered ", "decided registered ", "p"},
			"K-000002": {"decided refused envelope.unreadable"},
		} {
			var got []string
			for _, it := range must[[]ledger.Item](t)(l.Items(ctx, kiosk, 0, 10)) {
				got = append(got, string(it.Bytes))
			}
			if !slices.Equal(got, want) {
				t.Errorf("Items of %s = %q, want %q", kiosk, got, want)
			}
		}
		if r := must[ledger.Request](t)(l.Get(ctx, a.Doc)); r.State != ledger.Answered || r.Kiosk != Kiosk {
			t.Errorf("Get = %s of %s, want the answered request", r.State, r.Kiosk)
		}
	})
}

func refuse(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		in := Incoming(1)
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{in}, Receipt()))
		if err := Settle(ctx, l, key(in), Refused("")); err == nil {
			t.Error("Decide = nil for a refusal without a reason")
		}
		ok(t, Settle(ctx, l, key(in), Refused("signer.not_in_bundle")))
		r := must[ledger.Request](t)(l.Get(ctx, in.Doc))
		if r.State != ledger.Refused || r.Reason != "signer.not_in_bundle" || r.Answer != nil {
			t.Errorf("Get = %+v, want refused with the reason", r)
		}
		if by := must[[]ledger.Request](t)(l.ByDoc(ctx, in.Doc[:16])); len(by) != 1 || by[0].Doc != in.Doc {
			t.Errorf("ByDoc = %+v, want the refused one", by)
		}
		if err := l.Answer(ctx, in.Doc, ledger.Answer{State: ledger.Answered, At: start, Container: []byte("c"), Packet: []byte("p")}); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Answer to a refused request = %v, want ErrNotFound", err)
		}
		if by := must[[]ledger.Request](t)(l.ByCode(ctx, in.Code)); len(by) != 1 || by[0].State != ledger.Refused {
			t.Errorf("ByCode = %+v, want the refused one", by)
		}
		if rs := must[[]ledger.Request](t)(l.List(ctx, ledger.Filter{State: ledger.Refused})); len(rs) != 1 {
			t.Errorf("List(refused) = %d, want 1", len(rs))
		}
		if n := must[map[ledger.State]int](t)(l.Counts(ctx)); n[ledger.Refused] != 1 || n[ledger.Received] != 0 {
			t.Errorf("Counts = %v, want one refused", n)
		}
	})
}

// anyName: the name in a document may hold any character there is. Its request must
// not wait for ever because a database does not know one of them.
func anyName(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		in, d := Incoming(1), Registered()
		d.Signer = citizen.NewText("NUSGA\x00ÝEWA AÝNA 😀")
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{in}, Receipt()))
		ok(t, Settle(ctx, l, key(in), d))
		if r := must[ledger.Request](t)(l.Get(ctx, in.Doc)); r.Signer.Reveal() != "NUSGA\uFFFDÝEWA AÝNA 😀" {
			t.Errorf("the signer became %q, want the zero character as one that is not known", r.Signer.Reveal())
		}
	})
}
