// Package pa is passive authentication: whether what a passport's chip says is
// what a state signed. It answers in separate questions and never in one word,
// since each has its own remedy.
//
// It does not ask whether a certificate was revoked: a kiosk without a network
// cannot know, and states revoke document signers rarely.
//
// # Reference
//
// ICAO Doc 9303-10, 4.6.2 (EF.SOD), Doc 9303-11, 5.1 (passive authentication),
// Doc 9303-12 (certificates, master list) and RFC 5652 (CMS).
package pa

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/penjire/penjire/drivers/emrtd/lds"
)

// oidSecurityObject is id-icao-mrtd-security-ldsSecurityObject.
var oidSecurityObject = asn1.ObjectIdentifier{2, 23, 136, 1, 1, 1}

// SOD is EF.SOD: the digests of the data groups, signed by a document signer.
// Parsing it checks nothing.
type SOD struct {
	Groups []lds.Group // those with a digest, in the order given
	Signer *Certificate

	hash    crypto.Hash
	digests map[lds.Group][]byte
	signed  *signed
}

// ParseSOD parses EF.SOD.
func ParseSOD(b []byte) (*SOD, error) {
	body, err := lds.Only(b, 0x77)
	if err != nil {
		return nil, fmt.Errorf("pa: parse EF.SOD: %w", err)
	}
	m, err := parseSigned(body)
	if err != nil {
		return nil, err
	}
	if !m.kind.Equal(oidSecurityObject) {
		return nil, malformed("EF.SOD: it holds something else")
	}
	s := &SOD{Signer: m.signer, signed: m, digests: map[lds.Group][]byte{}}
	in := cryptobyte.String(m.content)
	var seq, list cryptobyte.String
	var version int
	var a algorithm
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1Integer(&version) || version < 0 || version > 1 ||
		!readAlgorithm(&seq, &a) || !seq.ReadASN1(&list, cbasn1.SEQUENCE) {
		return nil, malformed("EF.SOD: security object")
	}
	// Version 1 adds the version of the LDS, which changes nothing here.
	s.hash = a.hash()
	for !list.Empty() {
		var e, d cryptobyte.String
		var n int
		if !list.ReadASN1(&e, cbasn1.SEQUENCE) || !e.ReadASN1Integer(&n) || !e.ReadASN1(&d, cbasn1.OCTET_STRING) || !e.Empty() {
			return nil, malformed("EF.SOD: digests")
		}
		g := lds.Group(n)
		if g.Tag() == 0 || s.digests[g] != nil || len(d) == 0 {
			return nil, malformed("EF.SOD: a digest of no group, or a second one")
		}
		s.digests[g] = d
		s.Groups = append(s.Groups, g)
	}
	return s, nil
}

// whole answers whether files are what the document signer signed.
func (s *SOD) whole(files map[lds.Group][]byte) Finding {
	if err := s.signed.check(); err != nil {
		if errors.Is(err, errAlgorithm) {
			return Finding{Unknown, fmt.Sprintf("signature of EF.SOD: %v", err)}
		}
		return Finding{No, fmt.Sprintf("EF.SOD: %v", err)}
	}
	if s.hash == 0 {
		return Finding{Unknown, "digests are of a kind not known here"}
	}
	if len(files) == 0 {
		return Finding{Unknown, "no data group was read"}
	}
	for g, b := range files {
		want, ok := s.digests[g]
		if !ok {
			return Finding{No, fmt.Sprintf("%v is not in EF.SOD", g)}
		}
		if !bytes.Equal(digest(s.hash, b), want) {
			return Finding{No, fmt.Sprintf("%v is not what was signed", g)}
		}
	}
	why := fmt.Sprintf("%d data groups are as they were signed", len(files))
	if s.hash == crypto.SHA1 || s.signed.hash() == crypto.SHA1 {
		why += "; with SHA-1, which is no longer used for new documents"
	}
	return Finding{Yes, why}
}
