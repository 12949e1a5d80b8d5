package cctalk

import "errors"

// A frame (ccTalk part 1, section 6; part 3, section 9 for the CRC):
//
//	destination, length of data, source, header, data…, checksum
//	destination, length of data, crc-low, header, data…, crc-high
//
// The checksum makes the sum of all bytes zero. There is nothing by which a frame is
// found in the middle of others: who loses track waits until the line is quiet.
const (
	hostAddress = 1
	overhead    = 5
	maxFrame    = overhead + 252
)

// Check is how frames are protected.
type Check int

// The checks. The zero Check is the plain one.
const (
	Sum Check = 0 // eight bits: the common form
	CRC Check = 1 // sixteen bits, CCITT
)

// crc is CRC-CCITT: polynomial 0x1021, from 0.
func crc(b ...byte) uint16 {
	var c uint16
	for _, x := range b {
		c ^= uint16(x) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
	}
	return c
}

// protected are the bytes of a frame that its CRC is taken over: neither the source
// nor the last.
func protected(f []byte) uint16 {
	return crc(append([]byte{f[0], f[1]}, f[3:len(f)-1]...)...)
}

func sum(b []byte) (s byte) {
	for _, x := range b {
		s += x
	}
	return s
}

// AppendFrame appends a frame to destination. Source counts with Sum only.
func AppendFrame(dst []byte, c Check, destination, source, header byte, data ...byte) []byte {
	start := len(dst)
	dst = append(dst, destination, byte(len(data)), source, header)
	dst = append(append(dst, data...), 0)
	f := dst[start:]
	if c == CRC {
		p := protected(f)
		f[2], f[len(f)-1] = byte(p), byte(p>>8)
	} else {
		f[len(f)-1] = -sum(f)
	}
	return dst
}

// Frame is a frame that came.
type Frame struct {
	Destination, Source, Header byte // Source is 0 with CRC: it is not in the frame
	Data                        []byte
}

// Errors of ParseFrame.
var (
	ErrShort   = errors.New("frame is not whole yet")
	ErrDamaged = errors.New("frame has a wrong checksum")
)

// ParseFrame reads the frame at the start of b, and returns how long it is.
func ParseFrame(b []byte, c Check) (Frame, int, error) {
	if len(b) < 2 || len(b) < overhead+int(b[1]) {
		return Frame{}, 0, ErrShort
	}
	n := overhead + int(b[1])
	f := b[:n]
	out := Frame{Destination: f[0], Source: f[2], Header: f[3], Data: append([]byte(nil), f[4:n-1]...)}
	if c == CRC {
		out.Source = 0
		if p := protected(f); f[2] != byte(p) || f[n-1] != byte(p>>8) {
			return Frame{}, 0, ErrDamaged
		}
	} else if sum(f) != 0 {
		return Frame{}, 0, ErrDamaged
	}
	return out, n, nil
}
