package cctalk

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/penjire/penjire/drivers/device"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vectors are frames of the specification's part 1 and 2, and worked out by hand.
var vectors = []struct {
	name, frame string
	header      byte
	data        string
}{
	{"simple poll", "020001feff", 254, ""},
	{"manufacturer", "020001f607", 246, ""},
	{"category", "020001f508", 245, ""},
	{"product", "020001f409", 244, ""},
	{"read credit", "020001e518", 229, ""},
	{"inhibits on", "020201e7ffff16", 231, "ffff"},
	{"master on", "020101e40117", 228, "01"},
	{"reset", "02000101fc", 1, ""},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		frame, data := unhex(t, v.frame), unhex(t, v.data)
		if got := AppendFrame(nil, Sum, 2, 1, v.header, data...); !bytes.Equal(got, frame) {
			t.Errorf("%s: AppendFrame = % X, want % X", v.name, got, frame)
		}
		for _, c := range []Check{Sum, CRC} {
			b := AppendFrame(nil, c, 2, 1, v.header, data...)
			f, n, err := ParseFrame(b, c)
			if err != nil || n != len(b) || f.Header != v.header || f.Destination != 2 || !bytes.Equal(f.Data, data) {
				t.Errorf("%s, check %d: ParseFrame = %+v, %d, %v", v.name, c, f, n, err)
			}
			for at := range b {
				bad := bytes.Clone(b)
				bad[at] ^= 0x04
				if f, _, err := ParseFrame(bad, c); err == nil {
					t.Errorf("%s, check %d, byte %d changed: ParseFrame = %+v, want an error", v.name, c, at, f)
				}
			}
		}
	}
	// Reset to address 40: the CRC of 28 00 01 is 3F46, its low byte in the source's
	// place, as pierrebeucher/cctalk4j has it too.
	if got, want := AppendFrame(nil, CRC, 40, 1, 1), unhex(t, "280046013f"); !bytes.Equal(got, want) {
		t.Errorf("CRC frame = % X, want % X", got, want)
	}
	if f, _, err := ParseFrame(unhex(t, "01000200fd"), Sum); err != nil || f.Header != hdrACK || f.Source != 2 {
		t.Errorf("ACK = %+v, %v", f, err)
	}
}

func TestCount(t *testing.T) {
	for _, c := range []struct {
		before, now uint8
		want        int
	}{{0, 0, 0}, {0, 1, 1}, {1, 1, 0}, {7, 12, 5}, {254, 255, 1}, {255, 1, 1}, {253, 2, 4}, {9, 0, 0}, {5, 4, 254}} {
		if got := since(c.before, c.now); got != c.want {
			t.Errorf("since(%d, %d) = %d, want %d", c.before, c.now, got, c.want)
		}
	}
	for c := 1; c <= 255; c++ {
		if got := before(next(uint8(c))); got != uint8(c) {
			t.Errorf("before(next(%d)) = %d", c, got)
		}
	}
}

func TestCoinNames(t *testing.T) {
	tm := map[string]string{"TM": "TMT"}
	for name, want := range map[string]device.Denom{
		"TM100A": {Currency: "TMT", Value: 100}, "TM005B": {Currency: "TMT", Value: 5}, "EU100A": {}, "TM000A": {}, "......": {}, "TM1K0A": {}, "": {}, "TM-10A": {},
	} {
		if got := parseCoin(name, tm); got != want {
			t.Errorf("parseCoin(%q) = %v, want %v", name, got, want)
		}
	}
}

// FuzzFrame: what is read as a frame is written again the same.
func FuzzFrame(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.frame), false)
		f.Add(AppendFrame(nil, CRC, 2, 1, v.header, unhex(f, v.data)...), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, wide bool) {
		c := Sum
		if wide {
			c = CRC
		}
		fr, n, err := ParseFrame(b, c)
		if err != nil {
			return
		}
		if again := AppendFrame(nil, c, fr.Destination, fr.Source, fr.Header, fr.Data...); !bytes.Equal(again, b[:n]) {
			t.Errorf("% X is written as % X", b[:n], again)
		}
		parseCoin(string(fr.Data), nil)
	})
}
