// Package seal makes and checks the seal printed on paper: a signed statement
// of what the paper says, small enough for one QR code that any phone opens
// (ED-9; sync/spec/edoc.md, section 9).
//
// A seal carries the facts themselves, not only a digest: whoever checks it
// compares them with the paper by eye. It is a COSE_Sign1 (RFC 9052, ES256) of
// deterministic CBOR, written as Base32 in an upper-case URL.
package seal

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/veraison/go-cose"

	"github.com/penjire/penjire/sync/edoc/dcbor"
)

// The kinds of seal.
const (
	Receipt = "receipt" // by the kiosk: it has accepted a request
	Copy    = "copy"    // by an agency: a paper copy of its e-document
)

// The numbers of the kinds in a seal. One that is no longer used stays taken.
var kindNumbers = map[string]uint8{Receipt: 1, Copy: 2}

// Lengths in a seal.
const (
	docLen  = 16 // of the document's id: as hard to match as the curve to break
	rootLen = 8  // of the journal's root
	lifeLen = 4  // of the journal's epoch
	kidLen  = 8  // of the SHA-256 of the signer's certificate
)

// aad keeps a seal's signature from being one of anything else.
var aad = []byte("penjire-seal/1")

// Seal is what a seal states. Its times are whole seconds, UTC.
type Seal struct {
	Kind    string // Receipt or Copy
	Issuer  string // id of the kiosk or the agency
	Service string
	Doc     []byte      // the document's id; a seal carries its first 16 bytes
	Date    time.Time   // of the receipt, or of the answer
	Subject string      // copy: holder, masked
	Facts   [][2]string // copy: name and value, in the order of the paper
	Total   int         // copy: how many facts the document has, where Facts are not all of them; else 0
	Index   int64       // receipt: place in the kiosk's journal
	Size    int64       // receipt: size of the journal's tree
	Root    []byte      // receipt: first 8 bytes of the tree's root
	Epoch   []byte      // receipt: first 4 bytes of the journal's epoch; nil: made before seals said it
	Expires time.Time   // zero: never
}

// wireSeal is the payload. Keys are never given a second meaning.
type wireSeal struct {
	Kind    uint8       `cbor:"1,keyasint"`
	Issuer  string      `cbor:"2,keyasint"`
	Service string      `cbor:"3,keyasint"`
	Doc     []byte      `cbor:"4,keyasint"`
	Date    int64       `cbor:"5,keyasint"`
	Subject string      `cbor:"6,keyasint,omitempty"`
	Facts   [][2]string `cbor:"7,keyasint,omitempty"`
	Index   int64       `cbor:"8,keyasint,omitempty"`
	Size    int64       `cbor:"9,keyasint,omitempty"`
	Root    []byte      `cbor:"10,keyasint,omitempty"`
	Expires int64       `cbor:"11,keyasint,omitempty"`
	Total   int         `cbor:"12,keyasint,omitempty"`
	Epoch   []byte      `cbor:"15,keyasint,omitempty"`
}

// Sealed is a seal with its signature. It does not change.
type Sealed struct {
	Seal
	payload []byte
	kid     []byte
	raw     []byte // the COSE_Sign1
}

// Make signs s with key, whose certificate is cert. Of s.Doc and s.Root it takes
// as much as a seal carries.
func Make(s Seal, key crypto.Signer, cert *x509.Certificate) (*Sealed, error) {
	if len(s.Doc) > docLen {
		s.Doc = s.Doc[:docLen]
	}
	if len(s.Root) > rootLen {
		s.Root = s.Root[:rootLen]
	}
	if len(s.Epoch) > lifeLen {
		s.Epoch = s.Epoch[:lifeLen]
	}
	pub, ok := key.Public().(*ecdsa.PublicKey)
	if !ok || !pub.Equal(cert.PublicKey) {
		return nil, errors.New("seal: make: the certificate is of another key")
	}
	payload, err := s.marshal()
	if err != nil {
		return nil, fmt.Errorf("seal: make: %w", err)
	}
	signer, err := cose.NewSigner(cose.AlgorithmES256, key)
	if err != nil {
		return nil, fmt.Errorf("seal: make: %w", err)
	}
	msg := message(kidOf(cert), payload)
	if err := msg.Sign(rand.Reader, aad, signer); err != nil {
		return nil, fmt.Errorf("seal: make: %w", err)
	}
	raw, err := msg.MarshalCBOR()
	if err != nil {
		return nil, fmt.Errorf("seal: make: %w", err)
	}
	return ParseBytes(raw)
}

func message(kid, payload []byte) *cose.Sign1Message {
	msg := cose.NewSign1Message()
	msg.Headers.Protected.SetAlgorithm(cose.AlgorithmES256)
	msg.Headers.Unprotected[cose.HeaderLabelKeyID] = kid
	msg.Payload = payload
	return msg
}

func kidOf(cert *x509.Certificate) []byte {
	sum := sha256.Sum256(cert.Raw)
	return sum[:kidLen]
}

func (s *Seal) marshal() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return s.encode()
}

func (s *Seal) encode() ([]byte, error) {
	w := wireSeal{
		Kind: kindNumbers[s.Kind], Issuer: s.Issuer, Service: s.Service, Doc: s.Doc, Date: s.Date.Unix(),
		Subject: s.Subject, Facts: s.Facts, Index: s.Index, Size: s.Size, Root: s.Root, Total: s.Total, Epoch: s.Epoch,
	}
	if !s.Expires.IsZero() {
		w.Expires = s.Expires.Unix()
	}
	return dcbor.Marshal(w)
}

// check says what a seal lacks to be one of its kind.
func (s *Seal) check() error {
	switch {
	case kindNumbers[s.Kind] == 0:
		return errors.New("kind: want receipt or copy")
	case s.Issuer == "" || s.Service == "":
		return errors.New("issuer or service: it is empty")
	case len(s.Doc) != docLen:
		return fmt.Errorf("doc: got %d bytes, want %d or more", len(s.Doc), docLen)
	case s.Date.Unix() <= 0:
		return errors.New("date: it is not after 1970")
	case !s.Expires.IsZero() && s.Expires.Unix() <= 0:
		return errors.New("expires: it is not after 1970")
	}
	if s.Kind == Copy {
		if s.Index != 0 || s.Size != 0 || s.Root != nil || s.Epoch != nil {
			return errors.New("a copy holds what only a receipt has")
		}
		if s.Total != 0 && s.Total <= len(s.Facts) {
			return fmt.Errorf("total: it says %d facts and carries %d", s.Total, len(s.Facts))
		}
		return nil
	}
	switch {
	case s.Subject != "" || len(s.Facts) > 0 || s.Total != 0:
		return errors.New("a receipt holds what only a copy has: it names no one")
	case s.Index < 0 || s.Size <= s.Index:
		return fmt.Errorf("index %d is not in a journal of size %d", s.Index, s.Size)
	case len(s.Root) != rootLen:
		return fmt.Errorf("root: got %d bytes, want %d or more", len(s.Root), rootLen)
	case s.Epoch != nil && len(s.Epoch) != lifeLen:
		return fmt.Errorf("epoch: got %d bytes, want %d or more", len(s.Epoch), lifeLen)
	}
	return nil
}

// seal turns the payload back.
func (w wireSeal) seal() Seal {
	s := Seal{
		Issuer: w.Issuer, Service: w.Service, Doc: w.Doc, Date: time.Unix(w.Date, 0).UTC(),
		Subject: w.Subject, Facts: w.Facts, Index: w.Index, Size: w.Size, Root: w.Root, Total: w.Total, Epoch: w.Epoch,
	}
	for name, n := range kindNumbers {
		if n == w.Kind {
			s.Kind = name
		}
	}
	if w.Expires != 0 {
		s.Expires = time.Unix(w.Expires, 0).UTC()
	}
	return s
}
