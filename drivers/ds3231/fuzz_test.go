package ds3231

import (
	"bytes"
	"testing"
)

// FuzzRegisters: registers that hold a time give it back when it is encoded, and
// whatever they hold, nothing breaks.
func FuzzRegisters(f *testing.F) {
	f.Add([]byte{0x58, 0x59, 0x23, 0x05, 0x31, 0x92, 0x99, 0, 0, 0, 0, 0, 0, 0, 0x1C, 0})
	f.Add([]byte{0x00, 0x00, 0x72, 0x03, 0x29, 0x02, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x1C, 0})
	f.Add(bytes.Repeat([]byte{0xFF}, 16))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, r []byte) {
		at, err := decode(r)
		if err != nil {
			return
		}
		got, err := encode(at)
		if err != nil {
			t.Fatalf("encode(%v) = %v, want nil", at, err)
		}
		again, err := decode(append(got[:], make([]byte, 9)...))
		if err != nil || !again.Equal(at) {
			t.Errorf("decode of what %v encodes to = %v, %v", at, again, err)
		}
	})
}
