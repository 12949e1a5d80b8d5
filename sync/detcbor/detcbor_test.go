package detcbor_test

import (
	stdbytes "bytes"
	"encoding/hex"
	"math"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/penjire/penjire/sync/detcbor"
)

func theirs(t testing.TB, v any) []byte {
	t.Helper()
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	b, err := enc.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAsTheLibraryDoes compares every form with fxamacker/cbor's, at the edges of
// each length.
func TestAsTheLibraryDoes(t *testing.T) {
	for _, n := range []int64{
		0, 1, 23, 24, 255, 256, 65535, 65536, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64,
		-1, -24, -25, -256, -257, -65536, -65537, -1 << 32, -1<<32 - 1, math.MinInt64,
	} {
		b := detcbor.AppendInt(nil, n)
		if want := theirs(t, n); !stdbytes.Equal(b, want) {
			t.Errorf("AppendInt(%d) = %x, want %x", n, b, want)
		}
		if r := detcbor.NewReader(b); r.Int() != n || !r.End() {
			t.Errorf("%x is not read as %d", b, n)
		}
		if n < 0 {
			continue
		}
		if b := detcbor.AppendUint(nil, uint64(n)); !stdbytes.Equal(b, theirs(t, uint64(n))) {
			t.Errorf("AppendUint(%d) = %x", n, b)
		}
		if r := detcbor.NewReader(b); n > 0 && r.Uint(uint64(n)-1) != 0 || n > 0 && r.Good() {
			t.Errorf("%d is taken where it is too much", n)
		}
	}
	for _, n := range []int{0, 1, 23, 24, 300, 70_000} {
		p := stdbytes.Repeat([]byte("x"), n)
		if b := detcbor.AppendBytes(nil, p); !stdbytes.Equal(b, theirs(t, p)) {
			t.Errorf("AppendBytes of %d bytes is not the library's", n)
		} else if r := detcbor.NewReader(b); !stdbytes.Equal(r.Bytes(), p) || !r.End() {
			t.Errorf("%d bytes are not read", n)
		}
		if b := detcbor.AppendText(nil, string(p)); !stdbytes.Equal(b, theirs(t, string(p))) {
			t.Errorf("AppendText of %d bytes is not the library's", n)
		} else if r := detcbor.NewReader(b); r.Text("other") != string(p) || !r.End() {
			t.Errorf("a text of %d bytes is not read", n)
		}
	}
	for _, v := range []bool{false, true} {
		b := detcbor.AppendBool(nil, v)
		if r := detcbor.NewReader(b); !stdbytes.Equal(b, theirs(t, v)) || r.Bool() != v || !r.End() {
			t.Errorf("AppendBool(%t) = %x", v, b)
		}
	}
	list := []uint64{1, 2, 30}
	b := detcbor.AppendArray(nil, len(list))
	for _, n := range list {
		b = detcbor.AppendUint(b, n)
	}
	if !stdbytes.Equal(b, theirs(t, list)) {
		t.Errorf("an array is %x", b)
	}
	b = detcbor.AppendMap(nil, 2)
	b = detcbor.AppendBool(detcbor.AppendUint(b, 1), true)
	b = detcbor.AppendText(detcbor.AppendUint(b, 24), "y")
	if want := theirs(t, map[int]any{24: "y", 1: true}); !stdbytes.Equal(b, want) {
		t.Errorf("a map is %x, want %x", b, want)
	}
}

// TestOneFormOnly: what is not the only form is refused, and nothing is read
// behind it.
func TestOneFormOnly(t *testing.T) {
	asks := map[string]func(*detcbor.Reader){
		"number": func(r *detcbor.Reader) { r.Uint(math.MaxUint64) },
		"int":    func(r *detcbor.Reader) { r.Int() },
		"bytes":  func(r *detcbor.Reader) { r.Bytes() },
		"text":   func(r *detcbor.Reader) { r.Text("") },
		"bool":   func(r *detcbor.Reader) { r.Bool() },
		"array":  func(r *detcbor.Reader) { r.Array(10) },
		"map":    func(r *detcbor.Reader) { r.Map(10) },
		"key":    func(r *detcbor.Reader) { r.Key(5) },
	}
	for _, bad := range []struct{ ask, hex string }{
		{"number", ""},
		{"number", "1817"},
		{"number", "1900ff"},
		{"number", "1a0000ffff"},
		{"number", "1b00000000ffffffff"},
		{"number", "1c"},
		{"number", "1f"},
		{"number", "18"},
		{"number", "1900"},
		{"number", "20"},
		{"number", "f6"},
		{"int", "3817"},
		{"int", "1bffffffffffffffff"},
		{"int", "3bffffffffffffffff"},
		{"int", "40"},
		{"bytes", "41"},
		{"bytes", "5fff"},
		{"bytes", "580101"},
		{"bytes", "60"},
		{"bytes", "5bffffffffffffffff"},
		{"text", "61"},
		{"text", "7fff"},
		{"text", "40"},
		{"bool", "f6"},
		{"bool", "01"},
		{"bool", ""},
		{"array", "8b"},
		{"array", "9fff"},
		{"array", "a0"},
		{"map", "ab"},
		{"map", "bfff"},
		{"map", "80"},
		{"key", "05"},
		{"key", "04"},
		{"key", "1805"},
		{"key", "6161"},
	} {
		b, err := hex.DecodeString(bad.hex)
		if err != nil {
			t.Fatal(err)
		}
		r := detcbor.NewReader(append(b, 0x01))
		if bad.hex == "41" || bad.hex == "61" || bad.hex == "18" || bad.hex == "1900" || bad.hex == "" && bad.ask == "number" {
			r = detcbor.NewReader(b) // cut
		}
		if asks[bad.ask](&r); r.Good() || r.End() {
			t.Errorf("%s %q is taken", bad.ask, bad.hex)
		}
		if n := r.Uint(10); n != 0 || r.Good() {
			t.Errorf("after %s %q it reads on", bad.ask, bad.hex)
		}
	}
	r := detcbor.NewReader([]byte{1})
	if r.Fail(); r.Good() || r.Uint(1) != 0 {
		t.Error("it reads on after Fail")
	}
}
