package piv

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"fmt"
	"io"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/iso7816"
)

// Instructions and tags of SP 800-73-4 part 2.
const (
	insVerify       = 0x20
	insAuthenticate = 0x87
	insSelect       = 0xA4
	insGetData      = 0xCB

	tagObject      = 0x53
	tagCertificate = 0x70
	tagCertInfo    = 0x71
	tagTemplate    = 0x61

	refPIN = 0x80 // the application PIN
)

// AID is the application identifier of PIV without its version.
var AID = []byte{0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00}

// certObjects are the data objects that hold the slots' certificates.
var certObjects = map[Slot]uint32{
	Authentication: 0x5FC105,
	Signature:      0x5FC10A,
	KeyManagement:  0x5FC10B,
	CardAuth:       0x5FC101,
}

// CertObject returns the tag of the data object with the certificate of slot,
// 0 for a slot this package does not know.
func CertObject(slot Slot) uint32 { return certObjects[slot] }

// Card is a selected PIV application. It is good until the card leaves the
// reader. Its methods may not be called at the same time.
type Card struct{ ch *iso7816.Channel }

// Select selects the PIV application. A card without one gives ErrNotPIV.
func Select(ctx context.Context, t iso7816.Transmitter) (*Card, error) {
	ch := iso7816.NewChannel(t)
	out, err := ch.Do(ctx, iso7816.Command{Ins: insSelect, P1: 0x04, Data: AID, Le: iso7816.MaxLe})
	if iso7816.StatusOf(err) != 0 {
		return nil, fmt.Errorf("piv: select: %w (%w)", ErrNotPIV, err)
	}
	if err != nil {
		return nil, fmt.Errorf("piv: select: %w", err)
	}
	if t, _, err := iso7816.NextTLV(out); err != nil || t.Tag != tagTemplate {
		return nil, fmt.Errorf("piv: select: the answer is no application template: %w", device.ErrProtocol)
	}
	return &Card{ch}, nil
}

// Object reads a data object; its wrapper (tag 53) is taken off. An absent one
// is an error with the status 6A82.
func (c *Card) Object(ctx context.Context, tag uint32) ([]byte, error) {
	name := iso7816.AppendTLV(nil, tag, nil)
	name = name[:len(name)-1] // the tag without a length
	out, err := c.ch.Do(ctx, iso7816.Command{
		Ins: insGetData, P1: 0x3F, P2: 0xFF,
		Data: iso7816.AppendTLV(nil, 0x5C, name), Le: iso7816.MaxLe,
	})
	if err != nil {
		return nil, fmt.Errorf("piv: read object %X: %w", tag, err)
	}
	v, err := iso7816.FindTLV(out, tagObject)
	if err != nil {
		return nil, fmt.Errorf("piv: read object %X: %w", tag, err)
	}
	return v, nil
}

// ReadCert reads the certificate of slot. It does not judge it.
func (c *Card) ReadCert(ctx context.Context, slot Slot) (*x509.Certificate, error) {
	tag := CertObject(slot)
	if tag == 0 {
		return nil, fmt.Errorf("piv: read certificate: slot %v: %w", slot, device.ErrUnsupported)
	}
	obj, err := c.Object(ctx, tag)
	if iso7816.StatusOf(err) == iso7816.NotFound || err == nil && len(obj) == 0 {
		return nil, fmt.Errorf("piv: read certificate of slot %v: %w", slot, ErrNoCert)
	}
	if err != nil {
		return nil, fmt.Errorf("piv: read certificate of slot %v: %w", slot, err)
	}
	cert, err := ParseCertObject(obj)
	if err != nil {
		return nil, fmt.Errorf("piv: read certificate of slot %v: %w", slot, err)
	}
	return cert, nil
}

// ParseCertObject takes a certificate out of its data object (SP 800-73-4 part
// 1, table 10): 70 holds the DER, and 71 says whether it is gzipped.
func ParseCertObject(obj []byte) (*x509.Certificate, error) {
	der, err := iso7816.FindTLV(obj, tagCertificate)
	if err != nil {
		return nil, err
	}
	// CertInfo may be left out by old cards; without it nothing is compressed.
	if info, err := iso7816.FindTLV(obj, tagCertInfo); err == nil && len(info) == 1 && info[0]&1 != 0 {
		if der, err = gunzip(der); err != nil {
			return nil, err
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", device.ErrProtocol, err)
	}
	return cert, nil
}

// gunzip unpacks at most 32 KiB: a card must not make a kiosk run out of memory.
func gunzip(b []byte) ([]byte, error) {
	const limit = 32 << 10
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("unpack certificate: %w: %w", device.ErrProtocol, err)
	}
	out, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err != nil {
		return nil, fmt.Errorf("unpack certificate: %w: %w", device.ErrProtocol, err)
	}
	if len(out) > limit {
		return nil, fmt.Errorf("unpack certificate: over %d bytes: %w", limit, device.ErrProtocol)
	}
	return out, nil
}
