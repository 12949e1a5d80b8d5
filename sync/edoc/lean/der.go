package lean

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha1" //nolint:gosec // a key's name, not a check: RFC 5280, 4.2.1.2
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// A signature in DER is written element by element: its tag, then of a
// constructed one the elements in it and a zero, of a primitive one its content.
// Lengths follow. A character string is its bytes and a zero; any other content
// is its length and its bytes, or one of these codes and what the code wants.
const (
	inRaw      = 0x80 // a length in Text, the bytes in Raw
	aHash      = 0x81 // the number of what it is the SHA-256 of
	again      = 0x82 // the number of what went into Raw before
	sameMoment = 0x83 // the time before it
	nextMoment = 0x84 // seconds after that one, a varint in Raw
	aPoint     = 0x85 // a public key on P-256: 33 bytes in Raw
	aSignature = 0x86 // two numbers of ECDSA on P-256: 64 bytes in Raw
	long       = 0x87 // a length of more than 127, and the bytes
	keyName    = 0x88 // the SHA-1 of the public key before it
	nested     = 0x89 // an element in DER
	binaryText = 0x01 // of a character string: a length, and the bytes
)

// The tags that matter here.
const (
	tagInteger   = 0x02
	tagBits      = 0x03
	tagOctets    = 0x04
	tagOID       = 0x06
	tagUTF8      = 0x0c
	tagSequence  = 0x30
	tagPrintable = 0x13
	tagIA5       = 0x16
	tagUTCTime   = 0x17
	tagTime      = 0x18

	constructed = 0x20
	longTag     = 0x1f // of a tag that goes on in the next byte
)

const (
	maxNesting = 32
	maxItems   = 256
	leastRaw   = 8 // what is shorter is no key and no digest
)

// certificate is where in a SignedData a certificate is: its digest is signed.
var certificate = []byte{tagSequence, 0xa0, tagSequence, 0xa0, tagSequence}

// way says whether an element at that depth may be on the way to a certificate.
func way(tag byte, depth int) bool { return depth < len(certificate) && certificate[depth] == tag }

// split takes the first element off der. False: it is not in DER, or in a form
// that is not wanted here.
func split(der []byte) (tag byte, content, rest []byte, ok bool) {
	if len(der) < 2 || der[0] == 0 || der[0]&longTag == longTag {
		return 0, nil, nil, false
	}
	head, n := 2, int(der[1])
	switch {
	case n == 0x81 && len(der) > 2 && der[2] >= 0x80:
		head, n = 3, int(der[2])
	case n == 0x82 && len(der) > 3 && der[2] > 0:
		head, n = 4, int(binary.BigEndian.Uint16(der[2:]))
	case n >= 0x80:
		return 0, nil, nil, false
	}
	if len(der)-head < n {
		return 0, nil, nil, false
	}
	return der[0], der[head : head+n], der[head+n:], true
}

// whole says whether der is one element, all the way down.
func whole(der []byte, depth int) bool {
	tag, content, rest, ok := split(der)
	if !ok || len(rest) > 0 || depth > maxNesting {
		return false
	}
	for tag&constructed != 0 && len(content) > 0 {
		_, _, rest, ok := split(content)
		if !ok || !whole(content[:len(content)-len(rest)], depth+1) {
			return false
		}
		content = rest
	}
	return true
}

// element writes the first element of der and returns the rest.
func (s *shrinker) element(der []byte, depth int, onWay bool) (rest []byte, ok bool) {
	tag, content, rest, ok := split(der)
	if !ok || depth > maxNesting || len(s.items) >= maxItems || len(s.hashes) >= maxItems {
		return nil, false
	}
	onWay = onWay && way(tag, depth)
	s.text = append(s.text, tag)
	if tag&constructed == 0 {
		s.content(tag, content, depth)
		return rest, true
	}
	for len(content) > 0 {
		if content, ok = s.element(content, depth+1, onWay); !ok {
			return nil, false
		}
	}
	s.text = append(s.text, 0)
	if onWay && depth == len(certificate)-1 {
		s.hashes = append(s.hashes, sum(der[:len(der)-len(rest)]))
	}
	return rest, true
}

// content writes what a primitive element holds, in the shortest way that is
// known.
func (s *shrinker) content(tag byte, c []byte, depth int) {
	equal := func(b []byte) bool { return bytes.Equal(b, c) }
	switch tag {
	case tagUTF8, tagPrintable, tagIA5:
		if slices.ContainsFunc(c, func(b byte) bool { return b < ' ' }) {
			s.text = append(binary.AppendUvarint(append(s.text, binaryText), uint64(len(c))), c...)
			return
		}
		s.text = append(append(s.text, c...), 0)
		return
	case tagUTCTime, tagTime:
		if t, err := time.Parse(momentForm(tag), string(c)); err == nil {
			s.time(t, sameMoment, nextMoment)
			return
		}
	case tagBits:
		if short := shortPoint(c); short != nil {
			s.text, s.raw, s.point = append(s.text, aPoint), append(s.raw, short...), c[1:]
			return
		}
	}
	if len(c) == 32 {
		if i := slices.IndexFunc(s.hashes, equal); i >= 0 {
			s.text = append(s.text, aHash, byte(i))
			return
		}
	}
	if i := slices.IndexFunc(s.items, equal); i >= 0 {
		s.text = append(s.text, again, byte(i))
		return
	}
	if len(c) == sha1.Size && bytes.Equal(c, nameOf(s.point)) {
		s.text = append(s.text, keyName)
		return
	}
	if short := shortSignature(tag, c); short != nil {
		s.text, s.raw = append(s.text, aSignature), append(s.raw, short...)
		return
	}
	switch {
	case tag == tagOctets && whole(c, depth):
		s.text = append(s.text, nested)
		s.element(c, depth+1, false) // it is whole
	case len(c) >= leastRaw && tag != tagOID:
		s.text, s.raw = binary.AppendUvarint(append(s.text, inRaw), uint64(len(c))), append(s.raw, c...)
		s.items = append(s.items, c)
	case len(c) < 0x80:
		s.text = append(append(s.text, byte(len(c))), c...)
	default:
		s.text = append(binary.AppendUvarint(append(s.text, long), uint64(len(c))), c...)
	}
}

// element reads one element and appends it to der.
func (g *grower) element(der []byte, depth int, onWay bool) ([]byte, error) {
	tag, err := g.code()
	if err != nil {
		return nil, err
	}
	if tag == 0 || tag&longTag == longTag || depth > maxNesting {
		return nil, errors.New("an element that is none")
	}
	onWay = onWay && way(tag, depth)
	at := len(der)
	der = append(der, tag, 0, 0, 0) // as long as a header gets
	if tag&constructed == 0 {
		der, err = g.content(der, tag, depth)
	} else {
		der, err = g.elements(der, depth, onWay)
	}
	if err != nil {
		return nil, err
	}
	n := len(der) - at - 4
	if err := g.spend(n); err != nil {
		return nil, err
	}
	h := len(appendHeader(der[:at], tag, n))
	if h < at+4 {
		der = der[:h+copy(der[h:], der[at+4:])]
	}
	if onWay && depth == len(certificate)-1 {
		g.hashes = append(g.hashes, sum(der[at:]))
	}
	return der, nil
}

// elements reads what a constructed element holds.
func (g *grower) elements(der []byte, depth int, onWay bool) (_ []byte, err error) {
	for {
		if len(g.text) == 0 {
			return nil, errShort
		}
		if g.text[0] == 0 {
			g.text = g.text[1:]
			return der, nil
		}
		if der, err = g.element(der, depth+1, onWay); err != nil {
			return nil, err
		}
	}
}

func appendHeader(der []byte, tag byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(der, tag, byte(n))
	case n < 0x100:
		return append(der, tag, 0x81, byte(n))
	}
	return append(der, tag, 0x82, byte(n>>8), byte(n)) // MaxContainer is what two bytes can say
}

// content reads what a primitive element holds and appends it to der.
func (g *grower) content(der []byte, tag byte, depth int) ([]byte, error) {
	switch tag {
	case tagUTF8, tagPrintable, tagIA5:
		if len(g.text) == 0 || g.text[0] != binaryText {
			b, err := g.zeroed()
			return append(der, b...), err
		}
		g.text = g.text[1:]
		b, err := g.counted(&g.text)
		return append(der, b...), err
	}
	code, err := g.code()
	if err != nil {
		return nil, err
	}
	var b []byte
	switch code {
	case inRaw:
		b, err = g.counted(&g.raw)
		g.items = append(g.items, b)
	case aHash:
		b, err = g.named(g.hashes)
	case again:
		b, err = g.named(g.items)
	case sameMoment, nextMoment:
		t, err := g.time(code == sameMoment)
		return t.AppendFormat(der, momentForm(tag)), err
	case aPoint:
		b, err = g.longPoint()
	case aSignature:
		b, err = g.takeRaw(2 * numberSize)
		return appendSignature(der, tag, b), err
	case long:
		b, err = g.counted(&g.text)
	case keyName:
		b = nameOf(g.point)
	case nested:
		return g.element(der, depth+1, false)
	default:
		if code >= 0x80 {
			return nil, errors.New("a content begins with what is no code")
		}
		b, err = g.takeText(int(code))
	}
	return append(der, b...), err
}

// counted reads a length in Text and as many bytes from either part.
func (g *grower) counted(from *[]byte) ([]byte, error) {
	n, size := binary.Uvarint(g.text)
	if size <= 0 || n > MaxContainer {
		return nil, errShort
	}
	g.text = g.text[size:]
	return take(from, int(n))
}

// named reads a number in Text and returns what has it.
func (g *grower) named(list [][]byte) ([]byte, error) {
	i, err := g.code()
	if err != nil {
		return nil, err
	}
	if int(i) >= len(list) {
		return nil, errors.New("it names what was not there before")
	}
	return list[i], nil
}

func momentForm(tag byte) string {
	if tag == tagUTCTime {
		return "060102150405Z"
	}
	return "20060102150405Z"
}

func nameOf(point []byte) []byte {
	h := sha1.Sum(point) //nolint:gosec // as above
	return h[:]
}

// A point of P-256 with its sign, and the size of each number of a signature.
const (
	pointSize  = 33
	numberSize = 32
)

// shortPoint returns the compressed point of a BIT STRING that holds one; nil:
// it holds none.
func shortPoint(bits []byte) []byte {
	if len(bits) != 66 || bits[0] != 0 || bits[1] != 4 {
		return nil
	}
	short := append([]byte{2 | bits[65]&1}, bits[2:34]...)
	if x, _ := elliptic.UnmarshalCompressed(elliptic.P256(), short); x == nil {
		return nil
	}
	return short
}

func (g *grower) longPoint() ([]byte, error) {
	short, err := g.takeRaw(pointSize)
	if err != nil {
		return nil, err
	}
	if g.points++; g.points > maxPoints {
		return nil, errors.New("too many public keys")
	}
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), short)
	if x == nil {
		return nil, errors.New("a public key is not on the curve")
	}
	bits := make([]byte, 66)
	bits[1] = 4
	x.FillBytes(bits[2:34])
	y.FillBytes(bits[34:])
	g.point = bits[1:]
	return bits, nil
}

// shortSignature returns the two numbers of an ECDSA signature, in an OCTET
// STRING or a BIT STRING; nil: it is none on P-256.
func shortSignature(tag byte, c []byte) []byte {
	if tag == tagBits {
		if len(c) == 0 || c[0] != 0 {
			return nil
		}
		c = c[1:]
	} else if tag != tagOctets {
		return nil
	}
	seq, in, rest, ok := split(c)
	if !ok || seq != tagSequence || len(rest) > 0 {
		return nil
	}
	short := make([]byte, 0, 2*numberSize)
	for range 2 {
		tag, n, rest, ok := split(in)
		if !ok || tag != tagInteger {
			return nil
		}
		digits := bytes.TrimLeft(n, "\x00")
		if len(digits) > numberSize {
			return nil
		}
		short = append(append(short, make([]byte, numberSize-len(digits))...), digits...)
		in = rest
	}
	if len(in) > 0 || !bytes.Equal(appendSignature(nil, tagOctets, short), c) {
		return nil // negative, or with zeros that are not needed
	}
	return short
}

// appendSignature appends what shortSignature was given; nothing where there are
// no two numbers.
func appendSignature(der []byte, tag byte, short []byte) []byte {
	if len(short) != 2*numberSize {
		return der
	}
	if tag == tagBits {
		der = append(der, 0) // no bit is unused
	}
	r, s := number(short[:numberSize]), number(short[numberSize:])
	der = append(der, tagSequence, byte(4+len(r)+len(s)))
	der = append(append(der, tagInteger, byte(len(r))), r...)
	return append(append(der, tagInteger, byte(len(s))), s...)
}

// number returns a number as DER has it: not shorter and not longer than it must
// be, and not negative.
func number(n []byte) []byte {
	short := bytes.TrimLeft(n, "\x00")
	if len(short) == 0 || short[0] >= 0x80 {
		return append([]byte{0}, short...)
	}
	return short
}
