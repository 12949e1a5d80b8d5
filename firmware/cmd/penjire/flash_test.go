package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/manifest"
	"github.com/penjire/penjire/firmware/enrol"
	codes "github.com/penjire/penjire/sync/enrol"
)

// TestFlashScripts runs testdata/flash. Each script finds:
//
//	image.img.zst, image.img.manifest   a small image, signed
//	damaged                             the same with one byte changed
//	roots.pem, stranger.pem             whom to believe, and another
//	setup.json                          a set-up with SECRET in it
//	medium, empty                       files of 12 MiB with nothing in them
//	short                               one of 4 MiB
func TestFlashScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/flash", RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error { return specimenImage(e.WorkDir) },
	})
}

func specimenImage(dir string) error {
	const mib = 1 << 20
	var errs []error
	keep := func(err error) { errs = append(errs, err) }
	write := func(name string, b []byte) { keep(os.WriteFile(filepath.Join(dir, name), b, 0o600)) }

	image := make([]byte, 11*mib)
	binary.LittleEndian.PutUint32(image[440:], layout.DiskID)
	copy(image[510:], []byte{0x55, 0xaa})
	fat := filepath.Join(dir, "fat")
	keep(os.WriteFile(fat, make([]byte, 5*mib), 0o600))
	f, err := os.OpenFile(fat, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = fat16.Create(file.New(f, false), 5*mib, 0, 512, layout.SetupLabel, true)
	keep(err)
	_, err = f.ReadAt(image[mib:6*mib], 0)
	keep(errors.Join(err, f.Close()))
	copy(image[7*mib:], "the root file system")
	ranges := []manifest.Range{
		{Name: manifest.Head, Size: mib},
		{Name: layout.Setup, Start: mib, Size: 5 * mib},
		{Name: layout.RootA, Start: 6 * mib, Size: 4 * mib},
		{Name: layout.Data, Start: 10 * mib, Size: mib},
	}
	for i, r := range ranges {
		ranges[i].SHA256 = sha256.Sum256(image[r.Start : r.Start+r.Size])
	}
	built := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	m := manifest.Manifest{
		Schema: manifest.Schema, Release: layout.Release{Version: "1.2.3", Board: "rpi4", Build: built, DataFormat: 1},
		Table: layout.MBR, Size: int64(len(image)), Ranges: ranges,
	}
	for _, name := range []string{"stranger.pem", "roots.pem"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Specimen release key"}, NotBefore: built.AddDate(-1, 0, 0), NotAfter: built.AddDate(1, 0, 0),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			return err
		}
		if c, err = x509.ParseCertificate(der); err != nil {
			return err
		}
		write(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		signed, err := m.Sign(key, []*x509.Certificate{c})
		keep(err)
		write("image.img.manifest", signed) // the last one's stays
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		return err
	}
	write("image.img.zst", z.EncodeAll(image, nil))
	image[8*mib]++
	write("damaged", z.EncodeAll(image, nil))
	for name, size := range map[string]int{"medium": 12, "empty": 12, "short": 4} {
		write(name, make([]byte, size*mib))
	}
	anchor, err := os.ReadFile(filepath.Join(repository, "firmware/enrol/testdata/root.pem"))
	keep(err)
	setup, err := enrol.Setup{
		Kiosk: "K-000123", Portal: enrol.Portal{URL: "wss://portal.example/sync", EST: "https://portal.example"}, Roots: string(anchor),
		Code: codes.NewCode(), Network: enrol.Network{Kind: enrol.WiFi, SSID: "Nusga", Password: enrol.Hide("SECRET-SECRET")},
	}.Marshal()
	keep(err)
	write("setup.json", setup)
	return errors.Join(errs...)
}

// repository is the folder of the module, seen from this package's.
var repository = func() string {
	d, err := filepath.Abs("../../..")
	if err != nil {
		panic(err)
	}
	return d
}()
