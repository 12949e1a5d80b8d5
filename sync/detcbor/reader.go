package detcbor

import "encoding/binary"

// Reader reads values one behind the other. The first that is not what was asked
// for, or not in its only form, makes it bad; from then on it returns zeros.
type Reader struct {
	b   []byte
	bad bool
}

// NewReader returns a reader of b. The byte strings that it returns are parts of b.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Good reports whether everything was as asked for until now.
func (r *Reader) Good() bool { return !r.bad }

// End reports whether that is so and nothing is left.
func (r *Reader) End() bool { return !r.bad && len(r.b) == 0 }

// Fail makes the reader bad: who reads knows a rule that does not hold.
func (r *Reader) Fail() { r.bad = true }

// head reads the head of a value of that major type.
func (r *Reader) head(major byte) uint64 {
	if r.bad || len(r.b) == 0 || r.b[0]&0xe0 != major {
		r.bad = true
		return 0
	}
	short := r.b[0] & 0x1f
	if short < 24 {
		r.b = r.b[1:]
		return uint64(short)
	}
	size := 1 << (short - 24)
	if short > 27 || len(r.b) < 1+size {
		r.bad = true
		return 0
	}
	var n, least uint64
	switch size {
	case 1:
		n, least = uint64(r.b[1]), 24
	case 2:
		n, least = uint64(binary.BigEndian.Uint16(r.b[1:])), 1<<8
	case 4:
		n, least = uint64(binary.BigEndian.Uint32(r.b[1:])), 1<<16
	default:
		n, least = binary.BigEndian.Uint64(r.b[1:]), 1<<32
	}
	if n < least {
		r.bad = true // a longer form
		return 0
	}
	r.b = r.b[1+size:]
	return n
}

// Uint reads a number that is at most max.
func (r *Reader) Uint(max uint64) uint64 {
	n := r.head(unsigned)
	if n > max {
		r.bad = true
		return 0
	}
	return n
}

// Int reads a number.
func (r *Reader) Int() int64 {
	major := byte(unsigned)
	if len(r.b) > 0 && r.b[0]&0xe0 == negative {
		major = negative
	}
	n := r.head(major)
	if n > 1<<63-1 {
		r.bad = true
		return 0
	}
	if major == negative {
		return ^int64(n)
	}
	return int64(n)
}

// Bytes reads a byte string.
func (r *Reader) Bytes() []byte { return r.take(r.head(bytes)) }

// Text reads a text. Whether it is UTF-8 is for who reads to judge. Where it is
// the same as like, it is that and no other string.
func (r *Reader) Text(like string) string {
	if p := r.take(r.head(text)); string(p) != like {
		return string(p)
	}
	return like
}

func (r *Reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad = true
	}
	if r.bad {
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

// Bool reads a truth value.
func (r *Reader) Bool() bool {
	if r.bad || len(r.b) == 0 || r.b[0] != isTrue && r.b[0] != isFalse {
		r.bad = true
		return false
	}
	v := r.b[0] == isTrue
	r.b = r.b[1:]
	return v
}

// Array reads the head of an array of at most max elements.
func (r *Reader) Array(max int) int { return r.count(array, max) }

// Map reads the head of a map of at most max pairs.
func (r *Reader) Map(max int) int { return r.count(fields, max) }

func (r *Reader) count(major byte, max int) int {
	n := r.head(major)
	if n > uint64(max) {
		r.bad = true
		return 0
	}
	return int(n)
}

// Key reads the next key of a map, a number above the one before.
func (r *Reader) Key(before uint64) uint64 {
	k := r.head(unsigned)
	if k <= before {
		r.bad = true
	}
	return k
}
