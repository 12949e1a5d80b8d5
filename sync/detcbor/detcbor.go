// Package detcbor writes and reads deterministic CBOR (RFC 8949, 4.2.1) by hand,
// for the few values that are written with every request and read by the hundred
// thousand at each start. It takes the only encoding of what a value says and
// refuses every other: longer forms, indefinite lengths, tags, floats and null
// are no values here. Everything else is encoded by fxamacker/cbor, which the
// tests compare it with.
package detcbor

import "encoding/binary"

// The major types that it knows.
const (
	unsigned = 0 << 5
	negative = 1 << 5
	bytes    = 2 << 5
	text     = 3 << 5
	array    = 4 << 5
	fields   = 5 << 5

	isFalse = 0xf4
	isTrue  = 0xf5
)

func appendHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

// AppendUint appends n.
func AppendUint(b []byte, n uint64) []byte { return appendHead(b, unsigned, n) }

// AppendInt appends n.
func AppendInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendHead(b, negative, uint64(^n))
	}
	return appendHead(b, unsigned, uint64(n))
}

// AppendBytes appends p as a byte string.
func AppendBytes(b, p []byte) []byte { return append(appendHead(b, bytes, uint64(len(p))), p...) }

// AppendText appends s, which is UTF-8.
func AppendText(b []byte, s string) []byte {
	return append(appendHead(b, text, uint64(len(s))), s...)
}

// AppendBool appends v.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, isTrue)
	}
	return append(b, isFalse)
}

// AppendArray appends the head of an array of n elements.
func AppendArray(b []byte, n int) []byte { return appendHead(b, array, uint64(n)) }

// AppendMap appends the head of a map of n pairs. Who writes them keeps the order
// of their keys.
func AppendMap(b []byte, n int) []byte { return appendHead(b, fields, uint64(n)) }
