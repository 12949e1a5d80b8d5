package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// overlap is for how long at least a root still counts after the one that takes
// its place has begun to: for as long kiosks may have been off and then open the
// list with either.
const overlap = 30 * 24 * time.Hour

// NextRoot announces a root: a root before it signs it over. It counts from the
// day on which the cross certificate begins. A bundle carries all announcements
// since the first root, so that a kiosk that was off for years walks from the
// root it was given to the one that signs now.
type NextRoot struct {
	Cert  *x509.Certificate // self-signed
	Cross *x509.Certificate // of the same name and key, issued by a root before it
}

// RetiredRoot says that a root is believed no more. It is named by its key, so
// that no other certificate brings it back.
type RetiredRoot struct {
	Key   [32]byte // RootKey
	Since time.Time
}

// RootKey names a root by its key: the SHA-256 of its SubjectPublicKeyInfo.
func RootKey(root *x509.Certificate) [32]byte { return sha256.Sum256(root.RawSubjectPublicKeyInfo) }

type wireRoot struct {
	Cert  []byte `cbor:"1,keyasint"`
	Cross []byte `cbor:"2,keyasint"`
}

type wireRetired struct {
	Key   []byte `cbor:"1,keyasint"`
	Since int64  `cbor:"2,keyasint"`
}

func (n NextRoot) wire() wireRoot { return wireRoot{n.Cert.Raw, n.Cross.Raw} }

func (w wireRoot) read() (NextRoot, error) {
	cert, err := x509.ParseCertificate(w.Cert)
	if err != nil {
		return NextRoot{}, err
	}
	cross, err := x509.ParseCertificate(w.Cross)
	if err != nil {
		return NextRoot{}, err
	}
	switch {
	case !bytes.Equal(cert.RawSubject, cert.RawIssuer) || cert.CheckSignatureFrom(cert) != nil:
		err = errors.New("it is not signed by itself")
	case !bytes.Equal(cert.RawSubject, cross.RawSubject) || !bytes.Equal(cert.RawSubjectPublicKeyInfo, cross.RawSubjectPublicKeyInfo):
		err = errors.New("the cross certificate is of another name or key")
	case !cross.IsCA || !cross.BasicConstraintsValid:
		err = errors.New("the cross certificate is not of a centre")
	}
	return NextRoot{cert, cross}, err
}

func (w wireRetired) read() (RetiredRoot, error) {
	r := RetiredRoot{Since: time.Unix(w.Since, 0).UTC()}
	if len(w.Key) != len(r.Key) {
		return r, errors.New("its key is not named by 32 bytes")
	}
	copy(r.Key[:], w.Key)
	return r, nil
}

// retired says whether the bundle takes that root for retired at the time at.
func (b *Bundle) retired(root *x509.Certificate, at time.Time) bool {
	key := RootKey(root)
	return slices.ContainsFunc(b.Retired, func(r RetiredRoot) bool { return r.Key == key && !at.Before(r.Since) })
}

// rootsFor returns the roots that may stand above b's signer: those that the
// reader was given and those that b announces, in a walk from one that the reader
// was given, less those retired by b itself or by known, the bundle the reader
// has. at is the latest time that has certainly passed.
//
// A root that known retired announces nothing new: with a key stolen after its
// retirement nobody names a successor.
func (b *Bundle) rootsFor(given []*x509.Certificate, known *Bundle, at time.Time) ([]*x509.Certificate, error) {
	all := slices.Clone(given)
	for range b.Roots { // each round takes one step of the walk at least, or none is left
		for _, n := range b.Roots {
			if at.Before(n.Cross.NotBefore) || slices.ContainsFunc(all, n.Cert.Equal) {
				continue
			}
			by := slices.IndexFunc(all, func(r *x509.Certificate) bool {
				return bytes.Equal(n.Cross.RawIssuer, r.RawSubject) && n.Cross.CheckSignatureFrom(r) == nil
			})
			if by < 0 || known != nil && known.retired(all[by], at) && !known.announced(n) {
				continue
			}
			all = append(all, n.Cert)
		}
	}
	for _, r := range b.Retired {
		if err := b.overlapped(r, all); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(all, func(r *x509.Certificate) bool {
		return b.retired(r, at) || known != nil && known.retired(r, at)
	}), nil
}

func (b *Bundle) announced(n NextRoot) bool {
	return slices.ContainsFunc(b.Roots, func(m NextRoot) bool { return m.Cert.Equal(n.Cert) })
}

// overlapped checks that a root is retired only after another has counted for a
// while beside it.
func (b *Bundle) overlapped(r RetiredRoot, all []*x509.Certificate) error {
	for _, n := range b.Roots {
		if RootKey(n.Cert) != r.Key && slices.ContainsFunc(all, n.Cert.Equal) && !r.Since.Before(n.Cross.NotBefore.Add(overlap)) {
			return nil
		}
	}
	return fmt.Errorf("it retires a root before another has counted for %d days", overlap/(24*time.Hour))
}
