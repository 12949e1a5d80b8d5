package ccnet

// A frame, both ways (CashCode NET Interface, section 2.2):
//
//	02 address length code data… crc-low crc-high
//
// The length is that of the whole frame. Longer frames than 250 bytes have length 0
// and another form; they carry firmware, and we neither send nor take them.
const (
	syncByte  = 0x02
	address   = 0x03 // of a bill validator
	minFrame  = 6
	maxFrame  = 250
	codeACK   = 0x00
	codeNAK   = 0xFF
	codeWrong = 0x30 // "illegal command", as an answer
)

// crc is CRC-16/KERMIT: polynomial 0x8408 reflected, from 0.
func crc(b []byte) uint16 {
	var c uint16
	for _, x := range b {
		c ^= uint16(x)
		for range 8 {
			if c&1 != 0 {
				c = c>>1 ^ 0x8408
			} else {
				c >>= 1
			}
		}
	}
	return c
}

// AppendFrame appends a frame that carries code and data.
func AppendFrame(dst []byte, code byte, data ...byte) []byte {
	start := len(dst)
	dst = append(dst, syncByte, address, byte(minFrame+len(data)), code)
	dst = append(dst, data...)
	c := crc(dst[start:])
	return append(dst, byte(c), byte(c>>8))
}

// Frame is a frame that came. Data is code and data; a damaged one has none.
type Frame struct {
	Damaged bool
	Data    []byte
}

// Decoder finds frames in what comes over the line. After garbage it finds the
// next frame that is whole. It never holds more than one frame and one reading.
type Decoder struct{ buf []byte }

// Push adds what came.
func (d *Decoder) Push(b []byte) { d.buf = append(d.buf, b...) }

// Reset forgets what came.
func (d *Decoder) Reset() { d.buf = nil }

// Next returns the next frame, or false until more has come.
func (d *Decoder) Next() (Frame, bool) {
	for {
		for len(d.buf) > 0 && d.buf[0] != syncByte {
			d.buf = d.buf[1:]
		}
		if len(d.buf) < 3 {
			if len(d.buf) == 2 && d.buf[1] != address {
				d.buf = d.buf[1:]
				continue
			}
			return Frame{}, false
		}
		n := int(d.buf[2])
		if d.buf[1] != address || n < minFrame || n > maxFrame {
			d.buf = d.buf[1:]
			continue
		}
		if len(d.buf) < n {
			return Frame{}, false
		}
		b := d.buf[:n]
		if c := crc(b[:n-2]); b[n-2] != byte(c) || b[n-1] != byte(c>>8) {
			d.buf = d.buf[1:] // its length may be what is damaged
			return Frame{Damaged: true}, true
		}
		f := Frame{Data: append([]byte(nil), b[3:n-2]...)}
		d.buf = d.buf[n:]
		return f, true
	}
}
