package appliance

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/firmware/e2e/virtual"
	"github.com/penjire/penjire/sync/edoc/cms"
)

// bundles makes bundles from the one that was built with the image.
type bundles struct {
	t         *testing.T
	key, cert string // of the developer who signed the image's
	parts     string // folder of what is in it
	out       string // folder of what is made
}

func newBundles(t *testing.T) *bundles {
	t.Helper()
	from := findImage(t, "vm.raucb")
	for _, p := range []string{"rauc", "mcopy"} {
		if _, err := exec.LookPath(p); err != nil {
			devicetest.LeftOut(t, "updates in a virtual machine", err.Error())
		}
	}
	b := &bundles{t: t, parts: filepath.Join(t.TempDir(), "parts"), out: t.TempDir()}
	keys := filepath.Dir(from)
	if _, err := os.Stat(filepath.Join(keys, "developer.key")); err != nil {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		keys = filepath.Join(cache, "penjire", "image") // where mkimage keeps them
	}
	b.key, b.cert = filepath.Join(keys, "developer.key"), filepath.Join(keys, "developer.pem")
	b.command("rauc", "extract", "--keyring="+b.cert, from, b.parts)
	return b
}

func (b *bundles) command(name string, args ...string) {
	b.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		b.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// pack makes the bundle called name of what is in parts now, signed with key.
func (b *bundles) pack(name, key, cert string) {
	b.t.Helper()
	b.command("rauc", "bundle", "--key="+key, "--cert="+cert, "--keyring="+cert, "--mksquashfs-args=-comp zstd -Xcompression-level 1", b.parts, filepath.Join(b.out, name))
}

// good is the image's own.
func (b *bundles) good() { b.pack("good.raucb", b.key, b.cert) }

// foreign is signed by somebody whom the image does not know.
func (b *bundles) foreign() {
	b.t.Helper()
	key, cert := filepath.Join(b.out, "foreign.key"), filepath.Join(b.out, "foreign.pem")
	who := stranger(b.t)
	secret, err := x509.MarshalPKCS8PrivateKey(who.Key)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := errors.Join(
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
		os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: who.Cert.Raw}), 0o600),
	); err != nil {
		b.t.Fatal(err)
	}
	b.pack("foreign.raucb", key, cert)
}

// stranger is a root that no image knows.
func stranger(t *testing.T) cms.Signer {
	t.Helper()
	return signer(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "somebody else"}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true,
	}, nil)
}

// signer makes a key with a certificate; with no issuer it is a root.
func signer(t *testing.T, about *x509.Certificate, issuer *cms.Signer) cms.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about.SerialNumber, about.BasicConstraintsValid = big.NewInt(time.Now().UnixNano()), true
	about.NotBefore, about.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	by := cms.Signer{Key: k, Cert: about}
	if issuer != nil {
		by = *issuer
	}
	der, err := x509.CreateCertificate(rand.Reader, about, by.Cert, k.Public(), by.Key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cms.Signer{Key: k, Cert: c}
}

// kernelless has a kernel that does not start.
func (b *bundles) kernelless() {
	b.t.Helper()
	junk := filepath.Join(b.out, "vmlinuz")
	if err := os.WriteFile(junk, []byte(strings.Repeat("no kernel ", 1<<16)), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.command("mcopy", "-o", "-i", filepath.Join(b.parts, "boot.img"), junk, "::vmlinuz")
	if err := os.Remove(junk); err != nil {
		b.t.Fatal(err)
	}
	b.pack("kernelless.raucb", b.key, b.cert)
}

// disk returns a disk with all bundles on it.
func (b *bundles) disk() *virtual.Disk {
	b.t.Helper()
	const size = 2 << 30
	file := filepath.Join(b.t.TempDir(), "bundles")
	b.command("mke2fs", "-q", "-t", "ext4", "-L", "bundles", "-d", b.out, file, "2G")
	base, err := os.Open(file)
	if err != nil {
		b.t.Fatal(err)
	}
	d, err := virtual.NewDisk(base, size, file+".own")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = errors.Join(d.Close(), base.Close()) })
	return d
}

// install has RAUC install a bundle from the second disk.
func (k *kiosk) install(ctx context.Context, name string) (string, error) {
	return k.shell.Run(ctx, "mkdir -p /run/bundles; mountpoint -q /run/bundles || mount -o ro /dev/disk/by-label/bundles /run/bundles; rauc install /run/bundles/"+name)
}
