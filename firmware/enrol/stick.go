package enrol

import (
	"context"
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
	name, _, err := putRequest(ctx, a, f)
	return filepath.Join(f.Path(), name), err
}

// Import takes the portal's answer from a folder on a memory stick, checks it,
// makes it durable, and ends enrolment. It may be done again.
func (e *Enroller) Import(ctx context.Context, f *stick.Folder) error {
	e.one.Lock()
	defer e.one.Unlock()
	s := e.current()
	a, err := readAnswer(f, s.Kiosk)
	if err != nil {
		return err
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
