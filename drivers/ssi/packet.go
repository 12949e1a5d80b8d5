package ssi

import (
	"bytes"
)

// Where a packet comes from.
const (
	FromDecoder = 0x00
	FromHost    = 0x04
)

// Bits of a packet's status.
const (
	Retransmit = 0x01 // it was sent before
	Continued  = 0x02 // more packets of the same message follow
	Permanent  = 0x08 // parameters are kept without power
)

// headerLen is length, opcode, source and status.
const headerLen = 4

// MaxData is the longest payload: the length byte counts the header.
const MaxData = 255 - headerLen

// Packet is one packet.
//
//	LEN  OP  SOURCE  STATUS  DATA…  CHECKSUM
//	 1   1     1       1      n        2      LEN = 4+n; the sum of all is 0 mod 65536
type Packet struct {
	Op, Source, Status byte
	Data               []byte
}

// Append appends the packet's bytes to dst. Data is at most MaxData long.
func (p Packet) Append(dst []byte) []byte {
	at := len(dst)
	dst = append(dst, byte(headerLen+len(p.Data)), p.Op, p.Source, p.Status)
	dst = append(dst, p.Data...)
	c := checksum(dst[at:])
	return append(dst, byte(c>>8), byte(c))
}

// checksum is the two's complement of the sum of b.
func checksum(b []byte) uint16 {
	var sum uint16
	for _, x := range b {
		sum += uint16(x)
	}
	return -sum
}

// Kind is what a Decoder finds.
type Kind int

// The kinds.
const (
	Whole   Kind = 1 // a packet
	Damaged Kind = 2 // what looked like one, and has a wrong checksum
)

// Decoder finds the packets of one source in a stream of bytes.
type Decoder struct {
	Source byte
	buf    []byte
}

// Push adds bytes.
func (d *Decoder) Push(b []byte) { d.buf = append(d.buf, b...) }

// Reset forgets the beginning of a packet: its rest did not come in time.
func (d *Decoder) Reset() {
	clear(d.buf)
	d.buf = d.buf[:0]
}

// Begun reports whether there is the beginning of a packet.
func (d *Decoder) Begun() bool { return len(d.buf) > 0 }

// Next returns the next find; ok is false until more bytes are pushed. Bytes
// that begin no packet are skipped: the zeros that wake, above all.
func (d *Decoder) Next() (p Packet, k Kind, ok bool) {
	for len(d.buf) > 0 {
		n := int(d.buf[0])
		if n < headerLen || len(d.buf) >= 3 && d.buf[2] != d.Source {
			d.skip(1)
			continue
		}
		if len(d.buf) < n+2 {
			return Packet{}, 0, false
		}
		if checksum(d.buf[:n]) != uint16(d.buf[n])<<8|uint16(d.buf[n+1]) {
			d.skip(n + 2) // if its length was right, the next begins there
			return Packet{}, Damaged, true
		}
		p = Packet{d.buf[1], d.buf[2], d.buf[3], bytes.Clone(d.buf[headerLen:n])}
		d.skip(n + 2)
		return p, Whole, true
	}
	return Packet{}, 0, false
}

func (d *Decoder) skip(n int) {
	m := copy(d.buf, d.buf[n:])
	clear(d.buf[m:])
	d.buf = d.buf[:m]
}
