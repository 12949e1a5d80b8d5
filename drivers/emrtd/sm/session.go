package sm

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
)

// ErrMAC is an answer that the chip did not seal, or not for this question: it
// was damaged, made up, or is an older one sent again.
var ErrMAC = errors.New("secure messaging: code is wrong")

// Data objects of secure messaging (9303-11, 9.8.4, table 7).
const (
	tagPlainPadded = 0x87 // cryptogram of padded data, with a byte 01 before it
	tagCryptogram  = 0x85 // the same for odd instructions, without that byte
	tagLe          = 0x97
	tagStatus      = 0x99
	tagMAC         = 0x8E

	claSecure = 0x0C
)

// Session is one end of secure messaging. Its counter goes up with every command
// and every response, so nothing can be left out, repeated or put elsewhere. It
// may not be used from several goroutines.
type Session struct {
	suite    Suite
	enc, mac []byte
	ssc      []byte
}

// NewSession starts secure messaging with keys from Derive. A nil counter starts
// at zero, as it does after PACE and Chip Authentication; BAC gives its own.
func NewSession(s Suite, enc, mac, counter []byte) *Session {
	ssc := make([]byte, s.BlockSize())
	copy(ssc, counter)
	return &Session{s, enc, mac, ssc}
}

// String tells the suite and never the keys.
func (s *Session) String() string { return "secure messaging with " + s.suite.String() }

// GoString is String: %#v shows no keys, either.
func (s *Session) GoString() string { return s.String() }

// count raises the counter and returns the IV that goes with it.
func (s *Session) count() []byte {
	for i := len(s.ssc) - 1; i >= 0; i-- {
		if s.ssc[i]++; s.ssc[i] != 0 {
			break
		}
	}
	if s.suite == TDES {
		return nil
	}
	return s.suite.Encrypt(s.enc, nil, s.ssc)
}

// code is the MAC over the counter and the padded parts.
func (s *Session) code(parts ...[]byte) []byte {
	n := s.suite.BlockSize()
	m := bytes.Clone(s.ssc)
	for i, p := range parts {
		if i < len(parts)-1 {
			p = Pad(p, n)
		}
		m = append(m, p...)
	}
	if s.suite != TDES {
		m = Pad(m, n) // MAC pads for 3DES itself
	}
	return s.suite.MAC(s.mac, m)
}

// encrypted is the data object for data in a command or response of ins.
func (s *Session) encrypted(ins byte, iv, data []byte) []byte {
	if len(data) == 0 {
		return nil
	}
	secret := s.suite.Encrypt(s.enc, iv, Pad(data, s.suite.BlockSize()))
	if ins&1 != 0 {
		return iso7816.AppendTLV(nil, tagCryptogram, secret)
	}
	return iso7816.AppendTLV(nil, tagPlainPadded, append([]byte{1}, secret...))
}

// decrypted is the reverse of encrypted, for the value of the object tag.
func (s *Session) decrypted(tag uint32, iv, value []byte) ([]byte, error) {
	if tag == tagPlainPadded {
		if len(value) == 0 || value[0] != 1 {
			return nil, fmt.Errorf("secure messaging: padding indicator is not 01: %w", device.ErrProtocol)
		}
		value = value[1:]
	}
	if len(value) == 0 || len(value)%s.suite.BlockSize() != 0 {
		return nil, fmt.Errorf("secure messaging: cryptogram is not whole blocks: %w", device.ErrProtocol)
	}
	plain, err := Unpad(s.suite.Decrypt(s.enc, iv, value))
	if err != nil {
		return nil, fmt.Errorf("secure messaging: %w: %w", err, device.ErrProtocol)
	}
	return plain, nil
}

// Overhead is how many bytes protection adds to an answer's data at most: tag
// and length, indicator, padding, status and code.
const Overhead = 5 + 1 + 16 + 4 + 10

// Wrap returns c as a protected command. One with an extended Le asks for so
// much more as the protection takes.
func (s *Session) Wrap(c iso7816.Command) iso7816.Command {
	iv := s.count()
	header := []byte{c.Cla | claSecure, c.Ins, c.P1, c.P2}
	body := s.encrypted(c.Ins, iv, c.Data)
	le := iso7816.MaxLe
	if c.Le > iso7816.MaxLe {
		le = min(c.Le+Overhead, iso7816.MaxExtendedLe)
		body = iso7816.AppendTLV(body, tagLe, []byte{byte(c.Le >> 8), byte(c.Le)})
	} else if c.Le > 0 {
		body = iso7816.AppendTLV(body, tagLe, []byte{byte(c.Le)})
	}
	var code []byte
	if len(body) > 0 {
		code = s.code(header, body)
	} else {
		code = s.code(header)
	}
	return iso7816.Command{
		Cla: header[0], Ins: c.Ins, P1: c.P1, P2: c.P2,
		Data: iso7816.AppendTLV(body, tagMAC, code), Le: le,
	}
}

// Unwrap checks a response to the command wrapped last and returns what it
// protects. Errors wrap [ErrMAC] or [device.ErrProtocol]; after one the session
// is over, since the ends no longer count alike.
func (s *Session) Unwrap(ins byte, data []byte) ([]byte, iso7816.SW, error) {
	iv := s.count()
	var o objects
	if err := o.parse(data, tagPlainPadded, tagCryptogram, tagStatus, tagMAC); err != nil {
		return nil, 0, err
	}
	if err := s.check(o, nil); err != nil {
		return nil, 0, err
	}
	status, ok := o.value(tagStatus)
	if !ok || len(status) != 2 {
		return nil, 0, fmt.Errorf("secure messaging: no status: %w", device.ErrProtocol)
	}
	sw := iso7816.SW(status[0])<<8 | iso7816.SW(status[1])
	tag := uint32(tagPlainPadded)
	if ins&1 != 0 {
		tag = tagCryptogram
	}
	v, ok := o.value(tag)
	if !ok {
		return nil, sw, nil
	}
	plain, err := s.decrypted(tag, iv, v)
	return plain, sw, err
}

// check compares the code of o, over the parts before it. A nil header is a
// response's.
func (s *Session) check(o objects, header []byte) error {
	got, ok := o.value(tagMAC)
	if !ok {
		return fmt.Errorf("%w: there is none", ErrMAC)
	}
	var want []byte
	switch {
	case header == nil:
		want = s.code(o.before)
	case len(o.before) == 0:
		want = s.code(header)
	default:
		want = s.code(header, o.before)
	}
	if subtle.ConstantTimeCompare(got, want) != 1 {
		return ErrMAC
	}
	return nil
}

// objects are the data objects of one message, of which each may be there once
// and in the order of the tables.
type objects struct {
	list   []iso7816.TLV
	before []byte // everything before the code, which is the last
}

func (o *objects) parse(b []byte, order ...uint32) error {
	rest := b
	for len(rest) > 0 {
		at := len(b) - len(rest)
		v, next, err := iso7816.NextTLV(rest)
		if err != nil {
			return err
		}
		for len(order) > 0 && order[0] != v.Tag {
			order = order[1:]
		}
		if len(order) == 0 {
			return fmt.Errorf("secure messaging: data object %X out of place: %w", v.Tag, device.ErrProtocol)
		}
		order = order[1:]
		if v.Tag == tagMAC {
			o.before = b[:at]
		}
		o.list = append(o.list, v)
		rest = next
	}
	return nil
}

func (o *objects) value(tag uint32) ([]byte, bool) {
	for _, v := range o.list {
		if v.Tag == tag {
			return v.Value, true
		}
	}
	return nil, false
}
