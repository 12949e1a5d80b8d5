package emrtd

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/subtle"
	"fmt"
	"io"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/iso7816"
)

// Lengths in Basic Access Control (9303-11, 4.3.3).
const (
	nonceSize  = 8
	keySize    = 16
	mutualSize = 2*nonceSize + keySize + sm.MACSize
)

// bac opens the selected application with Basic Access Control. Its keys have
// little entropy: who records the exchange can try all zones afterwards. It is
// for chips that have nothing better.
func (c *Chip) bac(ctx context.Context, p Password) error {
	seed := sha1.Sum([]byte(p.secret.Reveal()))
	enc, mac := sm.TDES.Derive(seed[:keySize], sm.ForEncryption), sm.TDES.Derive(seed[:keySize], sm.ForMAC)
	chip, err := c.do(ctx, iso7816.Command{Ins: insChallenge, Le: nonceSize})
	if err != nil {
		return fmt.Errorf("challenge: %w", err)
	}
	if len(chip) != nonceSize {
		return fmt.Errorf("challenge: got %d bytes, want %d: %w", len(chip), nonceSize, device.ErrProtocol)
	}
	own := make([]byte, nonceSize+keySize)
	if _, err := io.ReadFull(c.o.rand(), own[:nonceSize]); err != nil {
		return err
	}
	if _, err := io.ReadFull(c.o.rand(), own[nonceSize:]); err != nil {
		return err
	}
	nonce, key := own[:nonceSize], own[nonceSize:]
	secret := sm.TDES.Encrypt(enc, nil, bytes.Join([][]byte{nonce, chip, key}, nil))
	out, err := c.do(ctx, iso7816.Command{
		Ins: insMutual, Data: append(bytes.Clone(secret), sm.TDES.MAC(mac, secret)...), Le: mutualSize,
	})
	if iso7816.StatusOf(err) != 0 {
		return fmt.Errorf("%w (%w)", ErrPassword, err)
	}
	if err != nil {
		return err
	}
	if len(out) != mutualSize {
		return fmt.Errorf("mutual authentication: got %d bytes, want %d: %w", len(out), mutualSize, device.ErrProtocol)
	}
	body := out[:mutualSize-sm.MACSize]
	if subtle.ConstantTimeCompare(out[len(body):], sm.TDES.MAC(mac, body)) != 1 {
		return fmt.Errorf("mutual authentication: %w", sm.ErrMAC)
	}
	plain := sm.TDES.Decrypt(enc, nil, body)
	if !bytes.Equal(plain[:nonceSize], chip) || !bytes.Equal(plain[nonceSize:2*nonceSize], nonce) {
		return fmt.Errorf("mutual authentication: it is the answer to another question: %w", device.ErrProtocol)
	}
	shared := make([]byte, keySize)
	subtle.XORBytes(shared, key, plain[2*nonceSize:])
	c.sec = sm.NewSession(sm.TDES, sm.TDES.Derive(shared, sm.ForEncryption), sm.TDES.Derive(shared, sm.ForMAC),
		append(bytes.Clone(chip[nonceSize/2:]), nonce[nonceSize/2:]...))
	c.Access = Access{Protocol: "BAC", Suite: sm.TDES, Password: p.String()}
	return nil
}
