package enrol

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/stick"
)

// Renewal by memory stick: the request of a running kiosk, and the portal's answer.

// Export writes the request for new certificates of both keys into a folder on a
// memory stick, and returns the file's name and size. proof is the key of a one-time
// code's proof; nil: the certificates that the kiosk has prove it. One of an earlier
// export is replaced: it says the same.
func (r *Renewal) Export(ctx context.Context, signing, identity Key, proof *[32]byte, f *stick.Folder) (name string, size int, err error) {
	a := &enrol.Asked{Kiosk: r.Kiosk}
	if a.Identity, err = enrol.NewRequest(identity.Key, r.Kiosk, identity.Software); err != nil {
		return "", 0, err
	}
	if a.Signing, err = enrol.NewRequest(signing.Key, r.Kiosk, signing.Software); err != nil {
		return "", 0, err
	}
	if proof != nil {
		a.Prove(*proof)
	}
	return putRequest(ctx, a, f)
}

// putRequest makes a request durable on a stick, in place of one of an earlier export.
func putRequest(ctx context.Context, a *enrol.Asked, f *stick.Folder) (name string, size int, err error) {
	b, err := a.Marshal()
	if err != nil {
		return "", 0, err
	}
	name = enrol.RequestName(a.Kiosk)
	if f.Has(name) {
		if err := os.Remove(filepath.Join(f.Path(), name)); err != nil {
			return "", 0, fmt.Errorf("enrol: replace the request on the stick: %w", err)
		}
	}
	return name, len(b), f.Put(ctx, name, [][]byte{b})
}

// ErrNoAnswer says that there is no answer for this kiosk on a stick.
var ErrNoAnswer = errors.New("there are no certificates for this kiosk on the stick")

// readAnswer reads the portal's answer for a kiosk from a stick. It is not checked yet.
func readAnswer(f *stick.Folder, kiosk string) (*enrol.Answer, error) {
	in, err := os.Open(filepath.Join(f.Path(), enrol.AnswerName(kiosk)))
	if errors.Is(err, os.ErrNotExist) {
		err = errors.Join(ErrNoAnswer, err)
	}
	if err != nil {
		return nil, fmt.Errorf("enrol: read the portal's answer: %w", err)
	}
	defer func() { _ = in.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(in, enrol.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("enrol: read the portal's answer: %w", err)
	}
	a, err := enrol.ParseAnswer(b)
	if err != nil {
		return nil, err
	}
	if a.Kiosk != kiosk {
		return nil, fmt.Errorf("enrol: read the portal's answer: it is for kiosk %s: %w", a.Kiosk, ErrAnswer)
	}
	return a, nil
}

// Carried is the portal's answer from a stick, checked.
type Carried struct {
	Signing, Identity []*x509.Certificate // each with its issuers below the root
	Trust, Catalogue  []byte              // as signed: whoever takes them checks them
}

// Import reads and checks the portal's answer from a folder on a memory stick. Nothing
// of it is kept yet: see [Key.Keep]. The file may be an old one: who takes it looks
// which certificate ends later. Errors wrap ErrNoAnswer, ErrAnswer, enrol.ErrFile or
// enrol.ErrFileVersion.
func (r *Renewal) Import(signing, identity Key, f *stick.Folder) (*Carried, error) {
	a, err := readAnswer(f, r.Kiosk)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	for _, c := range r.Roots {
		roots.AddCert(c)
	}
	c := &Carried{Trust: a.Trust, Catalogue: a.Catalogue}
	if c.Signing, err = checked(a.Signing, useSigning, r.Kiosk, signing.Key.Public(), roots); err != nil {
		return nil, err
	}
	if c.Identity, err = checked(a.Identity, useIdentity, r.Kiosk, identity.Key.Public(), roots); err != nil {
		return nil, err
	}
	return c, nil
}

// Keep makes a certificate of the key durable, with its issuers.
func (k Key) Keep(chain []*x509.Certificate) error {
	return keep(filepath.Dir(k.File), filepath.Base(k.File), certsPEM(chain))
}
