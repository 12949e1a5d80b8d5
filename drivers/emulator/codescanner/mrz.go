package codescanner

import (
	"strings"

	"github.com/penjire/penjire/drivers/device"
)

// MRZ is a reader of travel documents that types the zone's lines, as soon as a
// document is drawn through it. A code's Data is the lines, each ended by LF.
type MRZ struct {
	Typed                // of which no Suffix, Start or Stop is used
	Before, After string // around the zone: STX and ETX, mostly
	Between       string // ends each line; "": lines follow each other
}

var _ Protocol = (*MRZ)(nil)

// Read implements Protocol.
func (p *MRZ) Read(codes []device.Code, _ bool) {
	for _, c := range codes {
		p.say(p.Frame(c))
	}
}

// Frame implements Protocol.
func (p *MRZ) Frame(c device.Code) []byte {
	return []byte(p.Before + strings.ReplaceAll(string(c.Data), "\n", p.Between) + p.After)
}

// Damaged implements Protocol: one character was read as another.
func (p *MRZ) Damaged(c device.Code) []byte {
	b := p.Frame(c)
	for i := len(b) - 1; ; i-- {
		if b[i] >= '0' && b[i] <= '9' {
			b[i] = '0' + (b[i]-'0'+1)%10
			return b
		}
	}
}
