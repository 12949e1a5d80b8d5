package outbox

import (
	"fmt"
	"math"
	"slices"

	"github.com/penjire/penjire/sync/detcbor"
)

// A request's payload is encoded by hand: one is written with every change of a
// request, and all are read at each start.

// requestRoom is what a request takes, without receipts.
const requestRoom = 384

// maxSteps is more than a request can take (State.leads).
const maxSteps = 1 << 10

// always are the keys that every request has.
const always = 1<<1 | 1<<3 | 1<<5 | 1<<8 | 1<<10 | 1<<11 | 1<<13 | 1<<14

// append appends the payload to b.
func (r *request) append(b []byte) []byte {
	at, n := len(b), 0
	b = append(b, 0) // the map's head, for up to 23 pairs
	key := func(k uint64) {
		n++
		b = detcbor.AppendUint(b, k)
	}
	bytes := func(k uint64, p []byte, always bool) {
		if always || len(p) > 0 {
			key(k)
			b = detcbor.AppendBytes(b, p)
		}
	}
	number := func(k uint64, v int64, always bool) {
		if always || v != 0 {
			key(k)
			b = detcbor.AppendInt(b, v)
		}
	}
	count := func(k, v uint64) {
		if v != 0 {
			key(k)
			b = detcbor.AppendUint(b, v)
		}
	}
	bytes(1, r.Doc, true)
	bytes(2, r.CodeHash, false)
	key(3)
	b = detcbor.AppendText(b, r.Service)
	number(4, int64(r.ServiceVersion), false)
	key(5)
	b = detcbor.AppendText(b, r.Lang)
	count(6, uint64(r.Lane))
	bytes(7, r.Owner, false)
	number(8, r.Claimed, true)
	number(9, r.Due, false)
	bytes(10, r.Digest, true)
	number(11, int64(r.Size), true)
	number(12, r.Index, false)
	bytes(13, r.Root, true)
	key(14)
	b = detcbor.AppendArray(b, len(r.Steps))
	for _, s := range r.Steps {
		b = detcbor.AppendArray(b, 2)
		b = detcbor.AppendInt(detcbor.AppendUint(b, uint64(s.State)), s.At)
	}
	count(15, uint64(r.Receipt))
	count(16, uint64(r.Copy))
	number(17, int64(r.Copies), false)
	bytes(18, r.Durable, false)
	bytes(19, r.Decided, false)
	count(20, r.Item)
	if r.Lost {
		key(21)
		b = detcbor.AppendBool(b, true)
	}
	count(22, r.ReceiptJob)
	count(23, r.CopyJob)
	count(24, uint64(r.Marked))
	number(25, r.Sent, false)
	if head := detcbor.AppendMap(nil, n); len(head) == 1 {
		b[at] = head[0]
	} else {
		b = slices.Replace(b, at, at+1, head...)
	}
	return b
}

// parseRequest reads a payload. What it returns shares no memory with it.
func parseRequest(b []byte) (request, error) {
	var r request
	err := r.parse(slices.Clone(b))
	return r, err
}

// parse reads a payload into r, which shares memory with it afterwards. The steps
// that r had are written over.
func (r *request) parse(b []byte) error {
	*r = request{Steps: r.Steps[:0], Service: r.Service, Lang: r.Lang}
	in := detcbor.NewReader(b)
	last, seen := uint64(0), 0
	for range in.Map(25) {
		last = in.Key(last)
		seen |= 1 << (last & 31)
		r.field(&in, last)
	}
	if !in.End() || seen&always != always {
		return fmt.Errorf("outbox: read a request: not in its only encoding: %w", ErrDamaged)
	}
	if err := r.valid(); err != nil {
		return fmt.Errorf("outbox: read a request: %w: %w", err, ErrDamaged)
	}
	return nil
}

// field reads the value of a key. Those that may be absent are absent where they
// would be zero.
func (r *request) field(in *detcbor.Reader, key uint64) {
	there := true
	switch key {
	case 1:
		r.Doc = in.Bytes()
	case 2:
		r.CodeHash = in.Bytes()
		there = len(r.CodeHash) > 0
	case 3:
		r.Service = in.Text(r.Service)
	case 4:
		r.ServiceVersion = int(in.Uint(math.MaxInt)) //nolint:gosec // bounded
		there = r.ServiceVersion != 0
	case 5:
		r.Lang = in.Text(r.Lang)
	case 6:
		r.Lane = uint8(in.Uint(math.MaxUint8))
		there = r.Lane != 0
	case 7:
		r.Owner = in.Bytes()
		there = len(r.Owner) > 0
	case 8:
		r.Claimed = in.Int()
	case 9:
		r.Due = in.Int()
		there = r.Due != 0
	case 10:
		r.Digest = in.Bytes()
	case 11:
		r.Size = int(in.Uint(math.MaxInt)) //nolint:gosec // bounded
	case 12:
		r.Index = in.Int()
		there = r.Index != 0
	case 13:
		r.Root = in.Bytes()
	case 14:
		for range in.Array(maxSteps) {
			if in.Array(2) != 2 {
				in.Fail()
				return
			}
			r.Steps = append(r.Steps, step{State: State(in.Uint(math.MaxUint8)), At: in.Int()})
		}
	default:
		there = r.later(in, key)
	}
	if !there {
		in.Fail()
	}
}

// later reads what a request has only after something happened to it.
func (r *request) later(in *detcbor.Reader, key uint64) (there bool) {
	switch key {
	case 15:
		r.Receipt = PrintState(in.Uint(math.MaxUint8))
		return r.Receipt != 0
	case 16:
		r.Copy = PrintState(in.Uint(math.MaxUint8))
		return r.Copy != 0
	case 17:
		r.Copies = int(in.Uint(math.MaxInt)) //nolint:gosec // bounded
		return r.Copies != 0
	case 18:
		r.Durable = in.Bytes()
		return len(r.Durable) > 0
	case 19:
		r.Decided = in.Bytes()
		return len(r.Decided) > 0
	case 20:
		r.Item = in.Uint(math.MaxUint64)
		return r.Item != 0
	case 21:
		r.Lost = in.Bool()
		return r.Lost
	case 22:
		r.ReceiptJob = in.Uint(math.MaxUint64)
		return r.ReceiptJob != 0
	case 23:
		r.CopyJob = in.Uint(math.MaxUint64)
		return r.CopyJob != 0
	case 24:
		r.Marked = uint8(in.Uint(math.MaxUint8))
		return r.Marked != 0
	case 25:
		r.Sent = in.Int()
		return r.Sent != 0
	}
	return false
}
