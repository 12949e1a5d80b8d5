package codescanner

import (
	"bytes"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// Typed is a scanner that types what it reads, with Suffix at the end.
type Typed struct {
	Suffix string
	Prefix string // of every reading
	AIM    bool   // readings begin with an AIM identifier
	// Start and Stop are commands that make it read; nil: it always does. Answer
	// is what it answers to each.
	Start, Stop, Answer []byte

	say  func([]byte)
	tail []byte // last bytes heard
	lit  bool
	held []device.Code
}

var _ Protocol = (*Typed)(nil)

// Power implements Protocol.
func (p *Typed) Power(say func([]byte), _ func(time.Duration, func())) {
	p.say, p.tail, p.lit, p.held = say, nil, false, nil
}

// Hear implements Protocol.
func (p *Typed) Hear(b []byte) {
	for _, x := range b {
		p.tail = append(p.tail, x)
		if n := len(p.tail) - 16; n > 0 {
			p.tail = p.tail[n:]
		}
		switch {
		case len(p.Start) > 0 && bytes.HasSuffix(p.tail, p.Start):
			p.lit = true
			for _, c := range p.held {
				p.say(p.Frame(c))
			}
			p.held = nil
			p.say(p.Answer)
		case len(p.Stop) > 0 && bytes.HasSuffix(p.tail, p.Stop):
			p.lit = false
			p.say(p.Answer)
		}
	}
}

// Read implements Protocol.
func (p *Typed) Read(codes []device.Code, unasked bool) {
	if unasked && len(p.Answer) > 0 {
		p.held = append(p.held, codes...)
		return
	}
	for _, c := range codes {
		p.say(p.Frame(c))
	}
	p.lit = false // a triggered scanner has done its work
}

// Frame implements Protocol.
func (p *Typed) Frame(c device.Code) []byte {
	b := []byte(p.Prefix)
	if p.AIM {
		b = append(b, "]"+aim[c.Symbology]...)
	}
	return append(append(b, c.Data...), p.Suffix...)
}

// aim are identifiers of ISO/IEC 15424 that scanners send.
var aim = map[device.Symbology]string{
	device.QRCode: "Q1", device.DataMatrix: "d2", device.PDF417: "L2", device.Aztec: "z0", device.Code128: "C0", device.AnyCode: "E0",
}

// Damaged implements Protocol: a control character stands in the middle.
func (p *Typed) Damaged(c device.Code) []byte {
	b := p.Frame(c)
	b[len(b)/2] = 0x01
	return b
}

// Reading implements Protocol.
func (p *Typed) Reading() bool { return p.lit || len(p.Start) == 0 }

// Lit implements Protocol.
func (p *Typed) Lit() bool { return p.lit }
