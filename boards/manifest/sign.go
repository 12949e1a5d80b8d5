package manifest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

// The blocks behind the object.
const (
	signatureBlock   = "PENJIRE IMAGE SIGNATURE"
	certificateBlock = "CERTIFICATE"
)

// ErrSignature is returned for a manifest that nobody who is believed has signed.
var ErrSignature = errors.New("the image is not signed by a release key that is known here")

// Sign returns the file of m, signed with the key of the first certificate of
// chain: one for code signing. The others are those above it, without the root.
func (m Manifest) Sign(key crypto.Signer, chain []*x509.Certificate) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("manifest: sign: %w", err)
	}
	if len(chain) == 0 {
		return nil, errors.New("manifest: sign: there is no certificate of the signer")
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("manifest: sign: %w", err)
	}
	b = append(b, '\n')
	sum := sha256.Sum256(b)
	sig, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("manifest: sign: %w", err)
	}
	if err := check(chain[0], b, sig); err != nil {
		return nil, fmt.Errorf("manifest: sign: the key is not the certificate's: %w", err)
	}
	b = append(b, pem.EncodeToMemory(&pem.Block{Type: signatureBlock, Bytes: sig})...)
	for _, c := range chain {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: c.Raw})...)
	}
	if len(b) > MaxFile {
		return nil, fmt.Errorf("manifest: sign: it would have %d bytes, at most %d are read", len(b), MaxFile)
	}
	return b, nil
}

// File is a manifest as it was read, and not yet believed.
type File struct {
	Manifest Manifest
	Signer   *x509.Certificate

	above  []*x509.Certificate
	object []byte
	sig    []byte
}

// Parse reads a manifest's file. It says nothing about who signed it.
func Parse(b []byte) (*File, error) {
	if len(b) > MaxFile {
		return nil, fmt.Errorf("manifest: %w: it has %d bytes, want at most %d", ErrForm, len(b), MaxFile)
	}
	at := bytes.Index(b, []byte("-----BEGIN "+signatureBlock))
	if at < 0 {
		return nil, fmt.Errorf("manifest: %w: it has no signature", ErrForm)
	}
	f := &File{object: b[:at]}
	var err error
	if f.Manifest, err = parse(f.object); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	sig, rest := pem.Decode(b[at:])
	if sig == nil || sig.Type != signatureBlock {
		return nil, fmt.Errorf("manifest: %w: its signature cannot be read", ErrForm)
	}
	f.sig = sig.Bytes
	for len(bytes.TrimSpace(rest)) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != certificateBlock {
			return nil, fmt.Errorf("manifest: %w: something else than certificates follows the signature", ErrForm)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("manifest: %w: a certificate: %w", ErrForm, err)
		}
		if f.Signer == nil {
			f.Signer = c
		} else {
			f.above = append(f.above, c)
		}
	}
	if f.Signer == nil {
		return nil, fmt.Errorf("manifest: %w: it has no certificate", ErrForm)
	}
	return f, nil
}

// Verify says whether a release key below one of roots signed the manifest:
// [ErrSignature]. The certificate must have been valid when the sources were
// released, not now: a medium is written with old images too, and the technician's
// clock may be wrong.
func (f *File) Verify(roots []*x509.Certificate) error {
	if err := check(f.Signer, f.object, f.sig); err != nil {
		return fmt.Errorf("manifest: %w: %w", ErrSignature, err)
	}
	o := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: f.Manifest.Release.Build,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	for _, c := range roots {
		o.Roots.AddCert(c)
	}
	for _, c := range f.above {
		o.Intermediates.AddCert(c)
	}
	if f.Manifest.Release.Build.IsZero() {
		return fmt.Errorf("manifest: %w: it does not say of when it is", ErrSignature)
	}
	if _, err := f.Signer.Verify(o); err != nil {
		return fmt.Errorf("manifest: %w: %w", ErrSignature, err)
	}
	// A developer's certificate is its own root; else whoever issues others signs nothing.
	if f.Signer.IsCA && !slices.ContainsFunc(roots, f.Signer.Equal) || f.Signer.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return fmt.Errorf("manifest: %w: its certificate is not one of a release key", ErrSignature)
	}
	return nil
}

func check(c *x509.Certificate, object, sig []byte) error {
	algorithm := x509.ECDSAWithSHA256
	switch k := c.PublicKey.(type) {
	case *ecdsa.PublicKey:
	case *rsa.PublicKey:
		if algorithm = x509.SHA256WithRSA; k.N.BitLen() < 2048 {
			return errors.New("its RSA key is shorter than 2048 bits")
		}
	default:
		return fmt.Errorf("a key of the kind %T does not sign images", k)
	}
	return c.CheckSignature(algorithm, object, sig)
}

// Certificates reads the certificates of a PEM file: roots.
func Certificates(b []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for len(bytes.TrimSpace(b)) > 0 {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil || block.Type != certificateBlock {
			return nil, errors.New("manifest: read roots: want certificates in PEM and nothing else")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("manifest: read roots: %w", err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.New("manifest: read roots: there is no certificate")
	}
	return out, nil
}
