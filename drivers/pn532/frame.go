package pn532

import "bytes"

// Directions of a frame, its first byte (TFI).
const (
	ToChip   = 0xD4
	FromChip = 0xD5
	tfiError = 0x7F
)

// MaxData is how many bytes a frame carries after its direction byte (user
// manual, 6.2.1.2).
const MaxData = 263

// Kind is what a frame is.
type Kind int

// The kinds of frames. Damaged is one whose checksum is wrong.
const (
	Data    Kind = 1
	ACK     Kind = 2
	NACK    Kind = 3
	Error   Kind = 4 // the chip did not understand the syntax
	Damaged Kind = 5
)

// Frame is one frame off the line. TFI and Data belong to kind Data.
type Frame struct {
	Kind Kind
	TFI  byte
	Data []byte
}

// Frames without data.
var (
	AckFrame   = []byte{0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00}
	NackFrame  = []byte{0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00}
	ErrorFrame = []byte{0x00, 0x00, 0xFF, 0x01, 0xFF, tfiError, 0x81, 0x00}
)

// AppendFrame appends the frame of direction tfi with data, at most MaxData
// bytes, to b. It uses the extended form only where the normal one is too
// short.
func AppendFrame(b []byte, tfi byte, data []byte) []byte {
	n := len(data) + 1
	b = append(b, 0x00, 0x00, 0xFF)
	if n <= 0xFF {
		b = append(b, byte(n), -byte(n))
	} else {
		hi, lo := byte(n>>8), byte(n)
		b = append(b, 0xFF, 0xFF, hi, lo, -(hi + lo))
	}
	b = append(b, tfi)
	b = append(b, data...)
	return append(b, -sum(tfi, data), 0x00)
}

func sum(tfi byte, data []byte) byte {
	for _, x := range data {
		tfi += x
	}
	return tfi
}

// Decoder finds frames in what comes off a line. Bytes between frames are
// skipped, as the manual allows any preamble. The zero Decoder is ready.
type Decoder struct{ buf []byte }

// Push adds received bytes.
func (d *Decoder) Push(b []byte) { d.buf = append(d.buf, b...) }

// Reset forgets what was received.
func (d *Decoder) Reset() { d.buf = d.buf[:0] }

// Next takes the next frame off. ok is false when more bytes are needed; the
// decoder then holds less than one frame.
func (d *Decoder) Next() (f Frame, ok bool) {
	i := bytes.Index(d.buf, []byte{0x00, 0xFF})
	if i < 0 {
		// A 00 at the very end may be the first half of the start code.
		keep := 0
		if n := len(d.buf); n > 0 && d.buf[n-1] == 0 {
			keep = 1
		}
		d.drop(len(d.buf) - keep)
		return Frame{}, false
	}
	d.drop(i)
	b := d.buf[2:]
	if len(b) < 2 {
		return Frame{}, false
	}
	switch {
	case b[0] == 0x00 && b[1] == 0xFF:
		d.drop(4)
		return Frame{Kind: ACK}, true
	case b[0] == 0xFF && b[1] == 0x00:
		d.drop(4)
		return Frame{Kind: NACK}, true
	}
	n, head := int(b[0]), 2
	good := b[0]+b[1] == 0
	if b[0] == 0xFF && b[1] == 0xFF {
		if len(b) < 5 {
			return Frame{}, false
		}
		n, head = int(b[2])<<8|int(b[3]), 5
		good = b[2]+b[3]+b[4] == 0
	}
	if !good || n < 1 || n > MaxData+1 {
		d.drop(2) // hunt on, right after this start code
		return Frame{Kind: Damaged}, true
	}
	if len(b) < head+n+2 {
		return Frame{}, false
	}
	body, dcs, post := b[head:head+n], b[head+n], b[head+n+1]
	f = Frame{Kind: Data, TFI: body[0], Data: bytes.Clone(body[1:])}
	switch {
	case sum(f.TFI, f.Data)+dcs != 0 || post != 0:
		// Without the postamble a frame that lost a zero would pass: its
		// checksum would be taken for data, and the postamble for the
		// checksum.
		f = Frame{Kind: Damaged}
	case n == 1 && f.TFI == tfiError:
		f = Frame{Kind: Error}
	}
	d.drop(2 + head + n + 1) // the postamble may belong to the next frame
	return f, true
}

func (d *Decoder) drop(n int) { d.buf = append(d.buf[:0], d.buf[n:]...) }
