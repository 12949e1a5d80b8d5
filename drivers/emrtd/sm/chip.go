package sm

import (
	"fmt"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
)

// Open takes a protected command apart, as the chip does.
func (s *Session) Open(c iso7816.Command) (iso7816.Command, error) {
	iv := s.count()
	if c.Cla&claSecure != claSecure {
		return c, fmt.Errorf("secure messaging: command %02X is not protected: %w", c.Ins, device.ErrProtocol)
	}
	var o objects
	if err := o.parse(c.Data, tagPlainPadded, tagCryptogram, tagLe, tagMAC); err != nil {
		return c, err
	}
	if err := s.check(o, []byte{c.Cla, c.Ins, c.P1, c.P2}); err != nil {
		return c, err
	}
	plain := iso7816.Command{Cla: c.Cla &^ claSecure, Ins: c.Ins, P1: c.P1, P2: c.P2}
	if le, ok := o.value(tagLe); ok {
		for _, b := range le {
			plain.Le = plain.Le<<8 | int(b)
		}
		if plain.Le == 0 {
			plain.Le = 1 << (8 * len(le)) // 256 or 65536
		}
	}
	tag := uint32(tagPlainPadded)
	if c.Ins&1 != 0 {
		tag = tagCryptogram
	}
	if v, ok := o.value(tag); ok {
		var err error
		if plain.Data, err = s.decrypted(tag, iv, v); err != nil {
			return c, err
		}
	}
	return plain, nil
}

// Seal makes the data of the response to the command opened last. The status
// goes after it in the clear, too.
func (s *Session) Seal(ins byte, data []byte, sw iso7816.SW) []byte {
	iv := s.count()
	body := s.encrypted(ins, iv, data)
	body = iso7816.AppendTLV(body, tagStatus, []byte{byte(sw >> 8), byte(sw)})
	return iso7816.AppendTLV(body, tagMAC, s.code(body))
}
