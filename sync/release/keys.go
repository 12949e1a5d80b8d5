package release

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
)

// KeyList is what the roots say of keys. It is signed by a root, offline.
type KeyList struct {
	Version uint64 // rises by one: a kiosk takes every list, in order
	Issued  time.Time
	Revoked [][32]byte          // keys that sign nothing any more, by KeyID; all so far
	Roots   []*x509.Certificate // who signs the next list and issues certificates: all of them
}

// KeyID names a key: the SHA-256 of its SubjectPublicKeyInfo.
func KeyID(c *x509.Certificate) [32]byte { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// ErrOldList is returned for a list that does not follow the one known, or that
// takes a revocation back.
var ErrOldList = errors.New("release: the list of keys does not follow the one already known")

const listDomain = "penjire-release-keys/1"

// Limits of a list.
const (
	maxRoots   = 8
	maxRevoked = 256
)

type wireList struct {
	Version uint64   `cbor:"1,keyasint"`
	Issued  int64    `cbor:"2,keyasint"`
	Revoked [][]byte `cbor:"3,keyasint,omitempty"`
	Roots   [][]byte `cbor:"4,keyasint"`
}

type wireListFile struct {
	_       struct{} `cbor:",toarray"`
	Domain  string
	Payload []byte
	P7S     []byte
}

// Sign returns the list signed by a root, with its own certificate.
func (l KeyList) Sign(root cms.Signer) ([]byte, error) {
	l.Issued = l.Issued.UTC().Truncate(time.Second)
	w := wireList{Version: l.Version, Issued: l.Issued.Unix()}
	for _, id := range l.Revoked {
		w.Revoked = append(w.Revoked, id[:])
	}
	for _, c := range l.Roots {
		w.Roots = append(w.Roots, c.Raw)
	}
	payload, err := dcbor.Marshal(w)
	if err == nil {
		_, err = readList(payload)
	}
	if err != nil {
		return nil, fmt.Errorf("release: sign key list %d: %w", l.Version, err)
	}
	p7s, err := sign(listDomain, payload, root, l.Issued)
	if err != nil {
		return nil, fmt.Errorf("release: sign key list %d: %w", l.Version, err)
	}
	return dcbor.Marshal(wireListFile{Domain: listDomain, Payload: payload, P7S: p7s})
}

func readList(payload []byte) (*KeyList, error) {
	var w wireList
	if err := dcbor.Unmarshal(payload, &w); err != nil {
		return nil, fmt.Errorf("%w: a list of keys: %w", ErrForm, err)
	}
	if w.Version == 0 || len(w.Roots) == 0 || len(w.Roots) > maxRoots || len(w.Revoked) > maxRevoked {
		return nil, fmt.Errorf("%w: key list %d with %d roots and %d revoked keys", ErrForm, w.Version, len(w.Roots), len(w.Revoked))
	}
	l := &KeyList{Version: w.Version, Issued: time.Unix(w.Issued, 0).UTC()}
	for _, id := range w.Revoked {
		if len(id) != sha256.Size {
			return nil, fmt.Errorf("%w: a revoked key is named by %d bytes", ErrForm, len(id))
		}
		l.Revoked = append(l.Revoked, [32]byte(id))
	}
	for _, der := range w.Roots {
		c, err := cms.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: a root: %w", ErrForm, err)
		}
		if !c.IsCA || !bytes.Equal(c.RawSubject, c.RawIssuer) || c.CheckSignatureFrom(c) != nil {
			return nil, fmt.Errorf("%w: a root is not one", ErrForm)
		}
		l.Roots = append(l.Roots, c)
	}
	return l, nil
}

// Keys is whom a kiosk believes about releases. It is a value: Take returns a new
// one.
type Keys struct {
	roots   []*x509.Certificate
	version uint64
	revoked [][32]byte
	lists   [][]byte // taken so far
}

// NewKeys returns the belief that begins with these roots.
func NewKeys(roots []*x509.Certificate) Keys { return Keys{roots: slices.Clone(roots)} }

// Version returns the version of the last list taken; 0: none was.
func (k Keys) Version() uint64 { return k.version }

// Lists returns the lists taken so far, for whoever keeps them over a restart.
func (k Keys) Lists() [][]byte { return slices.Clone(k.lists) }

// Take returns the belief after one more list, which must be signed by a root that
// k believes and follow the one before. A list that k knows already changes nothing.
func (k Keys) Take(signed []byte) (Keys, error) {
	if slices.ContainsFunc(k.lists, func(l []byte) bool { return bytes.Equal(l, signed) }) {
		return k, nil
	}
	if len(signed) > MaxSigned {
		return k, fmt.Errorf("%w: a list of %d bytes", ErrForm, len(signed))
	}
	var f wireListFile
	if err := dcbor.Unmarshal(signed, &f); err != nil {
		return k, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if f.Domain != listDomain {
		return k, fmt.Errorf("%w: it is of %q", ErrForm, f.Domain)
	}
	l, err := readList(f.Payload)
	if err != nil {
		return k, err
	}
	if l.Version <= k.version { // an older copy of history: what is known counts
		return k, fmt.Errorf("%w: version %d, %d is known", ErrOldList, l.Version, k.version)
	}
	signer, _, at, err := signature(listDomain, f.Payload, f.P7S)
	if err != nil {
		return k, err
	}
	switch {
	case !slices.ContainsFunc(k.roots, signer.Equal):
		return k, fmt.Errorf("%w: key list %d is of no root", ErrSignature, l.Version)
	case !at.Equal(l.Issued):
		return k, fmt.Errorf("%w: key list %d was not signed when it says it was issued", ErrForm, l.Version)
	case l.Version != k.version+1:
		return k, fmt.Errorf("%w: version %d, want %d", ErrOldList, l.Version, k.version+1)
	}
	for _, id := range k.revoked {
		if !slices.Contains(l.Revoked, id) {
			return k, fmt.Errorf("%w: version %d takes a revocation back", ErrOldList, l.Version)
		}
	}
	return Keys{roots: l.Roots, version: l.Version, revoked: l.Revoked, lists: append(slices.Clone(k.lists), signed)}, nil
}

// believes says whether a certificate is one of a release key.
func (k Keys) believes(signer *x509.Certificate, with []*x509.Certificate, at time.Time) error {
	if at.IsZero() {
		return fmt.Errorf("%w: it does not say when", ErrSignature)
	}
	o := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	for _, c := range k.roots {
		o.Roots.AddCert(c)
	}
	for _, c := range with {
		o.Intermediates.AddCert(c)
	}
	chains, err := signer.Verify(o)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if signer.IsCA || signer.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return fmt.Errorf("%w: its certificate is not one of a release key", ErrSignature)
	}
	for _, chain := range chains {
		if !slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return slices.Contains(k.revoked, KeyID(c)) }) {
			return nil
		}
	}
	return ErrRevoked
}

// ReadList reads a list without asking who signed it: for whoever makes the next one.
func ReadList(signed []byte) (*KeyList, error) {
	var f wireListFile
	if err := dcbor.Unmarshal(signed, &f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return readList(f.Payload)
}
