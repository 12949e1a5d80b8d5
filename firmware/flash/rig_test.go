package flash

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/diskfs/go-diskfs/backend"
	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat12"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
	"github.com/klauspost/compress/zstd"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/manifest"
	"github.com/penjire/penjire/firmware/enrol"
	codes "github.com/penjire/penjire/sync/enrol"
)

var built = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

// rig is an image with its manifest in a folder, and who signed it.
type rig struct {
	dir   string
	bytes []byte // of the image, decompressed
	path  string
	roots []*x509.Certificate

	manifest manifest.Manifest
}

const mib = 1 << 20

// newRig makes a small image: 14 MiB and a page.
func newRig(t testing.TB) *rig { return newRigWith(t, 4, emptyFAT(t, 5*mib)) }

// newLaidOut makes one of 68 MiB, with head, loader and set-up where the layout has
// them: what is looked for on a medium is looked for there.
func newLaidOut(t testing.TB, fat []byte) *rig {
	t.Helper()
	r := newRigWith(t, 32, fat)
	l, err := layout.For("rpi4")
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := find(r.manifest.Ranges, layout.Setup); l.Partition(layout.Setup).Start != p.Start || l.Partition(layout.Setup).Size != p.Size {
		t.Fatalf("the layout has the set-up at %+v; the rig must follow it", l.Partition(layout.Setup))
	}
	return r
}

func newRigWith(t testing.TB, loader int64, fat []byte) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir()}
	var parts []manifest.Range
	at := int64(0)
	for _, p := range []struct {
		name string
		size int64
	}{
		{manifest.Head, 4 * mib},
		{layout.Loader, loader * mib},
		{layout.Setup, int64(len(fat))},
		{layout.BootA, mib / 2},
		{layout.RootA, mib},
		{layout.RootB, mib},
		{layout.Data, mib/2 + chunkUnit},
	} {
		parts = append(parts, manifest.Range{Name: p.name, Start: at, Size: p.size})
		at += p.size
	}
	r.bytes = make([]byte, at)
	rnd := mathrand.NewChaCha8([32]byte{1})
	for _, name := range []string{layout.Loader, layout.BootA, layout.RootA} {
		p, _ := find(parts, name)
		_, _ = rnd.Read(r.bytes[p.Start : p.Start+min(p.Size, mib)/2]) // it never fails
	}
	binary.LittleEndian.PutUint32(r.bytes[440:], layout.DiskID)
	copy(r.bytes[510:], []byte{0x55, 0xaa})
	copy(r.bytes[mib:], "behind the first block of the head")
	copy(r.bytes[parts[2].Start:], fat)
	r.path = filepath.Join(r.dir, "penjire.img.zst")
	r.sign(t, parts)
	r.pack(t, r.bytes)
	return r
}

// sign writes the manifest of the rig's bytes.
func (r *rig) sign(t testing.TB, parts []manifest.Range) {
	t.Helper()
	for i, p := range parts {
		parts[i].SHA256 = sha256.Sum256(r.bytes[p.Start : p.Start+p.Size])
	}
	r.manifest = manifest.Manifest{
		Schema: manifest.Schema, Release: layout.Release{Version: "1.2.3", Board: "rpi4", Build: built, DataFormat: 1},
		Table: layout.MBR, Size: int64(len(r.bytes)), Ranges: parts,
	}
	key, chain := r.authority(t)
	signed, err := r.manifest.Sign(key, chain)
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, manifest.Name(r.path), signed)
}

// at returns where a range begins.
func (r *rig) at(name string) int64 {
	p, _ := find(r.manifest.Ranges, name)
	return p.Start
}

func (r *rig) write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// pack writes the compressed image.
func (r *rig) pack(t testing.TB, b []byte) {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, r.path, w.EncodeAll(b, nil))
}

func emptyFAT(t testing.TB, size int64) []byte {
	t.Helper()
	return newFAT(t, size, func(b backend.Storage) error {
		_, err := fat16.Create(b, size, 0, 512, layout.SetupLabel, true)
		return err
	})
}

// smallFAT is one of 64 KiB, for fuzzing.
func smallFAT(t testing.TB) []byte {
	t.Helper()
	return newFAT(t, 64<<10, func(b backend.Storage) error {
		_, err := fat12.Create(b, 64<<10, 0, 512, layout.SetupLabel, true)
		return err
	})
}

func newFAT(t testing.TB, size int64, create func(backend.Storage) error) []byte {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "fat"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // of a test's folder
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	if err := create(file.New(f, false)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

func (r *rig) authority(t testing.TB) (crypto.Signer, []*x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Specimen release key"}, NotBefore: built.AddDate(-1, 0, 0), NotAfter: built.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	r.roots = []*x509.Certificate{c}
	return key, r.roots
}

// image opens the rig's image, which must be believed.
func (r *rig) image(t testing.TB) *Image {
	t.Helper()
	i, err := Open(r.path, r.roots)
	if err != nil || i.Unsigned != nil {
		t.Fatalf("Open = %v, %v, want an image that is believed", err, i.Unsigned)
	}
	return i
}

// setup is a set-up with secrets in it.
func setup(t testing.TB) *enrol.Setup {
	t.Helper()
	roots, err := os.ReadFile("../enrol/testdata/root.pem")
	if err != nil {
		t.Fatal(err)
	}
	return &enrol.Setup{
		Kiosk: "K-000123", Portal: enrol.Portal{URL: "wss://portal.example/sync", EST: "https://portal.example"}, Roots: string(roots),
		Code: codes.NewCode(), Network: enrol.Network{Kind: enrol.WiFi, SSID: "Nusga", Password: enrol.Hide(password)},
	}
}

const password = "very-secret-password"

// fake is a medium in memory that may be bad in some way.
type fake struct {
	b       []byte
	size    int64                                  // that it claims; b may be shorter
	onWrite func(n int, off int64, b []byte) error // before the n-th write, from 1
	onRead  func(off int64, b []byte)              // after a read
	wraps   bool                                   // behind its end it begins anew
	writes  int
}

func newFake(size int64) *fake {
	f := &fake{b: make([]byte, size), size: size}
	rnd := mathrand.NewChaCha8([32]byte{2})
	_, _ = rnd.Read(f.b) // it never fails; an old use left this
	return f
}

func (f *fake) Size() int64  { return f.size }
func (f *fake) Flush() error { return nil }
func (f *fake) Close() error { return nil }

func (f *fake) place(off int64, n int) ([]byte, bool) {
	if f.wraps {
		off %= int64(len(f.b))
	}
	if off >= int64(len(f.b)) {
		return nil, false
	}
	return f.b[off:min(off+int64(n), int64(len(f.b)))], true
}

func (f *fake) WriteAt(b []byte, off int64) (int, error) {
	f.writes++
	if f.onWrite != nil {
		if err := f.onWrite(f.writes, off, b); err != nil {
			return 0, err
		}
	}
	if off+int64(len(b)) > f.size {
		return 0, io.ErrShortWrite
	}
	if at, ok := f.place(off, len(b)); ok {
		copy(at, b)
	}
	return len(b), nil
}

func (f *fake) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > f.size {
		return 0, io.EOF
	}
	clear(b)
	if at, ok := f.place(off, len(b)); ok {
		copy(b, at)
	}
	if f.onRead != nil {
		f.onRead(off, b)
	}
	return len(b), nil
}

// starts says whether a machine would find anything to start on the medium.
func (f *fake) starts() bool { return !bytes.Equal(f.b[:chunkUnit], make([]byte, chunkUnit)) }
