package gm65

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

// TestVectors: commands as the manuals print them. Where those put ABCD, which
// the module takes for any checksum, ours is right.
func TestVectors(t *testing.T) {
	for want, got := range map[string][]byte{
		"7e000701002a02d80f":   Command(TypeRead, 1, 0x002A, 2),           // find the baud rate
		"7e000802002a3901a7ea": Command(TypeWrite, 2, 0x002A, 0x39, 1),    // 9600 baud
		"7e0009010000 00dec8":  Command(0x09, 1, 0, 0),                    // keep settings
		"7e000801000201":       Command(TypeWrite, 1, ZoneTrigger, 1)[:7], // read once
	} {
		if !bytes.Equal(got, unhex(t, string(bytes.ReplaceAll([]byte(want), []byte(" "), nil)))) {
			t.Errorf("Command = %x, want %s", got, want)
		}
	}
	data, after, ok := CutAnswer(unhex(t, "02000001003331"))
	if !ok || !bytes.Equal(data, []byte{0}) || len(after) != 0 {
		t.Errorf("CutAnswer = %x, %x, %v, want 00", data, after, ok)
	}
}

func TestCutAnswer(t *testing.T) {
	a := unhex(t, "02000001003331")
	for name, v := range map[string]struct {
		in, after string
		ok        bool
	}{
		"behind a reading":      {"KH4T\r" + string(a) + "next", "next", true},
		"behind another's head": {"\x02\x00\x00\xFF" + string(a), "", true},
		"cut off":               {string(a[:6]), "", false},
		"damaged":               {string(a[:6]) + "\x30", "", false},
		"nothing":               {"", "", false},
	} {
		data, after, ok := CutAnswer([]byte(v.in))
		if ok != v.ok || string(after) != v.after || ok && !bytes.Equal(data, []byte{0}) {
			t.Errorf("%s: CutAnswer = %x, %q, %v, want %q, %v", name, data, after, ok, v.after, v.ok)
		}
	}
}

func FuzzCutAnswer(f *testing.F) {
	f.Add(unhex(f, "02000001003331"))
	f.Add(unhex(f, "4b4834540d020000010033310200"))
	f.Add([]byte("\x02\x00\x00\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		data, after, ok := CutAnswer(b)
		if ok && (len(data)+6+len(after) > len(b) || !bytes.HasSuffix(b, after)) {
			t.Errorf("CutAnswer(%x) = %x, %x", b, data, after)
		}
		// A whole answer behind anything is found, unless one before it is.
		if _, _, found := CutAnswer(append(bytes.Clone(b), 0x02, 0, 0, 1, 0, 0x33, 0x31)); !found {
			t.Errorf("after %x no answer is found", b)
		}
	})
}
