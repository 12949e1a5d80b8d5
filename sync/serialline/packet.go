package serialline

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Sizes of a packet (wire.md, section 8). At one bit error in ten thousand, some
// 140 bytes carry the most: shorter ones are mostly head, longer ones mostly lost.
const (
	maxPayload = 160
	headLen    = 11
	crcLen     = 4
	maxPacket  = headLen + maxPayload + crcLen
	maxCoded   = maxPacket + 1 // COBS adds one byte to at most 254
	window     = 16            // packets on their way; bits of packet.got
)

// flags of a packet.
type flags uint8

const (
	flagOver  flags = 1 << iota // the sender is done and waits for an answer
	flagData                    // seq counts, there may be payload
	flagReset                   // the sender knows no such stream
	flagOpen                    // the stream is new; up only
	flagEnd                     // nothing comes after this packet; with flagData
	flagDown                    // from the portal
	known     = flagOver | flagData | flagReset | flagOpen | flagEnd | flagDown
	version   = 1 << 6 // in the two bits above
)

// errPacket is a packet that does not count: damaged, or not ours.
var errPacket = errors.New("bad packet")

// packet is one packet of a stream.
type packet struct {
	flags   flags
	stream  uint32
	seq     uint16 // of this one; without flagData of the next
	ack     uint16 // every packet before it has come
	got     uint16 // bit i: packet ack+1+i has come too
	payload []byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// marshal returns the packet as it goes over the line, between two zeros.
func (p packet) marshal() []byte {
	b := make([]byte, headLen, maxPacket)
	b[0] = version | byte(p.flags)
	binary.BigEndian.PutUint32(b[1:], p.stream)
	binary.BigEndian.PutUint16(b[5:], p.seq)
	binary.BigEndian.PutUint16(b[7:], p.ack)
	binary.BigEndian.PutUint16(b[9:], p.got)
	b = append(b, p.payload...)
	return append(stuff([]byte{0}, crc(b)), 0)
}

// crc returns b with its checksum.
func crc(b []byte) []byte { return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)) }

// parsePacket reads what stood between two zeros. Errors are errPacket.
func parsePacket(coded []byte) (packet, error) {
	b, ok := unstuff(coded)
	if !ok {
		return packet{}, fmt.Errorf("serialline: %w: no COBS", errPacket)
	}
	n := len(b) - crcLen
	if n < headLen || n > headLen+maxPayload {
		return packet{}, fmt.Errorf("serialline: %w: %d bytes", errPacket, len(b))
	}
	if crc32.Checksum(b[:n], castagnoli) != binary.BigEndian.Uint32(b[n:]) {
		return packet{}, fmt.Errorf("serialline: %w: checksum", errPacket)
	}
	p := packet{
		flags: flags(b[0] &^ (3 << 6)), stream: binary.BigEndian.Uint32(b[1:]), seq: binary.BigEndian.Uint16(b[5:]),
		ack: binary.BigEndian.Uint16(b[7:]), got: binary.BigEndian.Uint16(b[9:]), payload: b[headLen:n],
	}
	switch {
	case b[0]>>6 != version>>6:
		return packet{}, fmt.Errorf("serialline: %w: version %d", errPacket, b[0]>>6)
	case p.stream == 0:
		return packet{}, fmt.Errorf("serialline: %w: stream 0", errPacket)
	case p.flags&flagData == 0 && (len(p.payload) > 0 || p.flags&flagEnd != 0):
		return packet{}, fmt.Errorf("serialline: %w: data without a number", errPacket)
	case p.flags&flagData != 0 && len(p.payload) == 0 && p.flags&flagEnd == 0:
		return packet{}, fmt.Errorf("serialline: %w: a number without data", errPacket)
	case p.flags&flagReset != 0 && p.flags&^(flagReset|flagDown) != 0:
		return packet{}, fmt.Errorf("serialline: %w: more than a reset", errPacket)
	case p.flags&flagOpen != 0 && p.flags&flagDown != 0:
		return packet{}, fmt.Errorf("serialline: %w: opened by the portal", errPacket)
	}
	return p, nil
}

// stuff appends b without its zeros to to: consistent overhead byte stuffing
// (Cheshire and Baker, 1999).
func stuff(to, b []byte) []byte {
	at := len(to)
	to = append(to, 1)
	for i, c := range b {
		if c != 0 {
			to = append(to, c)
			to[at]++
		}
		if c == 0 || to[at] == 255 && i < len(b)-1 {
			at = len(to)
			to = append(to, 1)
		}
	}
	return to
}

// unstuff undoes stuff. False: these are not bytes that stuff gives.
func unstuff(b []byte) ([]byte, bool) {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		n := int(b[0])
		if n == 0 || n > len(b) {
			return nil, false
		}
		for _, c := range b[1:n] {
			if c == 0 {
				return nil, false
			}
			out = append(out, c)
		}
		b = b[n:]
		if n < 255 && len(b) > 0 {
			out = append(out, 0)
		}
	}
	return out, true
}

// scanner finds packets in what comes over the line.
type scanner struct {
	b    []byte
	over bool // too long for a packet: nothing counts until the next zero
}

// scan takes bytes and calls take with every packet among them that counts.
func (s *scanner) scan(b []byte, take func(packet)) {
	for _, c := range b {
		switch {
		case c != 0 && len(s.b) >= maxCoded:
			s.over = true
		case c != 0:
			s.b = append(s.b, c)
		default:
			if len(s.b) > 0 && !s.over {
				if p, err := parsePacket(s.b); err == nil {
					take(p)
				}
			}
			s.b, s.over = s.b[:0], false
		}
	}
}
