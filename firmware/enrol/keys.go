package enrol

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/firmware/signing/tpm"
	"github.com/penjire/penjire/sync/edoc/keyfile"
)

// The kiosk's two keys in a TPM.
const (
	identityHandle = 0x81504B02
	signingHandle  = 0x81504B01
)

// keysFile says where the keys are. It is durable before any key is made: a chip
// that comes or goes later changes nothing.
const keysFile = "keys.json"

type keysJSON struct {
	Schema string `json:"schema"` // "penjire-keys/1"
	TPM    string `json:"tpm"`    // device; "": files
}

const keysSchema = "penjire-keys/1"

// keys are the kiosk's own, and how settings.json names them.
type keys struct {
	identity, signing crypto.Signer
	software          bool
	pairs             pairs
}

// openKeys makes the keys, or finds those that are there: in the TPM if there is
// one, else in files of mode 0600.
func (e *Enroller) openKeys(ctx context.Context) (*keys, error) {
	where, err := e.place()
	if err != nil {
		return nil, err
	}
	k := &keys{software: where == "", pairs: inFiles}
	if k.software {
		if k.identity, err = fileKey(filepath.Join(e.o.Dir, "identity.key")); err != nil {
			return nil, err
		}
		k.signing, err = fileKey(filepath.Join(e.o.Dir, "signing.key"))
		return k, err
	}
	chip := tpm.At(where)
	if k.identity, err = chipKey(ctx, chip, identityHandle); err != nil {
		return nil, err
	}
	if k.signing, err = chipKey(ctx, chip, signingHandle); err != nil {
		return nil, err
	}
	in := func(cert string, handle uint32) map[string]any {
		return map[string]any{"cert": cert, "tpm": map[string]any{"device": where, "handle": fmt.Sprintf("0x%X", handle)}}
	}
	k.pairs = pairs{in(identityCert, identityHandle), in(signingCert, signingHandle)}
	return k, nil
}

// place says where the keys are to be, and makes that durable.
func (e *Enroller) place() (string, error) {
	var j keysJSON
	b, err := os.ReadFile(filepath.Join(e.o.Dir, keysFile))
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &j); err != nil || j.Schema != keysSchema {
			return "", fmt.Errorf("enrol: read %s: it is not a %s", keysFile, keysSchema)
		}
		return j.TPM, nil
	case !errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("enrol: %w", err)
	}
	j = keysJSON{Schema: keysSchema}
	if _, err := os.Stat(e.o.TPM); err == nil {
		j.TPM = e.o.TPM
	}
	if b, err = json.Marshal(j); err != nil {
		return "", fmt.Errorf("enrol: %w", err)
	}
	return j.TPM, keep(e.o.Dir, keysFile, append(b, '\n'))
}

func chipKey(ctx context.Context, chip *tpm.TPM, handle uint32) (crypto.Signer, error) {
	k, err := chip.Create(ctx, handle)
	if errors.Is(err, tpm.ErrTaken) {
		k, err = chip.Find(ctx, handle)
	}
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	return k, nil
}

// fileKey reads a key, or makes one that is durable before it is used.
func fileKey(path string) (crypto.Signer, error) {
	b, err := keyfile.Secret(path)
	if errors.Is(err, os.ErrNotExist) {
		made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("enrol: make a key: %w", err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(made)
		if err != nil {
			return nil, fmt.Errorf("enrol: make a key: %w", err)
		}
		return made, keep(filepath.Dir(path), filepath.Base(path), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("enrol: %s is no key", path)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("enrol: read %s: %w", path, err)
	}
	s, ok := k.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("enrol: %s is a key of another kind", path)
	}
	return s, nil
}

// keep makes a file durable, whole or not at all.
func keep(dir, name string, b []byte) (err error) {
	path := filepath.Join(dir, name)
	defer func() {
		if err != nil {
			err = fmt.Errorf("enrol: keep %s: %w", path, err)
		}
	}()
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
