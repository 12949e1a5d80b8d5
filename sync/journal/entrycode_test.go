package journal

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// plainEntry is an entry as fxamacker/cbor encodes it.
type plainEntry struct {
	Kind   Kind        `cbor:"1,keyasint"`
	At     int64       `cbor:"2,keyasint"`
	Boot   string      `cbor:"3,keyasint"`
	Fields plainFields `cbor:"4,keyasint"`
}

type plainFields struct {
	Doc       []byte `cbor:"1,keyasint,omitempty"`
	Digest    []byte `cbor:"2,keyasint,omitempty"`
	Signature []byte `cbor:"3,keyasint,omitempty"`
	Epoch     []byte `cbor:"4,keyasint,omitempty"`
	Seq       uint64 `cbor:"5,keyasint,omitempty"`
	Job       uint64 `cbor:"6,keyasint,omitempty"`
	Print     uint8  `cbor:"7,keyasint,omitempty"`
	Outcome   uint8  `cbor:"8,keyasint,omitempty"`
	Marked    bool   `cbor:"9,keyasint,omitempty"`
	Stage     uint8  `cbor:"10,keyasint,omitempty"`
	From      int64  `cbor:"11,keyasint,omitempty"`
	To        int64  `cbor:"12,keyasint,omitempty"`
	Count     uint64 `cbor:"13,keyasint,omitempty"`
	Reason    string `cbor:"14,keyasint,omitempty"`
}

// TestEntryAsTheLibraryDoes changes good entries and compares what is taken of
// them with what fxamacker/cbor and a second encoding by it take.
func TestEntryAsTheLibraryDoes(t *testing.T) {
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	dec, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField, UTF8: cbor.UTF8RejectInvalid,
	}.DecMode()
	if err != nil {
		t.Fatal(err)
	}
	theirs := func(b []byte) bool {
		var p plainEntry
		if dec.Unmarshal(b, &p) != nil {
			return false
		}
		e := Entry{Kind: p.Kind, At: time.UnixMilli(p.At).UTC(), Boot: p.Boot, Fields: Fields(p.Fields)}
		again, err := enc.Marshal(p)
		return err == nil && len(b) <= MaxEntry && e.valid() == nil && bytes.Equal(again, b)
	}
	d := make([]byte, 32)
	var good [][]byte
	for _, e := range []Entry{
		{Kind: DocSigned, Fields: Fields{Doc: d, Digest: d, Signature: d, Epoch: d[:16], Seq: 300}},
		{Kind: Printed, Boot: "b", Fields: Fields{Doc: d, Job: 70_000, Print: 1, Outcome: 3, Marked: true, Reason: "printer.jam"}},
		{Kind: Receipt, Fields: Fields{Doc: d, Digest: d, Epoch: d[:16], Seq: 1 << 40, Stage: 3}},
		{Kind: ClockStep, Fields: Fields{From: -5, To: 1 << 40, Reason: "x"}},
		{Kind: Quarantine, Fields: Fields{Digest: d, Epoch: d[:16], Count: 25, Reason: "y"}},
		{Kind: Boot},
	} {
		e.At = time.UnixMilli(1_790_000_000_000)
		b, err := e.Marshal()
		if err != nil || !theirs(b) {
			t.Fatalf("%v: %x, %v, the library takes it: %t", e.Kind, b, err, theirs(b))
		}
		good = append(good, b)
	}
	r := rand.New(rand.NewPCG(1, 2))
	taken, refused := 0, 0
	for i := range 60_000 {
		b := bytes.Clone(good[i%len(good)])
		switch at := r.IntN(len(b)); r.IntN(5) {
		case 0:
			b[at] = byte(r.Uint32())
		case 1:
			b[at]++
		case 2:
			b = append(b[:at], b[at+1:]...)
		case 3:
			b = append(b[:at], append([]byte{byte(r.IntN(32))}, b[at:]...)...)
		}
		e, err := ParseEntry(b)
		if (err == nil) != theirs(b) {
			t.Fatalf("entry %x: %v, the library takes it: %t", b, err, theirs(b))
		}
		if err != nil {
			refused++
			continue
		}
		taken++
		if again, err := e.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("entry %x is %x after reading, %v", b, again, err)
		}
	}
	if taken < 1000 || refused < 1000 {
		t.Errorf("%d entries taken, %d refused", taken, refused)
	}
}
