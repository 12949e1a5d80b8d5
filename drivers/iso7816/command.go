package iso7816

import "fmt"

// Command is one command APDU. Its zero Le expects no data back; MaxLe asks
// for whatever there is.
type Command struct {
	Cla, Ins, P1, P2 byte
	Data             []byte
	Le               int // 0 … 256, or 65536 with extended lengths
}

// MaxLe asks for all the card has, up to 256 bytes at a time.
const MaxLe = 256

// MaxExtendedLe is the same with extended lengths.
const MaxExtendedLe = 1 << 16

// What APDUs carry: data in a short one, bytes in a short command as a whole, and
// data in an extended one.
const (
	maxShort        = 255
	maxShortCommand = 4 + 1 + maxShort + 1
	maxExtended     = 1<<16 - 1
)

// insGetResponse fetches what 61xx announced.
const insGetResponse = 0xC0

// claChain marks a command of which more follows.
const claChain = 0x10

// Marshal returns c in short form. Data over 255 bytes and Le outside 0 … 256
// are errors: long data goes in chained commands, see [Channel.Do].
func (c Command) Marshal() ([]byte, error) {
	if len(c.Data) > maxShort {
		return nil, fmt.Errorf("iso7816: marshal command %02X: got %d bytes of data, want at most %d", c.Ins, len(c.Data), maxShort)
	}
	if c.Le < 0 || c.Le > MaxLe {
		return nil, fmt.Errorf("iso7816: marshal command %02X: got Le %d, want 0 to %d", c.Ins, c.Le, MaxLe)
	}
	b := []byte{c.Cla, c.Ins, c.P1, c.P2}
	if len(c.Data) > 0 {
		b = append(b, byte(len(c.Data)))
		b = append(b, c.Data...)
	}
	if c.Le > 0 {
		b = append(b, byte(c.Le)) // 256 is 00
	}
	return b, nil
}

// MarshalExtended returns c in extended form, for cards that have said that they
// take it. Without data and Le there is no such form: it is the short one then.
func (c Command) MarshalExtended() ([]byte, error) {
	if len(c.Data) > maxExtended {
		return nil, fmt.Errorf("iso7816: marshal command %02X: got %d bytes of data, want at most %d", c.Ins, len(c.Data), maxExtended)
	}
	if c.Le < 0 || c.Le > MaxExtendedLe {
		return nil, fmt.Errorf("iso7816: marshal command %02X: got Le %d, want 0 to %d", c.Ins, c.Le, MaxExtendedLe)
	}
	b := []byte{c.Cla, c.Ins, c.P1, c.P2}
	if n := len(c.Data); n > 0 {
		b = append(b, 0, byte(n>>8), byte(n))
		b = append(b, c.Data...)
	} else if c.Le > 0 {
		b = append(b, 0)
	}
	if c.Le > 0 {
		b = append(b, byte(c.Le>>8), byte(c.Le)) // 65536 is 00 00
	}
	return b, nil
}

// marshalT0 returns c as T=0 carries it (ISO/IEC 7816-3, 12.2): five bytes at
// least, and no Le after data; what the card has to say is fetched by GET
// RESPONSE.
func (c Command) marshalT0() ([]byte, error) {
	if len(c.Data) > 0 {
		c.Le = 0
	}
	b, err := c.Marshal()
	if err == nil && len(b) == 4 {
		b = append(b, 0)
	}
	return b, err
}

// ParseCommand takes a short command APDU apart, as a card does. It knows the
// four short cases and refuses extended lengths.
func ParseCommand(b []byte) (Command, error) {
	if len(b) < 4 {
		return Command{}, fmt.Errorf("iso7816: parse command: got %d bytes, want at least 4", len(b))
	}
	c := Command{Cla: b[0], Ins: b[1], P1: b[2], P2: b[3]}
	le := func(x byte) int {
		if x == 0 {
			return MaxLe
		}
		return int(x)
	}
	body := b[4:]
	switch {
	case len(body) == 0: // case 1
	case len(body) == 1: // case 2
		c.Le = le(body[0])
	case body[0] == 0:
		return Command{}, fmt.Errorf("iso7816: parse command %02X: extended length", c.Ins)
	case len(body) == 1+int(body[0]): // case 3
		c.Data = body[1:]
	case len(body) == 2+int(body[0]): // case 4
		c.Data, c.Le = body[1:len(body)-1], le(body[len(body)-1])
	default:
		return Command{}, fmt.Errorf("iso7816: parse command %02X: Lc is %d and %d bytes follow", c.Ins, body[0], len(body)-1)
	}
	return c, nil
}
