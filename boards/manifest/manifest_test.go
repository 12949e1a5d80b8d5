package manifest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/boards/layout"
)

var (
	built   = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	release = layout.Release{Version: "1.2.3", Board: "vm", Build: built, DataFormat: 1}
)

// authority is a root with a release key below it.
type authority struct {
	root  *x509.Certificate
	key   crypto.Signer
	chain []*x509.Certificate
}

// newAuthority makes one whose release key's certificate is as change leaves it.
func newAuthority(t testing.TB, change func(*x509.Certificate)) authority {
	t.Helper()
	make := func(c, by *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, c, by, pub, key)
		if err != nil {
			t.Fatal(err)
		}
		out, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Specimen root"}, NotBefore: built.AddDate(-1, 0, 0), NotAfter: built.AddDate(20, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	root := make(ca, ca, rootKey.Public(), rootKey)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Specimen release key"}, NotBefore: built.AddDate(0, -1, 0), NotAfter: built.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, BasicConstraintsValid: true,
	}
	if change != nil {
		change(leaf)
	}
	return authority{root, key, []*x509.Certificate{make(leaf, root, key.Public(), rootKey)}}
}

// small is a board's layout with partitions of a sector each, where the real ones are.
func small(t testing.TB, board string) layout.Layout {
	t.Helper()
	l, err := layout.For(board)
	if err != nil {
		t.Fatal(err)
	}
	for i := range l.Partitions {
		l.Partitions[i].Start = int64(2*i+1) * layout.Sector
		l.Partitions[i].Size = layout.Sector
	}
	return l
}

// counting is an image of that many bytes more than the layout has.
func counting(l layout.Layout, more int64) io.Reader {
	b := make([]byte, l.Size()+more)
	for i := range b {
		b[i] = byte(i / layout.Sector)
	}
	return bytes.NewReader(b)
}

func TestDescribeSignParseVerify(t *testing.T) {
	a := newAuthority(t, nil)
	for _, board := range []string{"vm", "rpi3"} {
		r := release
		r.Board = board
		l := small(t, board)
		m, err := describe(counting(l, 0), r, l)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range l.Partitions {
			want := sha256.Sum256(bytes.Repeat([]byte{byte(p.Start / layout.Sector)}, layout.Sector))
			if x, ok := m.Range(p.Name); !ok || x.SHA256 != want || x.Start != p.Start || x.Size != p.Size {
				t.Errorf("%s: Range(%s) = %+v, %v, want %d bytes from %d", board, p.Name, x, ok, p.Size, p.Start)
			}
		}
		if _, ok := m.Range(Tail); ok != (l.Table == layout.GPT) {
			t.Errorf("%s: Range(backup) = %v, want it with a GPT alone", board, ok)
		}
		b, err := m.Sign(a.key, a.chain)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Parse(b)
		if err != nil || !reflect.DeepEqual(f.Manifest, m) {
			t.Fatalf("Parse = %+v, %v, want %+v", f, err, m)
		}
		if err := f.Verify([]*x509.Certificate{a.root}); err != nil {
			t.Errorf("Verify = %v, want nil", err)
		}
		if err := f.Verify([]*x509.Certificate{newAuthority(t, nil).root}); !errors.Is(err, ErrSignature) {
			t.Errorf("Verify with a stranger's root = %v, want ErrSignature", err)
		}
		if err := f.Verify(nil); !errors.Is(err, ErrSignature) {
			t.Errorf("Verify with no root = %v, want ErrSignature", err)
		}
	}
}

func TestImageOfAnotherLength(t *testing.T) {
	for _, more := range []int64{-1, 1} {
		l := small(t, "vm")
		if m, err := describe(counting(l, more), release, l); err == nil {
			t.Errorf("Describe of an image %d bytes too long = %d ranges, want an error", more, len(m.Ranges))
		}
	}
	r := release
	r.Board = "toaster"
	if _, err := Describe(bytes.NewReader(nil), r); err == nil || !strings.Contains(err.Error(), "toaster") {
		t.Errorf("Describe for a toaster = %v, want an error that names it", err)
	}
}

func signed(t testing.TB, a authority) []byte {
	t.Helper()
	m := Manifest{
		Schema: Schema, Release: release, Table: layout.GPT, Size: 2048,
		Ranges: []Range{{Name: Head, Size: 512}, {Name: layout.RootA, Start: 512, Size: 1536}},
	}
	b, err := m.Sign(a.key, a.chain)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestChanged: whatever is changed in the file, it is malformed or not signed.
func TestChanged(t *testing.T) {
	a := newAuthority(t, nil)
	good := signed(t, a)
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1
		f, err := Parse(b)
		if err != nil {
			continue
		}
		if err := f.Verify([]*x509.Certificate{a.root}); err == nil && !reflect.DeepEqual(f.Manifest, mustParse(t, good).Manifest) {
			t.Errorf("byte %d changed: Verify = nil, want an error", i)
		}
	}
}

func mustParse(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestMalformed(t *testing.T) {
	good := string(signed(t, newAuthority(t, nil)))
	for name, v := range map[string][2]string{
		"no signature": {"-----BEGIN PENJIRE IMAGE SIGNATURE-----", "-----BEGIN OTHER-----"},
		"unknown key":  {`"schema"`, `"more": 1, "schema"`},
		"schema":       {"penjire-image/1", "penjire-image/2"},
		"hole":         {`"start": 512`, `"start": 1024`},
		"twice":        {`"root-a"`, `"table"`},
		"size":         {`"size": 2048`, `"size": 4096`},
		"digest":       {`"sha256": "00`, `"sha256": "0`},
		"upper case":   {`"sha256": "00`, `"sha256": "AA`},
		"table":        {`"gpt"`, `"lvm"`},
		"version":      {`"1.2.3"`, `""`},
		"certificate":  {"-----BEGIN CERTIFICATE-----", "-----BEGIN KEY-----"},
	} {
		bad := strings.Replace(good, v[0], v[1], 1)
		if bad == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if f, err := Parse([]byte(bad)); !errors.Is(err, ErrForm) {
			t.Errorf("%s: Parse = %+v, %v, want ErrForm", name, f, err)
		}
	}
}

// TestWrongCertificates: a certificate that was issued for something else signs no
// image.
func TestWrongCertificates(t *testing.T) {
	for name, change := range map[string]func(*x509.Certificate){
		"of a server": func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} },
		"expired":     func(c *x509.Certificate) { c.NotAfter = built.AddDate(0, 0, -1) },
		"too young":   func(c *x509.Certificate) { c.NotBefore = built.AddDate(0, 0, 1) },
		"an issuer's": func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, c.KeyUsage|x509.KeyUsageCertSign },
		"no usage":    func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement },
	} {
		a := newAuthority(t, change)
		if err := mustParse(t, signed(t, a)).Verify([]*x509.Certificate{a.root}); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: Verify = %v, want ErrSignature", name, err)
		}
	}
	// Who is believed himself may be his own issuer.
	own := newAuthority(t, func(c *x509.Certificate) { c.IsCA = true })
	if err := mustParse(t, signed(t, own)).Verify(own.chain); err != nil {
		t.Errorf("Verify with the signer for a root = %v, want nil", err)
	}
	a, b := newAuthority(t, nil), newAuthority(t, nil)
	m := mustParse(t, signed(t, a)).Manifest
	if _, err := m.Sign(b.key, a.chain); err == nil {
		t.Error("Sign with another's certificate = nil, want an error")
	}
}

func TestName(t *testing.T) {
	for image, want := range map[string]string{"a/x.img.zst": "a/x.img.manifest", "x.img": "x.img.manifest", "x": "x.manifest"} {
		if got := Name(image); got != want {
			t.Errorf("Name(%q) = %q, want %q", image, got, want)
		}
	}
}

func TestCertificates(t *testing.T) {
	for _, bad := range []string{"", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if cs, err := Certificates([]byte(bad)); err == nil {
			t.Errorf("Certificates(%q) = %d, want an error", bad, len(cs))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(signed(f, newAuthority(f, nil)))
	f.Add([]byte("{}\n-----BEGIN PENJIRE IMAGE SIGNATURE-----\nAA==\n-----END PENJIRE IMAGE SIGNATURE-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Parse(b)
		if (x == nil) == (err == nil) {
			t.Fatalf("Parse = %v, %v, want exactly one of them", x, err)
		}
		if err == nil && x.Verify([]*x509.Certificate{stranger(t).root}) == nil {
			t.Error("Verify with a stranger's root = nil, want an error")
		}
	})
}

var theStranger authority

func stranger(t testing.TB) authority {
	if theStranger.root == nil {
		theStranger = newAuthority(t, nil)
	}
	return theStranger
}
