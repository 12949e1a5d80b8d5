package pn532

import (
	"bytes"
	"testing"
	"time"

	"periph.io/x/conn/v3/conntest"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/conn/v3/spi/spitest"
)

// TestSPIBytes plays the wires: 01, 02 and 03 go out as 80, 40 and C0, and every
// byte after them is turned round as well.
func TestSPIBytes(t *testing.T) {
	status := func(answer byte) conntest.IO {
		return conntest.IO{W: []byte{0x40, 0x00}, R: []byte{0x00, answer}}
	}
	frame := func(b []byte) conntest.IO {
		in := append([]byte{0x00}, b...)
		turn(in)
		in = append(in, bytes.Repeat([]byte{0xFF}, 1+maxFrame-len(in))...)
		return conntest.IO{W: append([]byte{0xC0}, make([]byte, maxFrame)...), R: in}
	}
	p := &spitest.Playback{Playback: conntest.Playback{DontPanic: true, Ops: []conntest.IO{
		status(0x00), status(0x00), // select, wake, look
		// 01, then 00 00 FF 02 FE D4 02 2A 00: GetFirmwareVersion.
		{W: []byte{0x80, 0x00, 0x00, 0xFF, 0x40, 0x7F, 0x2B, 0x40, 0x54, 0x00}, R: make([]byte, 10)},
		status(0x00), status(0x80), frame(AckFrame),
		status(0x80), frame(unhex(t, "0000ff06fad50332010607e800")),
	}}}
	l, err := SPI{Name: "played bus", Bus: func() (spi.PortCloser, error) { return p, nil }}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &chip{line: l}
	v, err := c.command(t.Context(), time.Second, cmdGetFirmware)
	if err != nil || !bytes.Equal(v, []byte{0x32, 0x01, 0x06, 0x07}) {
		t.Errorf("GetFirmwareVersion = % X, %v, want 32 01 06 07", v, err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close = %v: not everything was played", err)
	}
}

func FuzzOneFrame(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.frame))
	}
	f.Add(AckFrame)
	f.Fuzz(func(t *testing.T, b []byte) {
		cut := oneFrame(b)
		if !bytes.HasPrefix(b, cut) {
			t.Fatalf("oneFrame(%x) = %x, want a beginning of it", b, cut)
		}
		var whole, part Decoder
		whole.Push(b)
		part.Push(cut)
		want, ok := whole.Next()
		got, gotOK := part.Next()
		if ok && want.Kind != Damaged && (!gotOK || got.Kind != want.Kind || !bytes.Equal(got.Data, want.Data)) {
			t.Errorf("oneFrame(%x) = %x, which reads as %+v, %v, want %+v", b, cut, got, gotOK, want)
		}
	})
}
