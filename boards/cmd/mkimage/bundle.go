package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/penjire/penjire/boards/layout"
)

// keys are what bundles are signed with and checked against.
type keys struct {
	key, cert string // files
	ring      []byte // PEM
}

// keys returns those of the command line, or a developer's: made once, kept in the
// cache, and said in the image and on its screen.
func (o options) keys(r *layout.Release) (k keys, err error) {
	k = keys{key: o.key, cert: o.cert}
	if k.key == "" {
		r.Developer = true
		k.key, k.cert = filepath.Join(o.cache, "developer.key"), filepath.Join(o.cache, "developer.pem")
		if _, err := os.Stat(k.cert); errors.Is(err, os.ErrNotExist) {
			if err := makeDeveloper(k.key, k.cert); err != nil {
				return keys{}, fmt.Errorf("make a developer's key: %w", err)
			}
		}
	}
	ring := o.keyring
	if ring == "" {
		ring = k.cert
	}
	if k.ring, err = os.ReadFile(ring); err != nil {
		return keys{}, fmt.Errorf("the keyring: %w", err)
	}
	return k, nil
}

// makeDeveloper makes a key that signs for nobody but who has it.
func makeDeveloper(key, cert string) error {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Penjire developer: not for service"},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, k.Public(), k)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
		os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644), // last: it says that there is a key
	)
}

// bundle makes the update.
func (b *builder) bundle(ctx context.Context) error {
	in, to := b.file("in"), b.name(".raucb")
	manifest := fmt.Sprintf("[update]\ncompatible=%s\nversion=%s\nbuild=%s\n\n[bundle]\nformat=verity\n\n[image.%s]\nfilename=boot.img\n\n[image.%s]\nfilename=root.img\n",
		layout.Compatible(b.board.Name), b.release.Version, b.release.Build.Format(time.RFC3339), layout.BootClass, layout.RootClass)
	err := errors.Join(
		os.Mkdir(in, 0o755),
		os.Link(b.file("boot"), filepath.Join(in, "boot.img")),
		os.Link(b.file("root"), filepath.Join(in, "root.img")),
		os.WriteFile(filepath.Join(in, "manifest.raucm"), []byte(manifest), 0o644),
	)
	if err != nil {
		return err
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	c := exec.CommandContext(ctx, "rauc", "bundle", "--cert="+b.keys.cert, "--key="+b.keys.key, "--keyring="+b.keys.cert,
		"--mksquashfs-args=-comp zstd -Xcompression-level 3 -b 64K -all-time "+fmt.Sprint(b.release.Build.Unix())+" -mkfs-time "+fmt.Sprint(b.release.Build.Unix()), in, to)
	c.Env = environ("SOURCE_DATE_EPOCH")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("rauc: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
