// Package ledgertest is the suite that every ledger passes, whatever it stores
// in. A store's own test calls Test with a function that opens an empty one.
package ledgertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/ledger"
)

// Opener opens the ledger of a test: empty at the first call, and the same one
// again at the next. Test closes what it opens.
type Opener func(t testing.TB) ledger.Ledger

// Kiosk is the kiosk that the suite's records are from.
const Kiosk = "K-000001"

var (
	epoch = ledger.Epoch{1, 2, 3}
	start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
)

// Incoming returns a record with content that follows from its number.
func Incoming(seq uint64) ledger.Incoming {
	sealed := fmt.Appendf(nil, "sealed %d", seq)
	return ledger.Incoming{
		Epoch: epoch, Seq: seq, Doc: sha256.Sum256(fmt.Appendf(nil, "doc %d", seq)), Code: fmt.Sprintf("CODE%06d", seq),
		Service: "job-seeker", Lang: "tk", Claimed: start, Digest: sha256.Sum256(sealed), Sealed: sealed,
	}
}

// Receipt makes receipts that tell what they are for and differ at each call.
func Receipt() func([]ledger.Incoming, time.Time) ([][]byte, error) {
	n := 0
	return func(fresh []ledger.Incoming, _ time.Time) (out [][]byte, _ error) {
		n++
		for i, r := range fresh {
			out = append(out, fmt.Appendf(nil, "receipt %d of batch %d for %d fork %t", i, n, r.Seq, r.Fork != nil))
		}
		return out, nil
	}
}

// Signed makes receipts that are all the same.
func Signed(text string) func([]ledger.Incoming, time.Time) ([][]byte, error) {
	return func(fresh []ledger.Incoming, _ time.Time) (out [][]byte, _ error) {
		for range fresh {
			out = append(out, []byte(text))
		}
		return out, nil
	}
}

// Decided makes DECIDED receipts.
func Decided(ds []ledger.Decided) (out [][]byte, _ error) {
	for _, d := range ds {
		out = append(out, fmt.Appendf(nil, "decided %s %s", d.State, d.Reason))
	}
	return out, nil
}

// Settle decides one record.
func Settle(ctx context.Context, l ledger.Ledger, k ledger.Key, d ledger.Decision) error {
	return l.Decide(ctx, []ledger.Verdict{{Key: k, Decision: d}}, Decided)
}

// Registered returns a decision that registers.
func Registered() ledger.Decision {
	return ledger.Decision{
		State: ledger.Registered, At: start.Add(time.Minute), Agency: "employment-service", Service: "job-seeker",
		Identified: true, Signer: citizen.NewText("NUSGAÝEWA AÝNA"), Due: start.AddDate(0, 0, 5), Container: []byte("container"),
		Facts:    ledger.Facts{Whole: ledger.Finding{Verdict: "yes", Reason: "ok"}, Claimed: start, RevocationAge: time.Hour},
		AnswerTo: []string{"agepiv1x"},
	}
}

// Refused returns a decision that refuses.
func Refused(reason string) ledger.Decision {
	d := Registered()
	return ledger.Decision{State: ledger.Refused, Reason: reason, At: d.At}
}

// Test runs the suite. Each test gets a ledger of its own; after each, Check
// must find nothing.
func Test(t *testing.T, open func(t testing.TB) Opener) {
	for name, f := range map[string]func(*testing.T, Opener){
		"SameDigestSameReceipt": sameDigest,
		"CodeOfOpened":          code,
		"RevokeSeal":            revoke,
		"OneTransaction":        oneTransaction,
		"ForkIsKept":            fork,
		"RenamedIsKept":         renamed,
		"BatchOfReceipts":       batchOfReceipts,
		"BatchOfDecisions":      batchOfDecisions,
		"OrderOfDecisions":      orderOfDecisions,
		"AnyName":               anyName,
		"AtOnce":                atOnce,
		"Decide":                decide,
		"OneDocumentTwice":      twice,
		"NameIsNoDocument":      unproven,
		"Refuse":                refuse,
		"AnswerOnce":            answer,
		"CheckNumber":           checkNumber,
		"List":                  list,
		"Items":                 items,
		"Heads":                 heads,
		"Kiosks":                kiosks,
		"StorageTimes":          storageTimes,
		"Dictionaries":          dictionaries,
		"Published":             published,
		"WalkTheArchive":        walk,
		"Traffic":               traffic,
		"Uploads":               uploads,
	} {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

// with opens a ledger, runs f and checks and closes it.
func with(t *testing.T, open Opener, f func(ctx context.Context, l ledger.Ledger)) {
	t.Helper()
	l := open(t)
	f(t.Context(), l)
	if err := l.Check(t.Context()); err != nil {
		t.Errorf("Check = %v, want nil", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func key(r ledger.Incoming) ledger.Key {
	return ledger.Key{Kiosk: Kiosk, Epoch: r.Epoch, Seq: r.Seq, Digest: r.Digest, Doc: r.Doc}
}

func sameDigest(t *testing.T, open Opener) {
	make := Receipt()
	var first []ledger.Outcome
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		first = must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{Incoming(1), Incoming(2)}, make))
		if len(first) != 2 || !first[0].New || first[0].Fork {
			t.Fatalf("Intake = %+v, want two new ones", first)
		}
	})
	with(t, open, func(ctx context.Context, l ledger.Ledger) { // after a restart, and in another batch
		again := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start.AddDate(10, 0, 0), []ledger.Incoming{Incoming(2), Incoming(3), Incoming(1)}, make))
		if !bytes.Equal(again[0].Receipt, first[1].Receipt) || !bytes.Equal(again[2].Receipt, first[0].Receipt) || again[0].New || again[2].New {
			t.Errorf("receipts of the second time: got %q and %q, want %q and %q", again[0].Receipt, again[2].Receipt, first[1].Receipt, first[0].Receipt)
		}
		if !again[1].New {
			t.Error("the third record is not new, want new")
		}
		other := must[[]ledger.Outcome](t)(l.Intake(ctx, "K-000002", start, []ledger.Incoming{Incoming(1)}, make))
		if !other[0].New || other[0].Fork {
			t.Errorf("the same number from another kiosk: got %+v, want new", other[0])
		}
		if n := len(must[[]ledger.Record](t)(l.Undecided(ctx, 0, 10))); n != 4 {
			t.Errorf("Undecided = %d records, want 4", n)
		}
		var after int64
		seen := map[ledger.Key]bool{}
		for {
			recs := must[[]ledger.Record](t)(l.Undecided(ctx, after, 3))
			if len(recs) == 0 {
				break
			}
			for _, r := range recs {
				if r.Place <= after || seen[r.Key] {
					t.Errorf("Undecided after %d = a record at %d, seen before: %v", after, r.Place, seen[r.Key])
				}
				after, seen[r.Key] = r.Place, true
			}
		}
		if len(seen) != 4 {
			t.Errorf("walking along Undecided gave %d records, want 4", len(seen))
		}
	})
}

func oneTransaction(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		broken := errors.New("the receipt key is gone")
		_, err := l.Intake(ctx, Kiosk, start, []ledger.Incoming{Incoming(1), Incoming(2)}, func([]ledger.Incoming, time.Time) ([][]byte, error) {
			return nil, broken
		})
		if !errors.Is(err, broken) {
			t.Errorf("Intake = %v, want the receipt's error", err)
		}
		if n := len(must[[]ledger.Record](t)(l.Undecided(ctx, 0, 10))); n != 0 {
			t.Errorf("Undecided = %d records after a failed batch, want 0", n)
		}
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{Incoming(1)}, Receipt()))
		err = l.Decide(ctx, []ledger.Verdict{{Key: key(Incoming(1)), Decision: Registered()}}, func([]ledger.Decided) ([][]byte, error) { return nil, broken })
		if !errors.Is(err, broken) {
			t.Errorf("Decide = %v, want the receipt's error", err)
		}
		if r := must[ledger.Request](t)(l.Get(ctx, Incoming(1).Doc)); r.State != ledger.Received {
			t.Errorf("state after a failed decision: got %q, want received", r.State)
		}
	})
}

func fork(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		make := Receipt()
		a, b := Incoming(1), Incoming(2)
		b.Seq = 1
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{a}, make))
		o := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{b}, make))
		if !o[0].Fork || !o[0].New || !bytes.HasSuffix(o[0].Receipt, []byte("fork true")) {
			t.Errorf("Intake of a fork = %+v %q, want a new fork whose receipt says so", o[0], o[0].Receipt)
		}
		again := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{b}, make))
		if !bytes.Equal(again[0].Receipt, o[0].Receipt) {
			t.Errorf("receipt of a fork again: got %q, want %q", again[0].Receipt, o[0].Receipt)
		}
		if n := len(must[[]ledger.Record](t)(l.Undecided(ctx, 0, 10))); n != 2 {
			t.Errorf("Undecided = %d, want both", n)
		}
		al := must[[]ledger.Alarm](t)(l.Alarms(ctx, 10))
		if len(al) != 1 || al[0].Code != "kiosk.fork" || al[0].Kiosk != Kiosk {
			t.Errorf("Alarms = %+v, want one kiosk.fork", al)
		}
	})
}

// renamed: a record whose document's name had changed on the way was kept under the
// wrong name, and kept the record under the right one out for ever.
func renamed(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		make := Receipt()
		a, b := Incoming(1), Incoming(1)
		a.Doc[5] ^= 1
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{a}, make))
		o := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{b}, make))
		if !o[0].Fork || !o[0].New {
			t.Errorf("Intake of the same bytes under another name = %+v, want a new fork", o[0])
		}
		if again := must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{b}, make)); again[0].New {
			t.Errorf("Intake of the same bytes under that name again = %+v, want what is there", again[0])
		}
		ok(t, Settle(ctx, l, key(a), Refused("container.other")))
		ok(t, Settle(ctx, l, key(b), Registered()))
		if r := must[ledger.Request](t)(l.Get(ctx, b.Doc)); r.State != ledger.Registered {
			t.Errorf("state under the right name: got %q, want registered", r.State)
		}
	})
}

// atOnce sends the same records from many sides.
func atOnce(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		var mu sync.Mutex
		made := 0
		var wg sync.WaitGroup
		got := make([][]ledger.Outcome, 8)
		for i := range got {
			wg.Go(func() {
				var recs []ledger.Incoming
				for s := range uint64(20) {
					recs = append(recs, Incoming(s+1))
				}
				out, err := l.Intake(ctx, Kiosk, start, recs, func(fresh []ledger.Incoming, _ time.Time) (out [][]byte, _ error) {
					mu.Lock()
					defer mu.Unlock()
					for range fresh {
						made++
						out = append(out, fmt.Appendf(nil, "receipt %d", made))
					}
					return out, nil
				})
				if err != nil {
					t.Error(err)
				}
				got[i] = out
			})
		}
		wg.Wait()
		for i := range got {
			for j := range got[i] {
				if !bytes.Equal(got[i][j].Receipt, got[0][j].Receipt) {
					t.Fatalf("record %d: sender %d got %q, sender 0 got %q", j, i, got[i][j].Receipt, got[0][j].Receipt)
				}
			}
		}
		if n := len(must[[]ledger.Record](t)(l.Undecided(ctx, 0, 1000))); n != 20 {
			t.Errorf("Undecided = %d, want 20", n)
		}
	})
}

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

func answer(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		in := Incoming(1)
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, []ledger.Incoming{in}, Receipt()))
		a := ledger.Answer{State: ledger.Returned, ID: ledger.Doc{7}, By: "officer 1", At: start.Add(time.Hour), Container: []byte("c"), Packet: []byte("p"), Seal: "HTTPS://X/V/Y", Check: "K7M4P29QDX"}
		if err := l.Answer(ctx, in.Doc, a); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Answer before registration = %v, want ErrNotFound", err)
		}
		ok(t, Settle(ctx, l, key(in), Registered()))
		var wg sync.WaitGroup
		var mu sync.Mutex
		done, late := 0, 0
		for range 6 {
			wg.Go(func() {
				err := l.Answer(ctx, in.Doc, a)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done++
				case errors.Is(err, ledger.ErrAnswered):
					late++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if done != 1 || late != 5 {
			t.Errorf("of six answers %d were taken and %d were late, want 1 and 5", done, late)
		}
		r := must[ledger.Request](t)(l.Get(ctx, in.Doc))
		if r.State != ledger.Returned || r.Answer == nil || r.Answer.By != a.By || string(r.Answer.Packet) != "p" || string(r.Answer.Container) != "c" ||
			r.Answer.Seal != a.Seal || r.Answer.Check != a.Check || r.Answer.ID != a.ID || !r.Answer.At.Equal(a.At) || r.Answer.State != a.State {
			t.Errorf("Get = %+v, want the answer", r)
		}
		its := must[[]ledger.Item](t)(l.Items(ctx, Kiosk, 0, 10))
		if len(its) != 2 || its[1].Kind != ledger.ItemAnswer || its[1].Stage != ledger.Returned || string(its[1].Bytes) != "p" {
			t.Errorf("Items = %+v, want the decision and the answer", its)
		}
		if err := l.Assign(ctx, in.Doc, "officer 2"); !errors.Is(err, ledger.ErrAnswered) {
			t.Errorf("Assign after the answer = %v, want ErrAnswered", err)
		}
	})
}

func list(t *testing.T, open Opener) {
	with(t, open, func(ctx context.Context, l ledger.Ledger) {
		var recs []ledger.Incoming
		for i := range uint64(4) {
			recs = append(recs, Incoming(i+1))
		}
		must[[]ledger.Outcome](t)(l.Intake(ctx, Kiosk, start, recs, Receipt()))
		for i := range 3 {
			d := Registered()
			d.Due = start.AddDate(0, 0, 3-i)
			if i == 0 {
				d.Agency = "ombudsman"
			}
			ok(t, Settle(ctx, l, key(recs[i]), d))
		}
		for _, c := range []struct {
			f    ledger.Filter
			want []uint64
		}{
			{ledger.Filter{}, []uint64{3, 2, 1, 4}},
			{ledger.Filter{Agency: "employment-service"}, []uint64{3, 2}},
			{ledger.Filter{Agency: "ombudsman", State: ledger.Registered}, []uint64{1}},
			{ledger.Filter{State: ledger.Received}, []uint64{4}},
			{ledger.Filter{State: ledger.Answered}, nil},
			{ledger.Filter{Text: "aýna"}, []uint64{3, 2, 1}},
			{ledger.Filter{Text: "code000002"}, []uint64{2}},
			{ledger.Filter{Text: "%"}, nil},
			{ledger.Filter{Max: 1}, []uint64{3}},
		} {
			var got []uint64
			for _, r := range must[[]ledger.Request](t)(l.List(ctx, c.f)) {
				got = append(got, r.Seq)
				if r.Container != nil {
					t.Errorf("List(%+v) brings containers", c.f)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("List(%+v) = %v, want %v", c.f, got, c.want)
			}
		}
		if _, err := l.Get(ctx, ledger.Doc{1}); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Get of nothing = %v, want ErrNotFound", err)
		}
		if n := must[map[ledger.State]int](t)(l.Counts(ctx)); n[ledger.Received] != 1 || n[ledger.Registered] != 3 {
			t.Errorf("Counts = %v, want 1 received and 3 registered", n)
		}
	})
}

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
