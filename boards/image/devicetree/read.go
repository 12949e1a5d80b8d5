package devicetree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Tokens of a tree's structure.
const (
	beginNode = 1
	endNode   = 2
	property  = 3
	nop       = 4
	end       = 9
)

const magic = 0xd00dfeed

var errShort = errors.New("it ends too early")

// Strings returns the strings of a property of the node called node that is right below
// the root of tree; without such a property, nil. The bytes may be anybody's.
func Strings(tree []byte, node, name string) ([]string, error) {
	b, err := find(tree, node, name)
	if err != nil {
		return nil, fmt.Errorf("devicetree: %w", err)
	}
	if b == nil {
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00"), nil
}

// find returns the value of the property; nil: there is none.
func find(tree []byte, node, name string) ([]byte, error) {
	if len(tree) < 40 || binary.BigEndian.Uint32(tree) != magic {
		return nil, errors.New("it is no device tree")
	}
	structure, err := block(tree, 8, 36)
	if err != nil {
		return nil, fmt.Errorf("structure: %w", err)
	}
	names, err := block(tree, 12, 32)
	if err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	s := reader{b: structure}
	var at []string
	for {
		switch token := s.word(); {
		case s.err != nil:
			return nil, s.err
		case token == beginNode:
			at = append(at, s.text())
		case token == endNode && len(at) > 0:
			at = at[:len(at)-1]
		case token == property:
			size, key := s.word(), s.word()
			value := s.bytes(uint64(size))
			if s.err == nil && len(at) == 2 && at[1] == node && text(names, key) == name {
				return value, nil
			}
		case token == nop:
		case token == end:
			return nil, nil
		default:
			return nil, fmt.Errorf("got the token %d at byte %d of the structure", token, len(structure)-len(s.b)-4)
		}
	}
}

// block returns the part of tree whose place and length are at these bytes of its header.
func block(tree []byte, place, length int) ([]byte, error) {
	from, n := uint64(binary.BigEndian.Uint32(tree[place:])), uint64(binary.BigEndian.Uint32(tree[length:]))
	if from+n > uint64(len(tree)) {
		return nil, errShort
	}
	return tree[from : from+n], nil
}

// text returns the string that begins at byte at.
func text(names []byte, at uint32) string {
	if uint64(at) >= uint64(len(names)) {
		return ""
	}
	s, _, _ := bytes.Cut(names[at:], []byte{0})
	return string(s)
}

// reader takes a structure apart. After an error everything is zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) word() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// bytes takes n bytes, and those that make them end at a multiple of four.
func (r *reader) bytes(n uint64) []byte {
	padded := (n + 3) &^ 3
	if r.err != nil || padded > uint64(len(r.b)) {
		r.err = errShort
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[padded:]
	return out
}

func (r *reader) text() string {
	n := bytes.IndexByte(r.b, 0)
	if n < 0 {
		r.err = errShort
		return ""
	}
	return string(bytes.TrimSuffix(r.bytes(uint64(n)+1), []byte{0}))
}
