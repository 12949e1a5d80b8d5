package pn532

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/penjire/penjire/drivers/device"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("decode %q: %v", s, err)
	}
	return b
}

// vectors are frames that libnfc accepted or sent.
var vectors = []struct {
	note, frame string
	tfi         byte
	data        string
}{
	{"GetFirmwareVersion", "0000ff02fed4022a00", ToChip, "02"},
	{"its answer: PN532 1.6", "0000ff06fad50332010607e800", FromChip, "0332010607"},
	{"SAMConfiguration", "0000ff05fbd4140114010200", ToChip, "14011401"},
	{"InListPassiveTarget A", "0000ff04fcd44a0100e100", ToChip, "4a0100"},
	{"RFConfiguration MaxRetries", "0000ff06fad43205ff0110e500", ToChip, "3205ff0110"},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		want := unhex(t, v.frame)
		if got := AppendFrame(nil, v.tfi, unhex(t, v.data)); !bytes.Equal(got, want) {
			t.Errorf("%s: AppendFrame = %x, want %x", v.note, got, want)
		}
		var d Decoder
		d.Push(want)
		f, ok := d.Next()
		if !ok || f.Kind != Data || f.TFI != v.tfi || hex.EncodeToString(f.Data) != v.data {
			t.Errorf("%s: Next = %+v, %v, want %s", v.note, f, ok, v.data)
		}
	}
	for want, b := range map[Kind][]byte{ACK: AckFrame, NACK: NackFrame, Error: ErrorFrame} {
		var d Decoder
		d.Push(b)
		if f, ok := d.Next(); !ok || f.Kind != want {
			t.Errorf("Next of % X = %+v, %v, want kind %d", b, f, ok, want)
		}
	}
}

// TestDecoderResyncs: frames are found among noise, at every split, and a
// damaged one does not take the next with it.
func TestDecoderResyncs(t *testing.T) {
	long := bytes.Repeat([]byte{0x00, 0xFF, 0x55}, 87) // 261 bytes, full of start codes
	var stream []byte
	stream = append(stream, 0x55, 0x55, 0x00, 0x00, 0x12)
	stream = append(stream, AckFrame...)
	stream = append(stream, 0x00, 0xFF, 0x03, 0x03) // a length with a wrong checksum
	stream = AppendFrame(stream, FromChip, []byte{0x41, 0x00})
	stream = AppendFrame(stream, FromChip, long)
	bad := AppendFrame(nil, FromChip, []byte{1, 2, 3})
	bad[len(bad)-2] ^= 1
	stream = append(stream, bad...)
	stream = append(stream, AckFrame...)
	for split := range stream {
		var d Decoder
		var kinds []Kind
		var got []Frame
		for _, part := range [][]byte{stream[:split], stream[split:]} {
			d.Push(part)
			for f, ok := d.Next(); ok; f, ok = d.Next() {
				kinds, got = append(kinds, f.Kind), append(got, f)
			}
		}
		want := []Kind{ACK, Damaged, Data, Data, Damaged, ACK}
		if len(kinds) != len(want) {
			t.Fatalf("split at %d: got kinds %v, want %v", split, kinds, want)
		}
		for i := range want {
			if kinds[i] != want[i] {
				t.Fatalf("split at %d: got kinds %v, want %v", split, kinds, want)
			}
		}
		if !bytes.Equal(got[3].Data, long) {
			t.Fatalf("split at %d: long frame came as %x", split, got[3].Data)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.frame))
	}
	f.Add(AppendFrame(nil, FromChip, make([]byte, MaxData)))
	f.Add(append(append([]byte{}, AckFrame...), NackFrame...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Decoder
		d.Push(b)
		for range len(b) + 1 {
			fr, ok := d.Next()
			if !ok {
				if len(d.buf) > MaxData+16 {
					t.Errorf("decoder holds %d bytes, want less than a frame", len(d.buf))
				}
				// Whatever came, a frame after it is found, unless the beginning
				// of one swallows it; then the next is.
				for range 2 + MaxData/len(AckFrame) {
					d.Push(AckFrame)
				}
				for fr, ok := d.Next(); ok; fr, ok = d.Next() {
					if fr.Kind == ACK {
						return
					}
				}
				t.Errorf("after % X no frame is found any more", b)
				return
			}
			if fr.Kind == Data {
				again := AppendFrame(nil, fr.TFI, fr.Data)
				var e Decoder
				e.Push(again)
				if g, ok := e.Next(); !ok || !bytes.Equal(g.Data, fr.Data) {
					t.Errorf("Next of AppendFrame(%x) = %+v", fr.Data, g)
				}
			}
		}
		t.Error("decoder found more frames than bytes")
	})
}

func TestParseTarget(t *testing.T) {
	got, err := parseTarget(unhex(t, "010100042004081234560578807002"))
	if err != nil || got == nil || hex.EncodeToString(got.uid) != "08123456" || hex.EncodeToString(got.ats) != "0578807002" {
		t.Errorf("parseTarget = %+v, %v, want UID 08123456 and an ATS", got, err)
	}
	if got, err := parseTarget([]byte{0}); got != nil || err != nil {
		t.Errorf("parseTarget of none = %+v, %v, want nil", got, err)
	}
	for _, bad := range []string{"", "01", "0101000420", "010100042004081234", "0101000420040812345609788070", "02010004200408123456", "01010004200508123456aa"} {
		if got, err := parseTarget(unhex(t, bad)); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("parseTarget(%s) = %+v, %v, want ErrProtocol", bad, got, err)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	f.Add(unhex(f, "010100042004081234560578807002"))
	f.Add(unhex(f, "0101004408070811223344556677"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseTarget(b)
		if err == nil && got != nil && (len(got.uid) < 4 || len(got.uid)+len(got.ats) > len(b)) {
			t.Errorf("parseTarget(%x) = %+v", b, got)
		}
	})
}
