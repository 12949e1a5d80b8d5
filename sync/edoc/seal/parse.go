package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"github.com/veraison/go-cose"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/dcbor"
)

// maxSealed is the longest seal, in bytes: more does not fit a QR code.
const maxSealed = 1200

var b32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// ErrNotASeal is returned for what is not a seal at all, or not whole.
var ErrNotASeal = errors.New("seal: it is not a seal")

// Parse reads a seal from what a scanner read: the URL, or the Base32 alone, in
// either case. It does not check the signature.
func Parse(text string) (*Sealed, error) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if i := strings.LastIndex(text, "/V/"); i >= 0 {
		text = text[i+len("/V/"):]
	}
	if len(text) > maxSealed*8/5+8 {
		return nil, fmt.Errorf("%w: it is too long", ErrNotASeal)
	}
	raw, err := b32.DecodeString(text)
	if err != nil || b32.EncodeToString(raw) != text {
		return nil, fmt.Errorf("%w: it is not in Base32", ErrNotASeal)
	}
	return ParseBytes(raw)
}

// ParseBytes reads the COSE_Sign1 itself. It does not check the signature.
func ParseBytes(raw []byte) (*Sealed, error) {
	s, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotASeal, err)
	}
	return s, nil
}

func parse(raw []byte) (*Sealed, error) {
	if len(raw) > maxSealed {
		return nil, fmt.Errorf("got %d bytes, want at most %d", len(raw), maxSealed)
	}
	var msg cose.Sign1Message
	if err := msg.UnmarshalCBOR(raw); err != nil {
		return nil, errors.New("it is not a COSE_Sign1")
	}
	kid, ok := msg.Headers.Unprotected[cose.HeaderLabelKeyID].([]byte)
	if !ok || len(kid) != kidLen || len(msg.Signature) != 64 {
		return nil, errors.New("it does not say which key signed it")
	}
	// One form only: what was read, made again, must be the same bytes.
	again := message(kid, msg.Payload)
	again.Signature = msg.Signature
	b, err := again.MarshalCBOR()
	if err != nil || !bytes.Equal(b, raw) {
		return nil, errors.New("it is not in the one form of a seal")
	}
	var w wireSeal
	if err := dcbor.Unmarshal(msg.Payload, &w); err != nil {
		return nil, err
	}
	s := &Sealed{Seal: w.seal(), payload: msg.Payload, kid: kid, raw: bytes.Clone(raw)}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// Bytes returns the seal as COSE_Sign1.
func (s *Sealed) Bytes() []byte { return bytes.Clone(s.raw) }

// Text returns the seal as Base32.
func (s *Sealed) Text() string { return b32.EncodeToString(s.raw) }

// URL returns the text of the QR code: BASE/V/<BASE32>, all in upper case, which
// a QR code holds in its alphanumeric mode. base is "https://host".
func (s *Sealed) URL(base string) string {
	return strings.ToUpper(strings.TrimRight(base, "/")) + "/V/" + s.Text()
}

// ID returns the id by which a bundle revokes the seal. It is of what is sealed
// and by whom, not of the signature: anyone can turn a signature of ECDSA into
// another that verifies too.
func (s *Sealed) ID() [16]byte {
	h := sha256.New()
	_, _ = h.Write(s.kid) // a hash does not fail
	_, _ = h.Write(s.payload)
	var id [16]byte
	copy(id[:], h.Sum(nil))
	return id
}

// CheckNumber returns the number to type where no code can be scanned, in the
// form of a tracking code (edoc.ParseCode, edoc.FormatCode).
func (s *Sealed) CheckNumber() string {
	id := s.ID()
	return edoc.CodeOf(id[:])
}
