package outbox

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/penjire/penjire/sync/journal"
)

// The payloads of values (outbox.md, section 4): deterministic CBOR maps with
// integer keys, absent where zero; sealed bytes and journal entries as below.

var encMode, decMode = modes()

func modes() (cbor.EncMode, cbor.DecMode) {
	e, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic("outbox: CBOR encoding options: " + err.Error())
	}
	d, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
		MaxNestedLevels:   4,
		MaxMapPairs:       64,
		MaxArrayElements:  1 << 10,
	}.DecMode()
	if err != nil {
		panic("outbox: CBOR decoding options: " + err.Error())
	}
	return e, d
}

// decode reads the payload into w, which check then judges. A strict reading
// also wants the bytes to be the only encoding of what they say.
func decode(b []byte, w any, strict bool, check func() error) error {
	if err := decMode.Unmarshal(b, w); err != nil {
		return fmt.Errorf("outbox: read a payload: %w: %w", err, ErrDamaged)
	}
	if err := check(); err != nil {
		return fmt.Errorf("outbox: read a payload: %w: %w", err, ErrDamaged)
	}
	if !strict {
		return nil
	}
	again, err := encMode.Marshal(w)
	if err != nil {
		return fmt.Errorf("outbox: read a payload: %w: %w", err, ErrDamaged)
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("outbox: read a payload: the encoding is not deterministic: %w", ErrDamaged)
	}
	return nil
}

func encode(w any) ([]byte, error) {
	b, err := encMode.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("outbox: encode a %T: %w", w, err)
	}
	return b, nil
}

// meta is the file's own record.
type meta struct {
	Kiosk   string   `cbor:"1,keyasint"`
	Created int64    `cbor:"2,keyasint"` // Unix milliseconds
	Cursor  uint64   `cbor:"3,keyasint,omitempty"`
	Alarms  []string `cbor:"4,keyasint,omitempty"`
}

func parseMeta(b []byte, strict bool) (meta, error) {
	var m meta
	err := decode(b, &m, strict, func() error {
		if !goodKiosk(m.Kiosk) {
			return fmt.Errorf("kiosk id is empty or not printable")
		}
		return nil
	})
	return m, err
}

// request is the stored form of Request: identity is in the value's head, the
// state is that of the last step.
type request struct {
	Doc            []byte     `cbor:"1,keyasint"`
	CodeHash       []byte     `cbor:"2,keyasint,omitempty"`
	Service        string     `cbor:"3,keyasint"`
	ServiceVersion int        `cbor:"4,keyasint,omitempty"`
	Lang           string     `cbor:"5,keyasint"`
	Lane           uint8      `cbor:"6,keyasint,omitempty"`
	Owner          []byte     `cbor:"7,keyasint,omitempty"`
	Claimed        int64      `cbor:"8,keyasint"`
	Due            int64      `cbor:"9,keyasint,omitempty"`
	Digest         []byte     `cbor:"10,keyasint"`
	Size           int        `cbor:"11,keyasint"`
	Index          int64      `cbor:"12,keyasint,omitempty"`
	Root           []byte     `cbor:"13,keyasint"`
	Steps          []step     `cbor:"14,keyasint"`
	Receipt        PrintState `cbor:"15,keyasint,omitempty"`
	Copy           PrintState `cbor:"16,keyasint,omitempty"`
	Copies         int        `cbor:"17,keyasint,omitempty"`
	Durable        []byte     `cbor:"18,keyasint,omitempty"`
	Decided        []byte     `cbor:"19,keyasint,omitempty"`
	Item           uint64     `cbor:"20,keyasint,omitempty"`
	Lost           bool       `cbor:"21,keyasint,omitempty"` // the sealed bytes did not survive a salvage
}

type step struct {
	_     struct{} `cbor:",toarray"`
	State State
	At    int64
}

func (r *request) state() State { return r.Steps[len(r.Steps)-1].State }

func (r *request) receipted() bool { return len(r.Durable) > 0 || len(r.Decided) > 0 }

// waits reports whether the portal still has to get it.
func (r *request) waits() bool { return !r.receipted() && r.state() != Withdrawn }

func (r *request) enter(s State, at time.Time) {
	r.Steps = append(r.Steps, step{State: s, At: at.UnixMilli()})
}

func parseRequest(b []byte, strict bool) (request, error) {
	var r request
	return r, decode(b, &r, strict, func() error { return r.valid() })
}

func (r *request) valid() error {
	switch {
	case len(r.Doc) != 32 || len(r.Digest) != 32 || len(r.Root) != 32:
		return fmt.Errorf("a digest is not 32 bytes")
	case len(r.CodeHash) != 0 && len(r.CodeHash) != 16, len(r.Owner) != 0 && len(r.Owner) != 16:
		return fmt.Errorf("a pseudonym is not 16 bytes")
	case !printable(r.Service, 1, maxService), !printable(r.Lang, 0, maxLang):
		return fmt.Errorf("service or language is not a short name")
	case r.ServiceVersion < 0 || r.Size < 1 || r.Size > MaxSealed || r.Index < 0 || r.Copies < 0:
		return fmt.Errorf("a number is out of its range")
	case len(r.Durable) > MaxReceipt || len(r.Decided) > MaxReceipt:
		return fmt.Errorf("a receipt is larger than %d bytes", MaxReceipt)
	case len(r.Steps) == 0:
		return fmt.Errorf("no state")
	case r.Receipt > Failed || r.Copy > Failed:
		return fmt.Errorf("unknown print state")
	}
	for i, s := range r.Steps {
		if s.State < Accepted || s.State > Withdrawn {
			return fmt.Errorf("unknown state %d", s.State)
		}
		if i > 0 && !r.Steps[i-1].State.leads(s.State) {
			return fmt.Errorf("%v after %v", s.State, r.Steps[i-1].State)
		}
	}
	if r.Steps[0].State != Accepted {
		return fmt.Errorf("begins as %v", r.Steps[0].State)
	}
	return nil
}

// leads reports whether a request may go from s to t. Receipts and items may
// arrive in any order; what is known never becomes less.
func (s State) leads(t State) bool {
	switch s {
	case Accepted:
		return t != Accepted
	case Sending:
		return t != Accepted && t != Sending && t != Withdrawn
	case Delivered:
		return t == Registered || t == Refused || t == Answered || t == Returned
	case Registered:
		return t == Refused || t == Answered || t == Returned
	case Refused, Answered, Returned:
		return t != s && (t == Refused || t == Answered || t == Returned)
	default:
		return false
	}
}

func (r *request) public(epoch Epoch, seq uint64) Request {
	p := Request{
		Epoch: epoch, Seq: seq, Doc: Doc(r.Doc),
		Service: r.Service, ServiceVersion: r.ServiceVersion, Lang: r.Lang, Lane: r.Lane,
		Claimed: fromMilli(r.Claimed), Due: fromMilli(r.Due),
		SealedDigest: [32]byte(r.Digest), Size: r.Size,
		Index: r.Index, TreeSize: r.Index + 1, Root: [32]byte(r.Root),
		State: r.state(), Steps: make([]Step, len(r.Steps)),
		Receipt: r.Receipt, Copy: r.Copy, Copies: r.Copies,
		DurableReceipt: r.Durable, DecidedReceipt: r.Decided, Item: r.Item,
	}
	copy(p.Owner[:], r.Owner)
	for i, s := range r.Steps {
		p.Steps[i] = Step{State: s.State, At: fromMilli(s.At)}
	}
	return p
}

// job is the stored form of PrintJob.
type job struct {
	Doc    []byte     `cbor:"1,keyasint"`
	Kind   uint8      `cbor:"2,keyasint"`
	Marked bool       `cbor:"3,keyasint,omitempty"`
	Code   string     `cbor:"4,keyasint,omitempty"`
	State  PrintState `cbor:"5,keyasint"`
}

func parseJob(b []byte, strict bool) (job, error) {
	var j job
	return j, decode(b, &j, strict, func() error {
		switch {
		case len(j.Doc) != 32:
			return fmt.Errorf("a digest is not 32 bytes")
		case j.Kind != PrintReceipt && j.Kind != PrintCopy:
			return fmt.Errorf("unknown kind %d of print", j.Kind)
		case !printable(j.Code, 0, maxCode):
			return fmt.Errorf("code is not a short name")
		case j.State != Queued && j.State != Printing:
			return fmt.Errorf("%v job kept", j.State)
		}
		return nil
	})
}

func (j *job) public(id uint64) PrintJob {
	return PrintJob{ID: id, Doc: Doc(j.Doc), Kind: j.Kind, Marked: j.Marked, Code: j.Code, State: j.State}
}

// item is the stored form of Item.
type item struct {
	Kind  uint8  `cbor:"1,keyasint,omitempty"`
	Doc   []byte `cbor:"2,keyasint,omitempty"`
	Stage State  `cbor:"3,keyasint,omitempty"`
	At    int64  `cbor:"4,keyasint"`
	Bytes []byte `cbor:"5,keyasint"`
}

func parseItem(b []byte, strict bool) (item, error) {
	var i item
	return i, decode(b, &i, strict, func() error {
		switch {
		case len(i.Doc) != 0 && len(i.Doc) != 32:
			return fmt.Errorf("a digest is not 32 bytes")
		case !i.Stage.ofItem():
			return fmt.Errorf("item that makes a request %v", i.Stage)
		case len(i.Bytes) == 0 || len(i.Bytes) > MaxItem:
			return fmt.Errorf("item of %d bytes", len(i.Bytes))
		}
		return nil
	})
}

func (s State) ofItem() bool { return s == 0 || s == Answered || s == Refused || s == Returned }

// A sealed value's payload is the document's identity and the sealed bytes: it
// can be sent with nothing else left.

func marshalSealed(d Doc, sealed []byte) []byte {
	return append(append(make([]byte, 0, len(d)+len(sealed)), d[:]...), sealed...)
}

func parseSealed(b []byte) (Doc, []byte, error) {
	if len(b) <= len(Doc{}) || len(b) > len(Doc{})+MaxSealed {
		return Doc{}, nil, fmt.Errorf("outbox: sealed value of %d bytes: %w", len(b), ErrDamaged)
	}
	return Doc(b), b[len(Doc{}):], nil
}

// A journal value's payload is how many hashes the entry brought to the tree,
// those hashes, and the entry's encoding.

func marshalLeaf(hs []journal.Hash, entry []byte) []byte {
	b := make([]byte, 0, 1+32*len(hs)+len(entry))
	b = append(b, byte(len(hs)))
	for _, h := range hs {
		b = append(b, h[:]...)
	}
	return append(b, entry...)
}

func parseLeaf(b []byte) (hs []journal.Hash, entry []byte, err error) {
	if len(b) < 1 || b[0] == 0 || b[0] > 64 || len(b) < 1+32*int(b[0])+1 {
		return nil, nil, fmt.Errorf("outbox: journal value is cut: %w", ErrDamaged)
	}
	n := int(b[0])
	for i := range n {
		hs = append(hs, journal.Hash(b[1+32*i:]))
	}
	entry = b[1+32*n:]
	if hs[0] != journal.LeafHash(entry) {
		return nil, nil, fmt.Errorf("outbox: journal value: the entry has another hash: %w", ErrDamaged)
	}
	return hs, entry, nil
}

const (
	maxService = 64
	maxLang    = 8
	maxCode    = 32
	maxKiosk   = 32
)

func printable(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func goodKiosk(s string) bool {
	return printable(s, 1, maxKiosk) && !bytes.ContainsAny([]byte(s), "+/")
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func toMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// codeHash is under what a tracking code is found.
func codeHash(code string) []byte {
	h := sha256.Sum256([]byte("penjire outbox code\x00" + code))
	return h[:16]
}
