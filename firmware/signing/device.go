package signing

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/firmware/signing/token"
	"github.com/penjire/penjire/firmware/signing/tpm"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// Kind is where a key of the kiosk is.
type Kind string

// The kinds, as `penjire status` shows them.
const (
	SoftwareKey Kind = "software key" // in a file: whoever reads it can sign
	InTPM       Kind = "TPM"
	InToken     Kind = "PKCS #11 token"
)

// Device is a key of the kiosk itself: it signs documents as intermediary, seals
// receipts, or shows the portal who it is.
//
// Contract: no method waits for hardware longer than its patience, and hardware
// that fails does not fail the opening: the kiosk goes on without its key and
// says so. A key and a certificate that do not belong together never sign.
type Device struct {
	Kind   Kind
	Where  string // for the technician
	Signer edoc.Signer

	check func(context.Context) error
}

// Check asks the hardware whether it has the key of the certificate now.
func (d *Device) Check(ctx context.Context) error { return d.check(ctx) }

// Marked reports whether the certificate tells those who rely on it where the
// key is: a key in a file has to be certified as a software key.
func (d *Device) Marked() bool { return trust.SoftwareKey(d.Signer.Cert) == (d.Kind == SoftwareKey) }

// Renewed returns the same key with a newer certificate of it, and its issuers.
func (d *Device) Renewed(chain []*x509.Certificate) *Device {
	out := *d
	out.Signer.Cert, out.Signer.Chain = chain[0], chain[1:]
	return &out
}

// TLS returns the key for TLS connections.
func (d *Device) TLS() tls.Certificate {
	c := tls.Certificate{PrivateKey: d.Signer.Key, Leaf: d.Signer.Cert, Certificate: [][]byte{d.Signer.Cert.Raw}}
	for _, up := range d.Signer.Chain {
		c.Certificate = append(c.Certificate, up.Raw)
	}
	return c
}

// Keyring opens the keys of one kiosk. It knows each TPM and each token's
// library once, so that those who use them take turns. The zero value is empty.
type Keyring struct {
	tpms    map[string]*tpm.TPM
	modules map[token.Config]*token.Module
}

// Open opens the key that p names. Certificates and key files are read; a TPM or
// a token is asked nothing yet.
func (r *Keyring) Open(p settings.Pair) (*Device, error) {
	if p.Key != "" {
		s, err := keyfile.Signer(p.Cert, p.Key)
		if err != nil {
			return nil, fmt.Errorf("signing: open the key: %w", err)
		}
		return &Device{SoftwareKey, p.Key, s, func(context.Context) error { return nil }}, nil
	}
	certs, err := keyfile.Certificates(p.Cert)
	if err != nil {
		return nil, fmt.Errorf("signing: open the key: %w", err)
	}
	s := edoc.Signer{Cert: certs[0], Chain: certs[1:]}
	pub, ok := s.Cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("signing: open the key: %s certifies a key of type %T, want ECDSA", p.Cert, s.Cert.PublicKey)
	}
	switch {
	case p.TPM.Device != "":
		k := r.tpm(p.TPM.Device).Key(p.TPM.Handle, pub)
		s.Key = k
		return &Device{InTPM, fmt.Sprintf("%s %#x", p.TPM.Device, p.TPM.Handle), s, k.Check}, nil
	case p.PKCS11.Module != "":
		k, err := r.token(p.PKCS11, pub)
		if err != nil {
			return nil, fmt.Errorf("signing: open the key: %w", err)
		}
		s.Key = k
		return &Device{InToken, fmt.Sprintf("%s in %q, by %s", p.PKCS11.ID, p.PKCS11.Token, p.PKCS11.Module), s, k.Check}, nil
	}
	return nil, errors.New("signing: open the key: the settings do not say where it is")
}

// Counter opens the counter that c names; nil if it names none.
func (r *Keyring) Counter(c settings.Counter) *tpm.Counter {
	if c.Device == "" {
		return nil
	}
	return r.tpm(c.Device).Counter(c.Index)
}

// Close ends the helper processes of tokens.
func (r *Keyring) Close() error {
	var errs []error
	for _, m := range r.modules {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

func (r *Keyring) tpm(path string) *tpm.TPM {
	t, ok := r.tpms[path]
	if !ok {
		if r.tpms == nil {
			r.tpms = map[string]*tpm.TPM{}
		}
		t = tpm.At(path)
		r.tpms[path] = t
	}
	return t
}

func (r *Keyring) token(p settings.PKCS11, pub *ecdsa.PublicKey) (*token.Key, error) {
	id, err := hex.DecodeString(p.ID)
	if err != nil {
		return nil, err
	}
	c := token.Config{Module: p.Module, Helper: p.Helper}
	if c.Helper == "" {
		own, err := os.Executable()
		if err != nil {
			return nil, err
		}
		c.Helper = filepath.Join(filepath.Dir(own), "penjire-pkcs11")
	}
	m, ok := r.modules[c]
	if !ok {
		if r.modules == nil {
			r.modules = map[token.Config]*token.Module{}
		}
		m = token.New(c)
		r.modules[c] = m
	}
	return m.Key(token.Token{Label: p.Token}, id, pub, func() ([]byte, error) { return keyfile.Secret(p.PINFile) }), nil
}
