package lean

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc/bech32"
)

// How the value of a string in JSON begins, where it is not text that ends with
// a zero. Text in JSON holds no byte below 32.
const (
	sameTime = 1 // the time before it
	nextTime = 2 // a time: seconds after that one, a varint in Raw
	hexBytes = 3 // lower-case hex: how many bytes, and they in Raw
	cardKey  = 4 // agepiv1…: 33 bytes in Raw
	ageKey   = 5 // age1…: 32 bytes in Raw
)

const (
	cardPrefix, cardSize = "agepiv", 33
	agePrefix, ageSize   = "age", 32

	timeForm = "2006-01-02T15:04:05Z"
)

// value writes what a string in JSON holds.
func (s *shrinker) value(v string) {
	if len(v) == len(timeForm) {
		if t, err := time.Parse(timeForm, v); err == nil {
			s.time(t, sameTime, nextTime)
			return
		}
	}
	if n := len(v) / 2; n >= 8 && n < 256 && strings.Trim(v, "0123456789abcdef") == "" {
		if b, err := hex.DecodeString(v); err == nil {
			s.text, s.raw = append(s.text, hexBytes, byte(n)), append(s.raw, b...)
			return
		}
	}
	for _, k := range [2]struct {
		code   byte
		prefix string
		size   int
	}{{cardKey, cardPrefix, cardSize}, {ageKey, agePrefix, ageSize}} {
		if b, err := bech32.Decode(k.prefix, v); err == nil && len(b) == k.size {
			s.text, s.raw = append(s.text, k.code), append(s.raw, b...)
			return
		}
	}
	s.text = append(append(s.text, v...), 0)
}

// value reads what a string in JSON holds.
func (g *grower) value() (string, error) {
	if len(g.text) == 0 {
		return "", errShort
	}
	code := g.text[0]
	if code == 0 || code >= ' ' {
		b, err := g.zeroed()
		return string(b), err
	}
	g.text = g.text[1:]
	switch code {
	case sameTime, nextTime:
		t, err := g.time(code == sameTime)
		return t.Format(timeForm), err
	case hexBytes:
		n, err := g.code()
		if err != nil {
			return "", err
		}
		b, err := g.takeRaw(int(n))
		return hex.EncodeToString(b), err
	case cardKey:
		b, err := g.takeRaw(cardSize)
		return bech32.Encode(cardPrefix, b), err
	case ageKey:
		b, err := g.takeRaw(ageSize)
		return bech32.Encode(agePrefix, b), err
	}
	return "", errors.New("a value begins with what is no code")
}

// zeroed reads text that ends with a zero.
func (g *grower) zeroed() ([]byte, error) {
	b, rest, ok := bytes.Cut(g.text, []byte{0})
	if !ok {
		return nil, errShort
	}
	g.text = rest
	for _, c := range b {
		if c < ' ' {
			return nil, errors.New("a text holds a control character")
		}
	}
	return b, nil
}

// time writes a time as the distance from the one before it.
func (s *shrinker) time(t time.Time, same, next byte) {
	at := t.Unix()
	if at == s.at {
		s.text = append(s.text, same)
		return
	}
	s.text = append(s.text, next)
	s.raw = binary.AppendVarint(s.raw, at-s.at)
	s.at = at
}

// time reads one.
func (g *grower) time(same bool) (time.Time, error) {
	if !same {
		d, n := binary.Varint(g.raw)
		if n <= 0 {
			return time.Time{}, errShort
		}
		g.raw = g.raw[n:]
		g.at += d
	}
	t := time.Unix(g.at, 0).UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return time.Time{}, errors.New("a time is out of range")
	}
	return t, nil
}
