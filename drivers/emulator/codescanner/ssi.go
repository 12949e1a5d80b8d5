package codescanner

import (
	"bytes"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// SSI is a scanner that speaks Zebra's Simple Serial Interface (see package
// ssi). From the factory it reads whatever it sees and types it raw.
type SSI struct {
	// NoFlush makes it acknowledge FLUSH_QUEUE and keep its queue.
	NoFlush bool
	// NoBeep makes it know neither BEEP nor CAPABILITIES_REQUEST.
	NoBeep bool

	say     func([]byte)
	after   func(time.Duration, func())
	buf     []byte
	params  map[byte]byte
	session bool
	queue   [][]byte // packets not sent or not acknowledged, without checksum
	sent    int      // times the first was sent
	number  int      // of the packet at the head of the queue
	beeps   int
	damage  bool // of what is at the head of the queue
}

var _ Protocol = (*SSI)(nil)

// Power implements Protocol.
func (p *SSI) Power(say func([]byte), after func(time.Duration, func())) {
	p.say, p.after = say, after
	p.buf, p.queue, p.session, p.damage = nil, nil, false, false
	p.params = map[byte]byte{0x8A: 0x07, 0xEE: 0, 0x9F: 1}
}

// packet returns the bytes of a packet without its checksum.
func packet(op, status byte, data ...byte) []byte {
	return append([]byte{byte(4 + len(data)), op, 0, status}, data...)
}

// sum appends the checksum.
func sum(b []byte) []byte {
	var s uint16
	for _, x := range b {
		s -= uint16(x)
	}
	return append(bytes.Clone(b), byte(s>>8), byte(s))
}

// Hear implements Protocol.
func (p *SSI) Hear(b []byte) {
	p.buf = append(p.buf, b...)
	for len(p.buf) > 0 {
		n := int(p.buf[0])
		switch {
		case n < 4 || len(p.buf) > 2 && p.buf[2] != 4: // zeros wake it
			p.buf = p.buf[1:]
			continue
		case len(p.buf) < n+2:
			at := len(p.buf)
			p.after(200*time.Millisecond, func() {
				if len(p.buf) == at { // the rest never came
					p.buf = nil
				}
			})
			return
		}
		pk := p.buf[:n+2]
		p.buf = p.buf[n+2:]
		if !bytes.Equal(sum(pk[:n]), pk) {
			p.say(sum(packet(0xD1, 0, 0x01))) // RESEND
			continue
		}
		p.obey(pk[1], pk[4:n])
	}
}

func (p *SSI) obey(op byte, data []byte) {
	ack := func() { p.say(sum(packet(0xD0, 0))) }
	nak := func(cause byte) { p.say(sum(packet(0xD1, 0, cause))) }
	switch op {
	case 0xD0:
		p.next()
	case 0xD1:
		if len(data) > 0 && data[0] == 0x01 && len(p.queue) > 0 {
			p.transmit()
		}
	case 0xD2:
		if !p.NoFlush {
			p.queue, p.damage = nil, false
			p.number++
		}
		ack()
	case 0xE4:
		if p.params[0x8A] != 0x08 {
			nak(0x06)
			return
		}
		ack()
		p.session = true
		if len(p.queue) > 0 && p.sent == 0 {
			p.transmit()
		}
	case 0xE5:
		p.session = false
		ack()
	case 0xC6:
		for i := 1; i+1 < len(data); i += 2 {
			p.params[data[i]] = data[i+1]
		}
		ack()
	case 0xC7:
		out := []byte{0xFF}
		for _, id := range data {
			out = append(out, id, p.params[id])
		}
		p.say(sum(packet(0xC6, 0, out...)))
	case 0xA3:
		p.say(sum(packet(0xA4, 0, []byte("PENJIRE-SPECIMEN 1.0")...)))
	case 0xD3:
		if p.NoBeep {
			nak(0x06)
			return
		}
		p.say(sum(packet(0xD4, 0, 0x00, 0x10, 0x01, 0x01, 0x01, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8)))
	case 0xE6:
		if p.NoBeep {
			nak(0x06)
			return
		}
		p.beeps++
		ack()
	case 0xE7, 0xE8:
		ack()
	default:
		nak(0x06)
	}
}

// transmit sends the head of the queue, and again when it is not acknowledged.
func (p *SSI) transmit() {
	b := bytes.Clone(p.queue[0])
	if p.sent > 0 {
		b[3] |= 0x01
	}
	p.sent++
	b = sum(b)
	if p.damage {
		b[len(b)/2] ^= 0x40
	}
	if p.sent > 3 {
		p.drop()
		return
	}
	p.say(b)
	me, n := p.number, p.sent
	p.after(time.Second, func() {
		if p.number == me && p.sent == n && len(p.queue) > 0 {
			p.transmit()
		}
	})
}

// next goes on to the next packet.
func (p *SSI) next() {
	if len(p.queue) == 0 || p.sent == 0 {
		return
	}
	p.queue, p.sent, p.damage = p.queue[1:], 0, false
	p.number++
	if len(p.queue) > 0 {
		p.transmit()
	}
}

// drop gives the reading at the head of the queue up.
func (p *SSI) drop() {
	p.queue, p.sent, p.damage = nil, 0, false
	p.number++
}

// ssiTypes are code types of DECODE_DATA.
var ssiTypes = map[device.Symbology]byte{
	device.Code128: 0x03, device.PDF417: 0x11, device.DataMatrix: 0x1B, device.QRCode: 0x1C, device.Aztec: 0x2D, device.AnyCode: 0x0B,
}

// packets are the packets that say c.
func (p *SSI) packets(c device.Code) (out [][]byte) {
	data := c.Data
	for {
		n := min(len(data), 250)
		var status byte
		if n < len(data) {
			status = 0x02
		}
		out = append(out, packet(0xF3, status, append([]byte{ssiTypes[c.Symbology]}, data[:n]...)...))
		if data = data[n:]; len(data) == 0 {
			return out
		}
	}
}

// Read implements Protocol.
func (p *SSI) Read(codes []device.Code, unasked bool) {
	for _, c := range codes {
		if p.params[0xEE] == 0 {
			p.say(c.Data)
			continue
		}
		idle := len(p.queue) == 0
		p.queue = append(p.queue, p.packets(c)...)
		if idle {
			p.sent = 0
			if !unasked {
				p.transmit()
			}
		}
	}
	if p.params[0x8A] == 0x08 {
		p.session = false
	}
}

// Frame implements Protocol: the first packet only.
func (p *SSI) Frame(c device.Code) []byte { return sum(p.packets(c)[0]) }

// Damaged implements Protocol.
func (p *SSI) Damaged(c device.Code) []byte {
	if p.session {
		p.queue, p.damage, p.session = p.packets(c)[:1], true, false
		p.sent = 0
		p.transmit()
	}
	return nil
}

// Reading implements Protocol.
func (p *SSI) Reading() bool { return p.session || p.params[0x8A] != 0x08 }

// Lit implements Protocol.
func (p *SSI) Lit() bool { return p.session }
