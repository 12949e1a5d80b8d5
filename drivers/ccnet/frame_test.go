package ccnet

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/penjire/penjire/drivers/device"
)

// vectors are frames seen on real lines and worked out by hand.
var vectors = []struct {
	name, frame, carried string
}{
	{"ACK", "02030600c282", "00"},
	{"NAK", "020306ffba8d", "ff"},
	{"RESET", "0203063041b3", "30"},
	{"GET STATUS", "02030631c8a2", "31"},
	{"POLL", "02030633da81", "33"},
	{"ENABLE all, escrow", "02030c34fffffffffffffef7", "34ffffffffffff"},
	{"DISABLE", "02030c34000000000000170c", "34000000000000"},
	{"STACK", "02030635ece4", "35"},
	{"RETURN", "0203063677d6", "36"},
	{"IDENTIFICATION", "02030637fec7", "37"},
	{"HOLD", "02030638093f", "38"},
	{"BILL TABLE, or cassette full", "020306414fd1", "41"},
	{"idling", "0203061467d4", "14"},
	{"disabled", "02030619820f", "19"},
	{"escrow 2", "02030780029e10", "8002"},
	{"stacked 2", "02030781024609", "8102"},
	{"rejected: inhibited", "0203071c683f6c", "1c68"},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		frame, carried := unhex(t, v.frame), unhex(t, v.carried)
		if got := AppendFrame(nil, carried[0], carried[1:]...); !bytes.Equal(got, frame) {
			t.Errorf("%s: AppendFrame = % X, want % X", v.name, got, frame)
		}
		var d Decoder
		d.Push(append([]byte{0x02, 0x00, 0x02, 0x03}, frame...)) // after garbage
		if f, ok := d.Next(); !ok || f.Damaged || !bytes.Equal(f.Data, carried) {
			t.Errorf("%s: Next = %+v, %v, want % X", v.name, f, ok, carried)
		}
		for at := 3; at < len(frame); at++ {
			d.Reset()
			bad := bytes.Clone(frame)
			bad[at] ^= 0x20
			d.Push(bad)
			for f, ok := d.Next(); ok; f, ok = d.Next() {
				if !f.Damaged {
					t.Errorf("%s, byte %d changed: Next = %+v, want a damaged frame", v.name, at, f)
				}
			}
		}
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTable(t *testing.T) {
	a := make([]byte, billTypes*bytesPerBill)
	for i, r := range []string{"01544b4d00", "05544b4d00", "01544b4d01", "05544b4d81", "0154524d83", "09554e4b7f"} {
		copy(a[i*bytesPerBill:], unhex(t, r))
	}
	got := parseTable(a, map[string]string{"TKM": "TMT"}, 100)
	want := []device.Denom{{Currency: "TMT", Value: 100}, {Currency: "TMT", Value: 500}, {Currency: "TMT", Value: 1000}, {Currency: "TMT", Value: 50}, {}, {}}
	if !slices.Equal(got[:6], want) {
		t.Errorf("parseTable = %v, want %v", got[:6], want)
	}
	if isStatus(a) || isTable([]byte{stFull}) {
		t.Error("a bill table is taken for a state, or cassette full for a bill table")
	}
}

// FuzzDecoder: what comes out of the decoder and is whole goes in again the same.
func FuzzDecoder(f *testing.F) {
	var all []byte
	for _, v := range vectors {
		b := unhex(f, v.frame)
		all = append(all, b...)
		f.Add(b, 1)
		f.Add(append([]byte{0x02, 0x03}, b...), 3)
	}
	f.Add(all, 5)
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		step = max(1, min(step, 300))
		var d Decoder
		for len(b) > 0 {
			n := min(step, len(b))
			d.Push(b[:n])
			b = b[n:]
			for fr, ok := d.Next(); ok; fr, ok = d.Next() {
				if fr.Damaged {
					continue
				}
				var again Decoder
				again.Push(AppendFrame(nil, fr.Data[0], fr.Data[1:]...))
				if g, ok := again.Next(); !ok || !bytes.Equal(g.Data, fr.Data) {
					t.Errorf("frame % X comes back as % X", fr.Data, g.Data)
				}
				if isStatus(fr.Data) {
					if h, ok := healthIn(fr.Data[0]); ok && h == "" {
						t.Errorf("state % X has an empty health", fr.Data)
					}
				}
				if len(fr.Data) == billTypes*bytesPerBill {
					for _, x := range parseTable(fr.Data, nil, 100) {
						if x.Value < 0 || x.Value > maxWorth {
							t.Errorf("bill of % X is worth %d", fr.Data, x.Value)
						}
					}
				}
			}
			if len(d.buf) > maxFrame+300 {
				t.Fatalf("decoder holds %d bytes, want one frame and one reading", len(d.buf))
			}
		}
	})
}
