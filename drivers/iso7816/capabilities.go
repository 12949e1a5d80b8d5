package iso7816

import "github.com/penjire/penjire/drivers/device"

// Capabilities is what a card has said of itself and how it is reached. The zero
// value is a card that has said nothing, reached in a way that is not known: only
// short APDUs go to it, and nothing is repeated.
type Capabilities struct {
	Protocol device.Protocol
	Longest  int  // bytes in the longest command APDU the reader carries; 0: 261
	Chaining bool // the card says that it takes chained commands
	Extended bool // the card says that it takes extended Lc and Le
	// InFile says that EF.ATR/INFO tells how long APDUs may be. Until it has been
	// read (see [ReadLimits]) only short ones are.
	InFile      bool
	MaxCommand  int // bytes in a command APDU, by EF.ATR/INFO; 0: not said
	MaxResponse int // bytes in a response APDU, the same
}

// Capable is a Transmitter that knows its card.
type Capable interface {
	Transmitter
	Capabilities() Capabilities
}

// With returns t as one whose card can what c says.
func With(t Transmitter, c Capabilities) Capable { return capable{t, c} }

type capable struct {
	Transmitter
	c Capabilities
}

func (c capable) Capabilities() Capabilities { return c.c }

// Of returns what c has said when it was activated.
func Of(c *device.Card) Capabilities {
	if c == nil {
		return Capabilities{}
	}
	var historical []byte
	if a, err := ParseATR(c.ATS); err == nil {
		historical = a.Historical
	} else if a, err := ParseATS(c.ATS); err == nil {
		historical = a.Historical
	}
	out := fromHistorical(historical)
	out.Protocol, out.Longest = c.Protocol, c.Longest
	return out
}

// fromHistorical reads the card capabilities in historical bytes (ISO/IEC 7816-4,
// 12.1.1): a category, then data objects whose tag and length share a byte.
func fromHistorical(b []byte) Capabilities {
	if len(b) == 0 {
		return Capabilities{}
	}
	switch b[0] {
	case 0x00:
		if len(b) < 4 {
			return Capabilities{}
		}
		b = b[1 : len(b)-3] // a status indicator closes it
	case 0x80:
		b = b[1:]
	default: // 10 refers to EF.DIR; the rest is the maker's own
		return Capabilities{}
	}
	for len(b) > 0 {
		tag, n := b[0]>>4, int(b[0]&0x0F)
		if n > len(b)-1 {
			return Capabilities{}
		}
		if tag == 7 && n >= 3 {
			return functions(b[3])
		}
		b = b[1+n:]
	}
	return Capabilities{}
}

// functions reads the third table of software functions (12.1.1.9, table 126).
func functions(b byte) Capabilities {
	return Capabilities{Chaining: b&0x80 != 0, Extended: b&0x40 != 0, InFile: b&0x20 != 0}
}

// longest is how long a command APDU may be, by what reader and card have said.
func (c Capabilities) longest() int {
	n := c.Longest
	if n == 0 {
		n = maxShortCommand
	}
	if c.MaxCommand > 0 {
		n = min(n, c.MaxCommand)
	}
	return n
}

// extended reports whether a command of n bytes with that Le may go out with
// extended lengths. With T=0 they would take ENVELOPE; there data is chained.
func (c Capabilities) extended(n, le int) bool {
	if !c.Extended || c.Protocol == device.T0 || c.InFile && c.MaxCommand == 0 {
		return false
	}
	return n <= c.longest() && (c.MaxResponse == 0 || le+2 <= c.MaxResponse)
}
