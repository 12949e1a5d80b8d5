package iso7816

import (
	"fmt"

	"github.com/penjire/penjire/drivers/device"
)

// TLV is one BER-TLV data object (ISO/IEC 7816-4, 6.3). Its tag has one to
// three bytes, kept as one number: 0x5FC105.
type TLV struct {
	Tag   uint32
	Value []byte
}

// AppendTLV appends the data object tag, value to b.
func AppendTLV(b []byte, tag uint32, value []byte) []byte {
	switch {
	case tag > 0xFFFF:
		b = append(b, byte(tag>>16), byte(tag>>8), byte(tag))
	case tag > 0xFF:
		b = append(b, byte(tag>>8), byte(tag))
	default:
		b = append(b, byte(tag))
	}
	switch n := len(value); {
	case n < 0x80:
		b = append(b, byte(n))
	case n < 0x100:
		b = append(b, 0x81, byte(n))
	case n < 0x10000:
		b = append(b, 0x82, byte(n>>8), byte(n))
	default:
		b = append(b, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, value...)
}

// NextTLV takes the first data object off b. Values share b's memory.
func NextTLV(b []byte) (t TLV, rest []byte, err error) {
	fail := func(what string) (TLV, []byte, error) {
		return TLV{}, nil, fmt.Errorf("iso7816: parse data object: %s: %w", what, device.ErrProtocol)
	}
	if len(b) == 0 {
		return fail("nothing there")
	}
	i := 1
	t.Tag = uint32(b[0])
	if b[0]&0x1F == 0x1F {
		for {
			if i == len(b) {
				return fail("tag is cut off")
			}
			if i == 3 {
				return fail("tag is over 3 bytes")
			}
			t.Tag = t.Tag<<8 | uint32(b[i])
			i++
			if b[i-1]&0x80 == 0 {
				break
			}
		}
	}
	if i == len(b) {
		return fail("length is missing")
	}
	n := int(b[i])
	i++
	if n >= 0x80 {
		k := n & 0x7F
		if k < 1 || k > 3 || i+k > len(b) {
			return fail("bad length")
		}
		n = 0
		for range k {
			n = n<<8 | int(b[i])
			i++
		}
	}
	if n > len(b)-i {
		return fail(fmt.Sprintf("tag %X says %d bytes, %d are there", t.Tag, n, len(b)-i))
	}
	t.Value = b[i : i+n : i+n]
	return t, b[i+n:], nil
}

// FindTLV returns the value of the first data object with tag among those
// side by side in b. Objects are not searched inside.
func FindTLV(b []byte, tag uint32) ([]byte, error) {
	for len(b) > 0 {
		t, rest, err := NextTLV(b)
		if err != nil {
			return nil, err
		}
		if t.Tag == tag {
			return t.Value, nil
		}
		b = rest
	}
	return nil, fmt.Errorf("iso7816: no data object %X: %w", tag, device.ErrProtocol)
}
