package est

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/ledger"
)

// sealer seals the keys of proofs: who has the ledger alone can prove nothing.
func (s *Service) sealer() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, s.c.Codes, nil, "penjire-enrol-proofs/1", 32)
	if err != nil {
		return nil, fmt.Errorf("est: make the key of the proofs: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("est: make the key of the proofs: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (s *Service) sealProof(id ledger.CodeID, key [32]byte) ([]byte, error) {
	a, err := s.sealer()
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, key[:], id[:]), nil
}

func (s *Service) openProof(c ledger.Code) (key [32]byte, err error) {
	a, err := s.sealer()
	if err != nil {
		return key, err
	}
	b, err := a.Open(nil, nil, c.Proof, c.ID[:])
	if err != nil || len(b) != len(key) {
		return key, errors.New("est: the key of a proof cannot be opened: is the key of the codes another one?")
	}
	return [32]byte(b), nil
}

// Taken is the answer to a file of a kiosk.
type Taken struct {
	Kiosk    string
	Name     string // of the file
	File     []byte
	Identity *x509.Certificate
	Signing  *x509.Certificate
}

// Take answers the file with which a kiosk asks for its certificates. It may be
// brought again: it gets the same. Errors: enrol.ErrFile, enrol.ErrFileVersion,
// *enrol.Refusal.
func (s *Service) Take(ctx context.Context, file []byte) (*Taken, error) {
	a, err := enrol.ParseAsked(file)
	if err != nil {
		return nil, err
	}
	asked := map[string]enrol.Request{}
	for use, der := range map[string][]byte{ledger.CertIdentity: a.Identity, ledger.CertSigning: a.Signing} {
		if asked[use], err = enrol.ParseRequest(der); err != nil {
			return nil, enrol.Malformed
		}
	}
	certs := map[string]*x509.Certificate{}
	if a.Proof == nil {
		for use, r := range asked {
			if certs[use], err = s.byKey(ctx, a.Kiosk, use, r); err != nil {
				return nil, err
			}
		}
	} else {
		id, err := s.proven(ctx, a)
		if err != nil {
			return nil, err
		}
		if certs, err = s.byCode(ctx, id, a.Kiosk, asked); err != nil {
			return nil, err
		}
	}
	t := &Taken{Kiosk: a.Kiosk, Name: enrol.AnswerName(a.Kiosk), Identity: certs[ledger.CertIdentity], Signing: certs[ledger.CertSigning]}
	answer := &enrol.Answer{Kiosk: a.Kiosk, Identity: s.chain(t.Identity), Signing: s.chain(t.Signing)}
	if answer.Trust, answer.Catalogue, err = s.knowledge(ctx); err != nil {
		return nil, err
	}
	if t.File, err = answer.Marshal(); err != nil {
		return nil, err
	}
	return t, nil
}

// proven returns the code that a file proves.
func (s *Service) proven(ctx context.Context, a *enrol.Asked) (ledger.CodeID, error) {
	codes, err := s.c.Ledger.Codes(ctx, a.Kiosk)
	if err != nil {
		return ledger.CodeID{}, err
	}
	for _, c := range codes {
		key, err := s.openProof(c)
		if err != nil {
			s.c.Log.Error("est: a code's proof", "kiosk", c.Kiosk, "err", err)
			continue
		}
		if a.Proves(key) {
			return c.ID, nil
		}
	}
	return ledger.CodeID{}, enrol.NoCode
}

// knowledge returns the signed trust bundle and catalogue in force, which a new
// kiosk begins with.
func (s *Service) knowledge(ctx context.Context) (bundle, catalogue []byte, err error) {
	if _, bundle, err = s.c.Ledger.Broadcasted(ctx, ledger.ItemTrust); err != nil {
		return nil, nil, fmt.Errorf("est: read the trust bundle: %w", err)
	}
	if _, catalogue, err = s.c.Ledger.Broadcasted(ctx, ledger.ItemCatalogue); err != nil {
		return nil, nil, fmt.Errorf("est: read the catalogue: %w", err)
	}
	return bundle, catalogue, nil
}
