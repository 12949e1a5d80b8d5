package iso7816

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/penjire/penjire/drivers/device"
)

// ATR is what a card with contacts says at reset (ISO/IEC 7816-3, 8.2).
type ATR struct {
	Inverse    bool   // bits are sent the other way round
	Protocols  []int  // offered, in their order; 15 is no protocol and left out
	TA1        byte   // speeds; 0x11, the default, when it is absent
	Specific   bool   // TA2: the protocol cannot be chosen
	Historical []byte // up to 15 bytes
}

// ParseATR takes an answer to reset apart. Bytes after it are an error.
func ParseATR(b []byte) (ATR, error) {
	bad := func(what string) (ATR, error) {
		return ATR{}, fmt.Errorf("iso7816: parse ATR: %s: %w", what, device.ErrProtocol)
	}
	if len(b) < 2 {
		return bad("it is cut off")
	}
	if len(b) > 33 {
		return bad("it is over 33 bytes")
	}
	a := ATR{TA1: 0x11}
	switch b[0] {
	case 0x3B:
	case 0x3F:
		a.Inverse = true
	default:
		return bad("its first byte is no convention")
	}
	k := int(b[1] & 0x0F)
	check := false
	i := 2
	for y, level := b[1]>>4, 1; ; level++ {
		next := byte(0)
		for bit := range 4 { // TA, TB, TC, TD
			if y&(1<<bit) == 0 {
				continue
			}
			if i == len(b) {
				return bad("an interface byte is missing")
			}
			switch {
			case bit == 0 && level == 1:
				a.TA1 = b[i]
			case bit == 0 && level == 2:
				a.Specific = true
			case bit == 3:
				next = b[i]
			}
			i++
		}
		if y&8 == 0 {
			break
		}
		t := int(next & 0x0F)
		if t != 15 && !slices.Contains(a.Protocols, t) {
			a.Protocols = append(a.Protocols, t)
		}
		check = check || t != 0
		y = next >> 4
	}
	if len(a.Protocols) == 0 {
		a.Protocols = []int{0}
	}
	if i+k > len(b) {
		return bad("historical bytes are missing")
	}
	a.Historical = bytes.Clone(b[i : i+k])
	i += k
	if check {
		if i == len(b) {
			return bad("check byte is missing")
		}
		var sum byte
		for _, x := range b[1 : i+1] {
			sum ^= x
		}
		if sum != 0 {
			return bad("check byte is wrong")
		}
		i++
	}
	if i != len(b) {
		return bad(fmt.Sprintf("%d bytes follow it", len(b)-i))
	}
	return a, nil
}

// ATS is what a contactless card says at activation (ISO/IEC 14443-4, 5.2).
type ATS struct {
	FSC        int // bytes in the longest frame the card takes
	Historical []byte
}

// frameSizes are the FSC for each FSCI; higher ones are taken for the last.
var frameSizes = []int{16, 24, 32, 40, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096}

// ParseATS takes an answer to select apart. Its first byte is its length.
func ParseATS(b []byte) (ATS, error) {
	bad := func(what string) (ATS, error) {
		return ATS{}, fmt.Errorf("iso7816: parse ATS: %s: %w", what, device.ErrProtocol)
	}
	if len(b) == 0 || int(b[0]) != len(b) {
		return bad("its length is wrong")
	}
	a := ATS{FSC: 32}
	if len(b) == 1 {
		return a, nil
	}
	t0 := b[1]
	a.FSC = frameSizes[min(int(t0&0x0F), len(frameSizes)-1)]
	i := 2
	for bit := range 3 { // TA, TB, TC
		if t0&(0x10<<bit) != 0 {
			i++
		}
	}
	if i > len(b) {
		return bad("an interface byte is missing")
	}
	a.Historical = bytes.Clone(b[i:])
	return a, nil
}
