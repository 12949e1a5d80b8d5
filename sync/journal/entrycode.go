package journal

import (
	"bytes"
	"math"
	"math/bits"
	"time"

	"github.com/penjire/penjire/sync/detcbor"
)

// The encoding of an entry: a map of integer keys, deterministic CBOR, whose
// fourth is the map of the fields that are not zero (outbox.md, section 6). It is
// made by hand: an entry is written with everything that the kiosk does.

func (e *Entry) append(b []byte) []byte {
	b = detcbor.AppendMap(b, 4)
	b = detcbor.AppendUint(detcbor.AppendUint(b, 1), uint64(e.Kind))
	b = detcbor.AppendInt(detcbor.AppendUint(b, 2), e.At.UnixMilli())
	b = detcbor.AppendText(detcbor.AppendUint(b, 3), e.Boot)
	b = detcbor.AppendUint(b, 4)
	f := &e.Fields
	there := f.present()
	b = detcbor.AppendMap(b, bits.OnesCount(there))
	for ; there != 0; there &= there - 1 {
		bit := there & -there
		b = detcbor.AppendUint(b, uint64(bits.TrailingZeros(bit)+1))
		switch bit {
		case fDoc:
			b = detcbor.AppendBytes(b, f.Doc)
		case fDigest:
			b = detcbor.AppendBytes(b, f.Digest)
		case fSignature:
			b = detcbor.AppendBytes(b, f.Signature)
		case fEpoch:
			b = detcbor.AppendBytes(b, f.Epoch)
		case fSeq:
			b = detcbor.AppendUint(b, f.Seq)
		case fJob:
			b = detcbor.AppendUint(b, f.Job)
		case fPrint:
			b = detcbor.AppendUint(b, uint64(f.Print))
		case fOutcome:
			b = detcbor.AppendUint(b, uint64(f.Outcome))
		case fMarked:
			b = detcbor.AppendBool(b, true)
		case fStage:
			b = detcbor.AppendUint(b, uint64(f.Stage))
		case fFrom:
			b = detcbor.AppendInt(b, f.From)
		case fTo:
			b = detcbor.AppendInt(b, f.To)
		case fCount:
			b = detcbor.AppendUint(b, f.Count)
		case fReason:
			b = detcbor.AppendText(b, f.Reason)
		}
	}
	return b
}

// parseEntry reads what append makes, and nothing else. The entry shares no
// memory with b.
func parseEntry(b []byte) (Entry, bool) {
	in := detcbor.NewReader(bytes.Clone(b))
	var e Entry
	key := func(k uint64) {
		if in.Key(k-1) != k {
			in.Fail()
		}
	}
	if in.Map(4) != 4 {
		return Entry{}, false
	}
	key(1)
	e.Kind = Kind(in.Uint(math.MaxUint8))
	key(2)
	e.At = time.UnixMilli(in.Int()).UTC()
	key(3)
	e.Boot = in.Text("")
	key(4)
	n, last := in.Map(len(fieldNames)), uint64(0)
	for range n {
		last = in.Key(last)
		e.Fields.read(&in, last)
	}
	// A field that is zero should be absent.
	return e, in.End() && bits.OnesCount(e.Fields.present()) == n
}

func (f *Fields) read(in *detcbor.Reader, key uint64) {
	if key > uint64(len(fieldNames)) {
		in.Fail()
		return
	}
	switch uint(1) << (key - 1) {
	case fDoc:
		f.Doc = in.Bytes()
	case fDigest:
		f.Digest = in.Bytes()
	case fSignature:
		f.Signature = in.Bytes()
	case fEpoch:
		f.Epoch = in.Bytes()
	case fSeq:
		f.Seq = in.Uint(math.MaxUint64)
	case fJob:
		f.Job = in.Uint(math.MaxUint64)
	case fPrint:
		f.Print = uint8(in.Uint(math.MaxUint8))
	case fOutcome:
		f.Outcome = uint8(in.Uint(math.MaxUint8))
	case fMarked:
		f.Marked = in.Bool()
	case fStage:
		f.Stage = uint8(in.Uint(math.MaxUint8))
	case fFrom:
		f.From = in.Int()
	case fTo:
		f.To = in.Int()
	case fCount:
		f.Count = in.Uint(math.MaxUint64)
	case fReason:
		f.Reason = in.Text("")
	default:
		in.Fail()
	}
}
