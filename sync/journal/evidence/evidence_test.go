package evidence_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/journal/evidence"
	"github.com/penjire/penjire/sync/wire"
)

var (
	day   = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	epoch = [16]byte{0xe0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
)

// log is a journal in memory, which can be built as one likes.
type log struct {
	epoch   [16]byte
	entries [][]byte
	edge    journal.Edge
	hashes  map[[2]int64]journal.Hash
}

func newLog(entries ...[]byte) *log {
	l := &log{epoch: epoch, hashes: map[[2]int64]journal.Hash{}}
	for _, e := range entries {
		n := l.edge.Size()
		for level, h := range l.edge.Add(journal.LeafHash(e)) {
			l.hashes[[2]int64{int64(level), n >> level}] = h
		}
		l.entries = append(l.entries, e)
	}
	return l
}

func (l *log) ReadHash(level int, n int64) (journal.Hash, error) {
	h, ok := l.hashes[[2]int64{int64(level), n}]
	if !ok {
		return h, errors.New("no such hash")
	}
	return h, nil
}

func (l *log) Checkpoint() journal.Checkpoint {
	return journal.Checkpoint{Origin: specimenKiosk + "/" + hex.EncodeToString(l.epoch[:]), Size: l.edge.Size(), Root: l.edge.Root()}
}

func (l *log) Entry(_ context.Context, i int64) (journal.Entry, error) {
	if i >= int64(len(l.entries)) {
		return journal.Entry{}, errors.New("no such entry")
	}
	return journal.ParseEntry(l.entries[i])
}

func (l *log) RootAt(_ context.Context, size int64) ([32]byte, error) { return journal.Root(size, l) }

func (l *log) Inclusion(_ context.Context, i, size int64) ([][32]byte, error) {
	return journal.Inclusion(i, size, l)
}

func (l *log) Consistency(_ context.Context, old, size int64) ([][32]byte, error) {
	return journal.Consistency(old, size, l)
}

const specimenKiosk = "K-000001"

// rig is a kiosk's journal of twenty entries with two beacons in it, the portal
// that witnesses, and the paper of entry 11.
type rig struct {
	*specimen.World
	t       *testing.T
	f       *evidence.Folder
	dir     string
	entries [][]byte
	beacons map[int64][]byte
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w, err := specimen.New(day)
	if err != nil {
		t.Fatal(err)
	}
	if w.Device.ID != specimenKiosk {
		t.Fatalf("the specimen kiosk is %s", w.Device.ID)
	}
	r := &rig{World: w, t: t, dir: t.TempDir(), beacons: map[int64][]byte{}}
	if r.f, err = evidence.Open(r.dir); err != nil {
		t.Fatal(err)
	}
	for i := range int64(20) {
		e := journal.Entry{Kind: journal.ClockStep, At: day.Add(time.Duration(i) * time.Minute)}
		switch {
		case i == 3 || i == 8:
			signed, err := wire.SignTime(wire.Time{Kiosk: specimenKiosk, Epoch: epoch, At: e.At.Unix(), Confirmer: "portal.specimen"}, w.PortalReceipt.Key, w.PortalReceipt.Cert)
			if err != nil {
				t.Fatal(err)
			}
			r.beacons[i] = signed
			sum := sha256.Sum256(signed)
			e.Kind, e.Fields = journal.Beacon, journal.Fields{To: e.At.UnixMilli(), Digest: sum[:]}
			if err := r.f.PutBeacon(epoch, i, signed); err != nil {
				t.Fatal(err)
			}
		case i%2 == 1:
			e.Kind, e.Fields = journal.DocSigned, journal.Fields{Doc: doc(i), Digest: doc(i), Epoch: epoch[:], Seq: uint64(i)}
		}
		b, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		r.entries = append(r.entries, b)
	}
	return r
}

func doc(i int64) []byte {
	d := sha256.Sum256(fmt.Append(nil, "document ", i))
	return d[:]
}

// sign is the kiosk's signature of a head.
func (r *rig) sign(c journal.Checkpoint) (*journal.Head, error) {
	return c.Sign(specimenKiosk, r.Device.Signing.Signer(), day.Add(time.Hour), false)
}

// witness signs the head of the first size entries as kiosk and portal, stamped
// at.
func (r *rig) witness(l *log, size int64, stamped time.Time) *journal.Head {
	r.t.Helper()
	root, err := l.RootAt(r.t.Context(), size)
	if err != nil {
		r.t.Fatal(err)
	}
	h, err := r.sign(journal.Checkpoint{Origin: l.Checkpoint().Origin, Size: size, Root: root})
	if err != nil {
		r.t.Fatal(err)
	}
	sig, err := h.Signature(r.PortalReceipt.Signer(), stamped, false)
	if err != nil {
		r.t.Fatal(err)
	}
	a, err := tsp.NewAuthority(r.TSA.Signer(), func() time.Time { return stamped })
	if err != nil {
		r.t.Fatal(err)
	}
	token, _, err := a.Stamp(r.t.Context(), sig.Imprint())
	if err != nil {
		r.t.Fatal(err)
	}
	if h, err = h.With("portal.specimen", r.PortalReceipt.Cert, sig.WithTimeStamp(token)); err != nil {
		r.t.Fatal(err)
	}
	if err := r.f.PutHead(l.epoch, h); err != nil {
		r.t.Fatal(err)
	}
	return h
}

func (r *rig) prove(l *log, index int64) *evidence.Proof {
	r.t.Helper()
	p, err := evidence.Prove(r.t.Context(), l, r.f, index, r.sign)
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := p.Marshal()
	if err != nil {
		r.t.Fatal(err)
	}
	if p, err = evidence.ParseProof(b); err != nil {
		r.t.Fatal(err)
	}
	return p
}

func (r *rig) now() time.Time { return day.Add(2 * time.Hour) }

// TestBracket takes the tightest bracket that is proved.
func TestBracket(t *testing.T) {
	r := newRig(t)
	l := newLog(r.entries...)
	one, two := day.Add(30*time.Minute), day.Add(40*time.Minute)
	r.witness(l, 10, one)
	r.witness(l, 16, two)
	for _, tt := range []struct {
		index int64
		want  journal.Bracket
	}{
		{1, journal.Bracket{NotAfter: one}},
		{5, journal.Bracket{NotBefore: day.Add(3 * time.Minute), NotAfter: one}},
		{9, journal.Bracket{NotBefore: day.Add(8 * time.Minute), NotAfter: one}},
		{11, journal.Bracket{NotBefore: day.Add(8 * time.Minute), NotAfter: two}},
		{15, journal.Bracket{NotBefore: day.Add(8 * time.Minute), NotAfter: two}},
		{17, journal.Bracket{NotBefore: day.Add(8 * time.Minute)}}, // the kiosk's word alone
	} {
		c, err := r.prove(l, tt.index).Check(r.Trust(), r.now())
		if err != nil || c.Bracket != tt.want || (c.Witness == "") != tt.want.NotAfter.IsZero() {
			t.Errorf("entry %d: %+v, %v, want %+v", tt.index, c, err, tt.want)
		}
	}
	// The folder is read again after a start, and holds a power cut's rest.
	if err := os.WriteFile(filepath.Join(r.dir, "new.1.tmp"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := evidence.Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := f.HeadOver(epoch, 10); err != nil || h.Size != 16 || f.Witnessed(epoch) != 16 {
		t.Errorf("HeadOver in the folder opened again = %v, want that of 16", err)
	}
	if at, b, err := f.BeaconBefore(epoch, 8); err != nil || at != 3 || !bytes.Equal(b, r.beacons[3]) {
		t.Errorf("BeaconBefore(8) = %d, %v, want 3", at, err)
	}
	if _, err := f.HeadOver([16]byte{1}, 0); !errors.Is(err, evidence.ErrNone) {
		t.Errorf("HeadOver of another epoch = %v, want ErrNone", err)
	}
}

// TestProof changes every part of a proof.
func TestProof(t *testing.T) {
	r := newRig(t)
	l := newLog(r.entries...)
	r.witness(l, 16, day.Add(30*time.Minute))
	if c, err := r.prove(l, 11).Check(r.Trust(), r.now()); err != nil || c.Kiosk != specimenKiosk || c.Epoch != epoch || !bytes.Equal(c.Entry.Fields.Doc, doc(11)) {
		t.Fatalf("Check = %+v, %v", c, err)
	}
	stranger, err := specimen.New(day)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.prove(l, 11).Check(stranger.Trust(), r.now()); err == nil {
		t.Error("Check with a stranger's bundle: no error")
	}
	for name, change := range map[string]func(p *evidence.Proof){
		"index":         func(p *evidence.Proof) { p.Index = 12 },
		"entry":         func(p *evidence.Proof) { p.Entry = r.entries[13] },
		"not an entry":  func(p *evidence.Proof) { p.Entry = []byte("x") },
		"inclusion":     func(p *evidence.Proof) { p.Inclusion[0][0] ^= 1 },
		"root":          func(p *evidence.Proof) { p.Root[0] ^= 1 },
		"consistency":   func(p *evidence.Proof) { p.Consistency = p.Consistency[1:] },
		"head":          func(p *evidence.Proof) { p.Head = strings.Replace(p.Head, "\n16\n", "\n17\n", 1) },
		"no signatures": func(p *evidence.Proof) { p.Head, _, _ = strings.Cut(p.Head, "— ") },
		"portal's alone": func(p *evidence.Proof) {
			a, b, _ := strings.Cut(p.Head, "— K")
			_, b, _ = strings.Cut(b, "\n")
			p.Head = a + b
		},
		"beacon":             func(p *evidence.Proof) { p.Beacon.Signed = r.beacons[3] },
		"beacon after":       func(p *evidence.Proof) { p.Index = 5; q := r.prove(l, 5); q.Beacon = p.Beacon; *p = *q },
		"beacon of no entry": func(p *evidence.Proof) { p.Beacon.Inclusion[0][0] ^= 1 },
	} {
		p := r.prove(l, 11)
		change(p)
		if c, err := p.Check(r.Trust(), r.now()); err == nil {
			t.Errorf("Check with another %s = %+v, want an error", name, c)
		}
	}
	good, err := r.prove(l, 11).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"nothing":     nil,
		"long":        bytes.Repeat([]byte(" "), evidence.MaxProof+1),
		"more":        append(slices.Clone(good), good...),
		"other":       bytes.Replace(good, []byte("proof-1"), []byte("proof-2"), 1),
		"unknown key": bytes.Replace(good, []byte(`"index"`), []byte(`"x":1,"index"`), 1),
		"short root":  bytes.Replace(good, []byte(`"root": "`), []byte(`"root": "AA==", "x": "`), 1),
	} {
		if _, err := evidence.ParseProof(b); !errors.Is(err, evidence.ErrProof) {
			t.Errorf("ParseProof of %s = %v, want ErrProof", name, err)
		}
	}
}

// paper is the seal on the receipt of entry index.
func (r *rig) paper(l *log, index int64, e []byte) *seal.Sealed {
	r.t.Helper()
	root, err := l.RootAt(r.t.Context(), index+1)
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := seal.Make(seal.Seal{
		Kind: seal.Receipt, Issuer: specimenKiosk, Service: "complaint", Doc: doc(index), Date: day.Add(time.Duration(index) * time.Minute),
		Index: index, Size: index + 1, Root: root[:], Epoch: e,
	}, r.Device.Signing.Key, r.Device.Signing.Cert)
	if err != nil {
		r.t.Fatal(err)
	}
	if s, err = seal.Parse(s.URL("https://portal.specimen")); err != nil { // as a phone reads it
		r.t.Fatal(err)
	}
	return s
}

// TestReceipt holds a paper against the journals that a kiosk may show later:
// the honest one, and those of somebody who dropped, changed or moved its entry
// or another one before it, with the kiosk's own key.
func TestReceipt(t *testing.T) {
	r := newRig(t)
	honest := newLog(r.entries...)
	paper := r.paper(honest, 11, epoch[:])
	elsewhere := newLog(r.entries...)
	elsewhere.epoch[0] = 0xff
	changed := slices.Clone(r.entries)
	e, err := journal.ParseEntry(changed[11])
	if err != nil {
		t.Fatal(err)
	}
	e.Fields.Doc = doc(99)
	if changed[11], err = e.Marshal(); err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(r.entries)
	before[5], before[7] = before[7], before[5]
	for _, tt := range []struct {
		name string
		s    *seal.Sealed
		p    *evidence.Proof
		want evidence.Answer
		why  string
	}{
		{"honest", paper, r.prove(honest, 11), evidence.Consistent, ""},
		{"dropped", paper, r.prove(newLog(slices.Delete(slices.Clone(r.entries), 11, 12)...), 11), evidence.Contradiction, evidence.WhyEntry},
		{"another one dropped before it", paper, r.prove(newLog(slices.Delete(slices.Clone(r.entries), 9, 10)...), 11), evidence.Contradiction, evidence.WhyEntry},
		{"changed", paper, r.prove(newLog(changed...), 11), evidence.Contradiction, evidence.WhyEntry},
		{"two swapped before it", paper, r.prove(newLog(before...), 11), evidence.Contradiction, evidence.WhyRoot},
		{"no journal", paper, nil, evidence.Accepted, evidence.WhyNobody},
		{"another entry", paper, r.prove(honest, 13), evidence.CannotTell, evidence.WhyPlace},
		{"another epoch", paper, r.prove(elsewhere, 11), evidence.CannotTell, evidence.WhyPlace},
		{"an old seal, honest", r.paper(honest, 11, nil), r.prove(honest, 11), evidence.Consistent, ""},
		{"an old seal, dropped", r.paper(honest, 11, nil), r.prove(newLog(changed...), 11), evidence.CannotTell, evidence.WhyEpoch},
	} {
		if v := evidence.CheckReceipt(tt.s, tt.p, r.Trust(), r.now()); v.Answer != tt.want || v.Why != tt.why {
			t.Errorf("%s: %s, %s (%v), want %s, %s", tt.name, v.Answer, v.Why, v.Err, tt.want, tt.why)
		}
	}
	forged := r.prove(honest, 11)
	forged.Root[0] ^= 1
	if v := evidence.CheckReceipt(paper, forged, r.Trust(), r.now()); v.Answer != evidence.CannotTell || v.Why != evidence.WhyProof || v.Err == nil {
		t.Errorf("a forged proof: %+v, want cannot tell", v)
	}
	stranger, err := specimen.New(day)
	if err != nil {
		t.Fatal(err)
	}
	if v := evidence.CheckReceipt(paper, r.prove(honest, 11), stranger.Trust(), r.now()); v.Answer != evidence.CannotTell || v.Why != evidence.WhySeal {
		t.Errorf("with a stranger's bundle: %+v, want cannot tell", v)
	}
}

// TestReceiptAndHead holds a paper against what a portal has without the kiosk: a
// head of exactly that size decides, any other cannot.
func TestReceiptAndHead(t *testing.T) {
	r := newRig(t)
	honest := newLog(r.entries...)
	swapped := slices.Clone(r.entries)
	swapped[5], swapped[7] = swapped[7], swapped[5]
	changed := newLog(swapped...)
	elsewhere := newLog(r.entries...)
	elsewhere.epoch[0] = 0xff
	stamped := day.Add(90 * time.Minute)
	paper := r.paper(honest, 11, epoch[:])
	forged := r.witness(honest, 12, stamped)
	other, err := journal.ParseHead(bytes.Replace(forged.Marshal(), []byte("\n12\n"), []byte("\n11\n"), 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		s    *seal.Sealed
		h    *journal.Head
		want evidence.Answer
		why  string
	}{
		{"honest", paper, r.witness(honest, 12, stamped), evidence.Consistent, ""},
		{"changed", paper, r.witness(changed, 12, stamped), evidence.Contradiction, evidence.WhyRoot},
		{"a later head", paper, r.witness(honest, 14, stamped), evidence.CannotTell, evidence.WhyBeyond},
		{"a later head of a changed journal", paper, r.witness(changed, 14, stamped), evidence.CannotTell, evidence.WhyBeyond},
		{"another epoch", paper, r.witness(elsewhere, 12, stamped), evidence.CannotTell, evidence.WhyPlace},
		{"no head", paper, nil, evidence.Accepted, evidence.WhyNobody},
		{"a head that nobody signed so", paper, other, evidence.CannotTell, evidence.WhyHead},
		{"an old seal, changed", r.paper(honest, 11, nil), r.witness(changed, 12, stamped), evidence.CannotTell, evidence.WhyEpoch},
	} {
		v, at := evidence.CheckHead(tt.s, tt.h, r.Trust(), r.now())
		if v.Answer != tt.want || v.Why != tt.why {
			t.Errorf("%s: %s, %s (%v), want %s, %s", tt.name, v.Answer, v.Why, v.Err, tt.want, tt.why)
		}
		if good := tt.h != nil && tt.why != evidence.WhyHead; at.Equal(stamped) != good {
			t.Errorf("%s: witnessed at %v, want %v: %v", tt.name, at, stamped, good)
		}
	}
	stranger, err := specimen.New(day)
	if err != nil {
		t.Fatal(err)
	}
	if v, at := evidence.CheckHead(paper, r.witness(honest, 12, stamped), stranger.Trust(), r.now()); v.Why != evidence.WhySeal || !at.IsZero() {
		t.Errorf("with a stranger's bundle: %+v at %v, want cannot tell", v, at)
	}
}

// FuzzProof looks for a proof that is good and shows what no journal has: every
// good one is of an entry, a root and times of the vectors' own.
func FuzzProof(f *testing.F) {
	b, now := readWorld(f), day.Add(2*time.Hour)
	known := map[string]bool{}
	key := func(c *evidence.Checked, says string) string { return fmt.Sprintf("%s %x %v", says, c.Root, c.Entry) }
	for _, v := range vectors(f, "proof") {
		if says, c := outcome(v.body, b, now); c != nil {
			known[key(c, says)] = true
			// Without the beacon, or with the kiosk's signature alone, less is shown.
			for _, less := range []func(*evidence.Checked){
				func(c *evidence.Checked) { c.Bracket.NotBefore = time.Time{} },
				func(c *evidence.Checked) { c.Witness, c.Bracket.NotAfter = "", time.Time{} },
			} {
				less(c)
				known[key(c, shown(c))] = true
			}
		}
		f.Add(v.body)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		says, c := outcome(raw, b, now)
		if c != nil && !known[key(c, says)] {
			t.Errorf("a proof of what no journal has: %s\n%s", says, raw)
		}
	})
}
