package trust

import (
	"errors"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/penjire/penjire/sync/edoc/dcbor"
)

// TestDeltaOfLittle repeats one element of one byte as often as the edits say: a
// small delta would make a list of which the elements cost far more memory than
// their bytes.
func TestDeltaOfLittle(t *testing.T) {
	raw := func(v any) cbor.RawMessage {
		b, err := dcbor.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	old := raw(wireObject{Kind: KindTrust, Payload: raw(map[uint64]any{1: 1, 4: []int{0, 0, 0, 0, 0, 0, 0, 0}}), P7S: []byte{0}})
	for _, tt := range []struct {
		edits int
		want  error
	}{{maxElements / 8, ErrOtherBase}, {maxElements/8 + 1, nil}} { // the first has another digest in the end
		edits := make([]wireEdit, tt.edits)
		for i := range edits {
			edits[i] = wireEdit{Count: 8}
		}
		d := wireDelta{From: 1, To: 1, Digest: make([]byte, 32), Edit: map[uint64][]wireEdit{4: edits}}
		_, err := Apply(old, raw(wireObject{Kind: KindDelta, Payload: raw(d), P7S: []byte{0}}))
		if err == nil || errors.Is(err, ErrOtherBase) != (tt.want != nil) {
			t.Errorf("%d edits of 8 elements: %v, want %v", tt.edits, err, tt.want)
		}
	}
}
