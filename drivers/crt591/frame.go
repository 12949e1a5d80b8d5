package crt591

import "bytes"

// Control characters (1.1.2).
const (
	stx = 0xF2
	etx = 0x03
	ACK = 0x06 // the other's frame arrived
	NAK = 0x15 // it arrived damaged
	EOT = 0x04 // stop, and what was stopped
)

// Heads of texts (1.2).
const (
	HeadCommand = 'C'
	HeadOK      = 'P'
	HeadError   = 'N'
	headErrorE  = 'E' // what the specification has as a number beside its N
)

// MaxData is how many bytes a text carries beside its head (1.2.1).
const MaxData = 512

// Lengths of a text: head, command and parameter, and in an answer three states.
const (
	minText = 3
	maxText = 6 + MaxData
)

// Kind is what came off the line.
type Kind int

// The kinds. Damaged is a frame that is no frame: its length, its end or its
// check is wrong, and what followed it is thrown away with it.
const (
	Text    Kind = 1
	Acked   Kind = 2
	Nacked  Kind = 3
	Ended   Kind = 4 // EOT
	Damaged Kind = 5
)

// Item is one thing off the line. Addr and Text belong to kind Text.
type Item struct {
	Kind Kind
	Addr byte
	Text []byte
}

// AppendFrame appends the frame with text, at most 518 bytes, of the unit with
// that address (1.2.1).
func AppendFrame(b []byte, addr byte, text []byte) []byte {
	start := len(b)
	b = append(b, stx, addr, byte(len(text)>>8), byte(len(text)))
	b = append(b, text...)
	b = append(b, etx)
	return append(b, bcc(b[start:]))
}

// bcc is the check byte: all bytes from STX to ETX, by exclusive or.
func bcc(b []byte) byte {
	var x byte
	for _, y := range b {
		x ^= y
	}
	return x
}

// Decoder finds control characters and frames in what comes off a line. A frame
// is as long as it says: ETX also occurs in data. The zero Decoder is ready.
type Decoder struct{ buf []byte }

// Push adds received bytes.
func (d *Decoder) Push(b []byte) { d.buf = append(d.buf, b...) }

// Reset forgets what was received.
func (d *Decoder) Reset() { d.buf = d.buf[:0] }

// Partial reports whether there is the beginning of a frame.
func (d *Decoder) Partial() bool { return len(d.buf) > 0 }

// Next takes the next thing off. ok is false when more bytes are needed; the
// decoder then holds less than one frame.
func (d *Decoder) Next() (it Item, ok bool) {
	for len(d.buf) > 0 {
		switch d.buf[0] {
		case stx:
			return d.frame()
		case ACK:
			d.drop(1)
			return Item{Kind: Acked}, true
		case NAK:
			d.drop(1)
			return Item{Kind: Nacked}, true
		case EOT:
			d.drop(1)
			return Item{Kind: Ended}, true
		}
		d.drop(1) // noise
	}
	return Item{}, false
}

func (d *Decoder) frame() (Item, bool) {
	if len(d.buf) < 4 {
		return Item{}, false
	}
	n := int(d.buf[2])<<8 | int(d.buf[3])
	if n < minText || n > maxText {
		d.Reset()
		return Item{Kind: Damaged}, true
	}
	whole := 4 + n + 2
	if len(d.buf) < whole {
		return Item{}, false
	}
	f := d.buf[:whole]
	if f[4+n] != etx || bcc(f[:whole-1]) != f[whole-1] {
		d.Reset()
		return Item{Kind: Damaged}, true
	}
	it := Item{Kind: Text, Addr: f[1], Text: bytes.Clone(f[4 : 4+n])}
	d.drop(whole)
	return it, true
}

func (d *Decoder) drop(n int) { d.buf = append(d.buf[:0], d.buf[n:]...) }
