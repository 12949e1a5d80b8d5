// Package bech32 writes and reads keys as text: Bech32 (BIP 173) as age uses it,
// without its limit on length, in lower case.
package bech32

import (
	"errors"
	"strings"
)

const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

func polymod(values []byte) uint32 {
	gen := [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
	chk := uint32(1)
	for _, v := range values {
		top := chk >> 25
		chk = (chk&0x1ffffff)<<5 ^ uint32(v)
		for i, g := range gen {
			if top>>i&1 == 1 {
				chk ^= g
			}
		}
	}
	return chk
}

func expand(hrp string) []byte {
	var v []byte
	for i := range len(hrp) {
		v = append(v, hrp[i]>>5)
	}
	v = append(v, 0)
	for i := range len(hrp) {
		v = append(v, hrp[i]&31)
	}
	return v
}

// regroup turns groups of from bits into groups of to bits.
func regroup(data []byte, from, to uint, pad bool) ([]byte, error) {
	var acc uint32
	var bits uint
	var out []byte
	for _, b := range data {
		acc = acc<<from | uint32(b)
		bits += from
		for bits >= to {
			bits -= to
			out = append(out, byte(acc>>bits)&(1<<to-1))
		}
		acc &= 1<<bits - 1
	}
	switch {
	case pad && bits > 0:
		out = append(out, byte(acc<<(to-bits))&(1<<to-1))
	case !pad && (bits >= from || acc != 0):
		return nil, errors.New("its padding is wrong")
	}
	return out, nil
}

// Encode returns data as text that begins with hrp and a 1.
func Encode(hrp string, data []byte) string {
	values, _ := regroup(data, 8, 5, true) // padding cannot be wrong here
	sum := polymod(append(append(expand(hrp), values...), 0, 0, 0, 0, 0, 0)) ^ 1
	for i := range 6 {
		values = append(values, byte(sum>>(5*(5-i)))&31)
	}
	var s strings.Builder
	s.WriteString(hrp + "1")
	for _, v := range values {
		s.WriteByte(alphabet[v])
	}
	return s.String()
}

// Decode reads what Encode wrote.
func Decode(hrp, s string) ([]byte, error) {
	rest, ok := strings.CutPrefix(s, hrp+"1")
	if !ok || len(rest) < 6 {
		return nil, errors.New("it does not start as it should, or is too short")
	}
	var values []byte
	for i := range len(rest) {
		v := strings.IndexByte(alphabet, rest[i])
		if v < 0 {
			return nil, errors.New("it holds a character that is not of Bech32")
		}
		values = append(values, byte(v))
	}
	if polymod(append(expand(hrp), values...)) != 1 {
		return nil, errors.New("its checksum is wrong")
	}
	return regroup(values[:len(values)-6], 5, 8, false)
}
