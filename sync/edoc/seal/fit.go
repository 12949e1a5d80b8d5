package seal

import (
	"crypto"
	"crypto/x509"
	"fmt"
)

// CopyMax is how many bytes a copy's seal has at most where facts could be left
// out: with an address of up to 59 characters before it ("https://host") its
// code is of version 17 at level M, which receipt paper of 72 mm holds with
// modules of 0.6 mm, and that of 48 mm with 0.5 mm (ED-SEAL-8).
const CopyMax = 420

// MakeCopy is Make for a copy with all the facts of its document. Where they are
// too many for a code on receipt paper it seals, in their order, each that still
// fits whole, and how many there are in all. None is ever cut. For the rest the
// document's id stands: the document has them, signed.
func MakeCopy(s Seal, key crypto.Signer, cert *x509.Certificate) (*Sealed, error) {
	s.Kind, s.Total = Copy, 0
	all := s.Facts
	size, err := sizeOf(s)
	if err != nil {
		return nil, fmt.Errorf("seal: make a copy's: %w", err)
	}
	if size > CopyMax {
		s.Facts, s.Total = nil, len(all)
		for _, f := range all {
			try := s
			try.Facts = append(s.Facts[:len(s.Facts):len(s.Facts)], f)
			if size, err = sizeOf(try); err != nil {
				return nil, fmt.Errorf("seal: make a copy's: %w", err)
			}
			if size <= CopyMax {
				s = try
			}
		}
	}
	return Make(s, key, cert)
}

// sizeOf returns how many bytes s has with its signature.
func sizeOf(s Seal) (int, error) {
	s.Doc = s.Doc[:min(len(s.Doc), docLen)]
	payload, err := s.encode()
	if err != nil {
		return 0, err
	}
	msg := message(make([]byte, kidLen), payload)
	msg.Signature = make([]byte, 64)
	b, err := msg.MarshalCBOR()
	return len(b), err
}
