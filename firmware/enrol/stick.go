package enrol

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/stick"
)

// Export writes the request for the kiosk's certificates, proved with the one-time
// code, into a folder on a memory stick, and returns the file's path. It may be done
// again: the portal answers each with the same.
func (e *Enroller) Export(ctx context.Context, f *stick.Folder) (string, error) {
	e.one.Lock()
	defer e.one.Unlock()
	s := e.current()
	if s.Code.IsZero() {
		return "", errNoCode
	}
	k, err := e.openKeys(ctx)
	if err != nil {
		return "", err
	}
	a := &enrol.Asked{Kiosk: s.Kiosk}
	if a.Identity, err = enrol.NewRequest(k.identity, s.Kiosk, k.software); err != nil {
		return "", err
	}
	if a.Signing, err = enrol.NewRequest(k.signing, s.Kiosk, k.software); err != nil {
		return "", err
	}
	a.Prove(enrol.ProofKey(s.Code))
	b, err := a.Marshal()
	if err != nil {
		return "", err
	}
	name := enrol.RequestName(s.Kiosk)
	if f.Has(name) { // of an earlier export: it says the same
		if err := os.Remove(filepath.Join(f.Path(), name)); err != nil {
			return "", fmt.Errorf("enrol: replace the request on the stick: %w", err)
		}
	}
	if err := f.Put(ctx, name, [][]byte{b}); err != nil {
		return "", err
	}
	return filepath.Join(f.Path(), name), nil
}

// Import takes the portal's answer from a folder on a memory stick, checks it,
// makes it durable, and ends enrolment. It may be done again.
func (e *Enroller) Import(ctx context.Context, f *stick.Folder) error {
	e.one.Lock()
	defer e.one.Unlock()
	s := e.current()
	path := filepath.Join(f.Path(), enrol.AnswerName(s.Kiosk))
	in, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("enrol: read the portal's answer: %w", err)
	}
	defer func() { _ = in.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(in, enrol.MaxFile+1))
	if err != nil {
		return fmt.Errorf("enrol: read the portal's answer: %w", err)
	}
	a, err := enrol.ParseAnswer(bytes.Clone(b))
	if err != nil {
		return err
	}
	if a.Kiosk != s.Kiosk {
		return fmt.Errorf("enrol: read the portal's answer: it is for kiosk %s: %w", a.Kiosk, ErrAnswer)
	}
	k, err := e.openKeys(ctx)
	if err != nil {
		return err
	}
	identity, err := checked(a.Identity, useIdentity, s.Kiosk, k.identity.Public(), e.roots)
	if err != nil {
		return err
	}
	signing, err := checked(a.Signing, useSigning, s.Kiosk, k.signing.Public(), e.roots)
	if err != nil {
		return err
	}
	if err := e.keepKnowledge(enrol.Knowledge{Trust: a.Trust, Catalogue: a.Catalogue}); err != nil {
		return err
	}
	if err := e.keepCert(identityCert, identity); err != nil {
		return err
	}
	if err := e.keepCert(signingCert, signing); err != nil {
		return err
	}
	e.again() // Run finds everything there, and ends
	return nil
}
