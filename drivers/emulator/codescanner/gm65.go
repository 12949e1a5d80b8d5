package codescanner

import (
	"bytes"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// GM65 is a module of Grow's (see package gm65). From the factory it reads
// whatever it sees, and ends a reading with nothing.
type GM65 struct {
	say   func([]byte)
	after func(time.Duration, func())
	buf   []byte
	zones map[uint16]byte
	turn  int // of the trigger
}

var _ Protocol = (*GM65)(nil)

// Power implements Protocol.
func (p *GM65) Power(say func([]byte), after func(time.Duration, func())) {
	p.say, p.after, p.buf = say, after, nil
	p.zones = map[uint16]byte{0x0000: 0xD6, 0x0006: 0x32, 0x0060: 0x60}
}

// xmodem is CRC-16/XMODEM, by the table's definition.
func xmodem(b []byte) (c uint16) {
	for _, x := range b {
		for bit := 7; bit >= 0; bit-- {
			top := c>>15 ^ uint16(x>>bit&1)
			c <<= 1
			if top != 0 {
				c ^= 0x1021
			}
		}
	}
	return c
}

// Hear implements Protocol.
func (p *GM65) Hear(b []byte) {
	p.buf = append(p.buf, b...)
	for {
		i := bytes.Index(p.buf, []byte{0x7E, 0x00})
		if i < 0 {
			p.buf = p.buf[max(0, len(p.buf)-1):]
			return
		}
		p.buf = p.buf[i:]
		if len(p.buf) < 9 {
			return
		}
		n := 9
		if p.buf[2] == 0x08 {
			n = 8 + int(p.buf[3])
		}
		if len(p.buf) < n {
			return
		}
		c := p.buf[:n]
		sum := xmodem(c[2 : n-2])
		if got := uint16(c[n-2])<<8 | uint16(c[n-1]); got != sum && got != 0xABCD {
			p.buf = p.buf[1:] // it is silent about what it does not understand
			continue
		}
		p.buf = p.buf[n:]
		p.obey(c)
	}
}

func (p *GM65) obey(c []byte) {
	at := uint16(c[4])<<8 | uint16(c[5])
	var data []byte
	switch c[2] {
	case 0x07:
		for i := range uint16(c[6]) {
			data = append(data, p.zones[at+i])
		}
	case 0x08:
		for i, x := range c[6 : len(c)-2] {
			p.zones[at+uint16(i)] = x
		}
		data = []byte{0}
		if at == 0x0002 {
			p.trigger()
		}
	default:
		return
	}
	a := append([]byte{0x02, 0x00, 0x00, byte(len(data))}, data...)
	s := xmodem(a[2:])
	p.say(append(a, byte(s>>8), byte(s)))
}

// trigger starts or ends a reading; it ends by itself after its time.
func (p *GM65) trigger() {
	p.turn++
	turn := p.turn
	if d := time.Duration(p.zones[0x0006]) * 100 * time.Millisecond; d > 0 && p.Lit() {
		p.after(d, func() {
			if p.turn == turn {
				p.zones[0x0002] = 0
			}
		})
	}
}

// Read implements Protocol.
func (p *GM65) Read(codes []device.Code, _ bool) {
	for _, c := range codes {
		p.say(p.Frame(c))
	}
	p.zones[0x0002] = 0
	p.turn++
}

// Frame implements Protocol.
func (p *GM65) Frame(c device.Code) []byte {
	var b []byte
	if p.zones[0x00D0]&0x80 != 0 {
		b = append(b, "]"+aim[c.Symbology]...)
	}
	b = append(b, c.Data...)
	if p.zones[0x0060]&0x61 == 0x01 {
		b = append(b, '\r')
	}
	return b
}

// Damaged implements Protocol: a control character stands in the middle.
func (p *GM65) Damaged(c device.Code) []byte {
	b := p.Frame(c)
	b[len(b)/2] = 0x01
	p.zones[0x0002] = 0
	p.turn++
	return b
}

// Reading implements Protocol.
func (p *GM65) Reading() bool { return p.Lit() || p.zones[0x0000]&0x03 != 0x01 }

// Lit implements Protocol.
func (p *GM65) Lit() bool { return p.zones[0x0002]&1 != 0 && p.zones[0x0000]&0x03 == 0x01 }
