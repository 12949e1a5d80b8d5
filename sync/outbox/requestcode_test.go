package outbox

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// plainRequest is a request's payload as fxamacker/cbor encodes it.
type plainRequest struct {
	Doc            []byte      `cbor:"1,keyasint"`
	CodeHash       []byte      `cbor:"2,keyasint,omitempty"`
	Service        string      `cbor:"3,keyasint"`
	ServiceVersion int         `cbor:"4,keyasint,omitempty"`
	Lang           string      `cbor:"5,keyasint"`
	Lane           uint8       `cbor:"6,keyasint,omitempty"`
	Owner          []byte      `cbor:"7,keyasint,omitempty"`
	Claimed        int64       `cbor:"8,keyasint"`
	Due            int64       `cbor:"9,keyasint,omitempty"`
	Digest         []byte      `cbor:"10,keyasint"`
	Size           int         `cbor:"11,keyasint"`
	Index          int64       `cbor:"12,keyasint,omitempty"`
	Root           []byte      `cbor:"13,keyasint"`
	Steps          []plainStep `cbor:"14,keyasint"`
	Receipt        PrintState  `cbor:"15,keyasint,omitempty"`
	Copy           PrintState  `cbor:"16,keyasint,omitempty"`
	Copies         int         `cbor:"17,keyasint,omitempty"`
	Durable        []byte      `cbor:"18,keyasint,omitempty"`
	Decided        []byte      `cbor:"19,keyasint,omitempty"`
	Item           uint64      `cbor:"20,keyasint,omitempty"`
	Lost           bool        `cbor:"21,keyasint,omitempty"`
	ReceiptJob     uint64      `cbor:"22,keyasint,omitempty"`
	CopyJob        uint64      `cbor:"23,keyasint,omitempty"`
	Marked         uint8       `cbor:"24,keyasint,omitempty"`
	Sent           int64       `cbor:"25,keyasint,omitempty"`
}

type plainStep struct {
	_     struct{} `cbor:",toarray"`
	State State
	At    int64
}

// theirs reads a payload with the library and our rules.
func theirs(b []byte) (request, error) {
	var p plainRequest
	var r request
	return r, decode(b, &p, true, func() error {
		r = request{
			Doc: p.Doc, CodeHash: p.CodeHash, Service: p.Service, ServiceVersion: p.ServiceVersion, Lang: p.Lang, Lane: p.Lane,
			Owner: p.Owner, Claimed: p.Claimed, Due: p.Due, Digest: p.Digest, Size: p.Size, Index: p.Index, Root: p.Root,
			Receipt: p.Receipt, Copy: p.Copy, Copies: p.Copies, Durable: p.Durable, Decided: p.Decided, Item: p.Item,
			Lost: p.Lost, ReceiptJob: p.ReceiptJob, CopyJob: p.CopyJob, Marked: p.Marked, Sent: p.Sent,
		}
		for _, s := range p.Steps {
			r.Steps = append(r.Steps, step{State: s.State, At: s.At})
		}
		return r.valid()
	})
}

// TestRequestAsTheLibraryDoes changes good payloads and compares what is taken of
// them with what fxamacker/cbor and a second encoding by it take.
func TestRequestAsTheLibraryDoes(t *testing.T) {
	var good [][]byte
	for _, v := range readVectors(t) {
		if val, _, err := parseValue(v.body); v.kind == "value" && err == nil && val.kind == kindRequest {
			good = append(good, val.payload)
		}
	}
	all := request{
		Doc: make([]byte, 32), CodeHash: make([]byte, 16), Service: "s", ServiceVersion: 70_000, Lang: "tk", Lane: 1, Owner: make([]byte, 16),
		Claimed: -5, Due: 1 << 40, Digest: make([]byte, 32), Size: 300_000, Index: 24, Root: make([]byte, 32), Steps: []step{{Accepted, -1}, {Sending, 3}},
		Receipt: Printing, Copy: Queued, Copies: 3, Durable: []byte("d"), Decided: []byte("e"), Item: 1 << 60, Lost: true, ReceiptJob: 9, CopyJob: 10, Marked: 3, Sent: 1 << 17,
	}
	good = append(good, all.append(nil)) // 25 pairs: a longer head
	if r, err := theirs(all.append(nil)); err != nil || r.CopyJob != 10 || r.Steps[1].At != 3 {
		t.Fatalf("the library reads all fields as %+v, %v", r, err)
	}
	r := rand.New(rand.NewPCG(1, 1))
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
		want, wantErr := theirs(b)
		got, err := parseRequest(b)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("payload %x: %v, the library %v", b, err, wantErr)
		}
		if err != nil {
			refused++
			continue
		}
		taken++
		if !bytes.Equal(got.append(nil), b) || !bytes.Equal(want.append(nil), b) {
			t.Fatalf("payload %x is %x after reading", b, got.append(nil))
		}
	}
	if taken < 1000 || refused < 1000 {
		t.Errorf("%d payloads taken, %d refused", taken, refused)
	}
}
