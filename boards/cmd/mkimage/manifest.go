package main

import (
	"bufio"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/penjire/penjire/boards/manifest"
)

// manifest writes what the image is, signed with the key that signs the bundle, and
// the image as it is published: compressed.
func (b *builder) manifest() (err error) {
	image := b.name(".img")
	key, chain, err := b.keys.signer()
	if err != nil {
		return err
	}
	in, err := os.Open(image)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	out, err := os.Create(image + ".zst")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	z, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(2))
	if err != nil {
		return err
	}
	m, err := manifest.Describe(bufio.NewReaderSize(io.TeeReader(in, z), 1<<20), b.release)
	if err != nil {
		return errors.Join(err, z.Close())
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compress the image: %w", err)
	}
	signed, err := m.Sign(key, chain)
	if err != nil {
		return err
	}
	return os.WriteFile(manifest.Name(image), signed, 0o644)
}

// signer reads the key and its certificates.
func (k keys) signer() (crypto.Signer, []*x509.Certificate, error) {
	b, err := os.ReadFile(k.cert)
	if err != nil {
		return nil, nil, fmt.Errorf("the signer's certificate: %w", err)
	}
	chain, err := manifest.Certificates(b)
	if err != nil {
		return nil, nil, fmt.Errorf("the signer's certificate: %w", err)
	}
	if b, err = os.ReadFile(k.key); err != nil {
		return nil, nil, fmt.Errorf("the signer's key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, nil, errors.New("the signer's key: want one in PEM")
	}
	secret, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if secret, err = x509.ParseECPrivateKey(block.Bytes); err != nil {
			return nil, nil, errors.New("the signer's key: want PKCS #8, or SEC 1")
		}
	}
	s, ok := secret.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("the signer's key: a %T does not sign", secret)
	}
	return s, chain, nil
}
