package ssi

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("decode %q: %v", s, err)
	}
	return b
}

// vectors are packets that published programs exchange with real decoders.
var vectors = []struct {
	note, packet       string
	op, source, status byte
	data               string
}{
	{"START_SESSION", "04e40400ff14", OpStart, FromHost, 0, ""},
	{"STOP_SESSION", "04e50400ff13", OpStop, FromHost, 0, ""},
	{"CMD_ACK of the decoder", "04d00000ff2c", OpAck, FromDecoder, 0, ""},
	{"CMD_ACK of the host", "04d00400ff28", OpAck, FromHost, 0, ""},
	{"REQUEST_REVISION", "04a30400ff55", OpRequestRevision, FromHost, 0, ""},
	{"PARAM_SEND: host trigger, for good", "07c60408008a08fe95", OpParamSend, FromHost, Permanent, "008a08"},
	{"PARAM_SEND: readings in packets, for good", "07c6040800ee01fe38", OpParamSend, FromHost, Permanent, "00ee01"},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		want := unhex(t, v.packet)
		p := Packet{v.op, v.source, v.status, unhex(t, v.data)}
		if got := p.Append(nil); !bytes.Equal(got, want) {
			t.Errorf("%s: Append = %x, want %x", v.note, got, want)
		}
		d := Decoder{Source: v.source}
		d.Push(want)
		got, k, ok := d.Next()
		if !ok || k != Whole || got.Op != v.op || got.Status != v.status || hex.EncodeToString(got.Data) != v.data {
			t.Errorf("%s: Next = %+v, %v, %v, want %+v", v.note, got, k, ok, p)
		}
	}
}

// TestDecoderResyncs: packets are found among zeros and noise, at every split,
// and a damaged one does not take the next with it.
func TestDecoderResyncs(t *testing.T) {
	one := Packet{OpDecodeData, FromDecoder, 0, []byte("\x1cone")}
	two := Packet{OpAck, FromDecoder, 0, nil}
	var stream []byte
	stream = append(stream, 0, 0, 0xFF, 0xFE, 3)
	stream = one.Append(stream)
	bad := one.Append(nil)
	bad[6] ^= 1
	stream = append(stream, bad...)
	stream = two.Append(stream)
	for split := range stream {
		d := Decoder{Source: FromDecoder}
		var whole []Packet
		damaged := 0
		for _, part := range [][]byte{stream[:split], stream[split:]} {
			d.Push(part)
			for p, k, ok := d.Next(); ok; p, k, ok = d.Next() {
				if k == Whole {
					whole = append(whole, p)
				} else {
					damaged++
				}
			}
		}
		if len(whole) != 2 || string(whole[0].Data) != "\x1cone" || whole[1].Op != OpAck || damaged == 0 {
			t.Fatalf("split at %d: got %+v and %d damaged, want the two packets and the damaged one", split, whole, damaged)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.packet))
	}
	f.Add(Packet{OpDecodeData, FromDecoder, Continued, bytes.Repeat([]byte{0x1c}, MaxData)}.Append([]byte{0, 0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := Decoder{Source: FromDecoder}
		d.Push(b)
		for range len(b) + 1 {
			p, k, ok := d.Next()
			if !ok {
				if len(d.buf) > 255+2 {
					t.Errorf("decoder holds %d bytes, want less than a packet", len(d.buf))
				}
				// When the rest of what has begun does not come, the next packet is found.
				d.Reset()
				d.Push(Packet{OpAck, FromDecoder, 0, nil}.Append(nil))
				if p, k, ok := d.Next(); !ok || k != Whole || p.Op != OpAck {
					t.Errorf("after % X no packet is found any more", b)
				}
				return
			}
			if k == Whole && !bytes.Contains(b, p.Append(nil)) {
				t.Errorf("Next of %x = %+v, which is not in it", b, p)
			}
		}
		t.Error("decoder found more packets than bytes")
	})
}
