package ipp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/devicetest"
	"github.com/penjire/penjire/drivers/emulator/ippprinter"
	"github.com/penjire/penjire/drivers/ipp"
)

// ownCertificate is one that a printer makes itself: for no name, and long expired.
func ownCertificate(t *testing.T) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(-24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, ipp.Pin(c)
}

func listen(t *testing.T, c *tls.Config) (*ippprinter.Printer, *ippprinter.Port) {
	t.Helper()
	p := ippprinter.New(ippprinter.Opts{})
	port, err := ippprinter.Listen(p, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := port.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	return p, port
}

// TestTrust: a printer gets documents when its key is the one that is trusted,
// and is offline, not unplugged, otherwise.
func TestTrust(t *testing.T) {
	mine, pin := ownCertificate(t)
	others, otherPin := ownCertificate(t)
	file := filepath.Join(t.TempDir(), "printer.pin")
	for _, v := range []struct {
		name   string
		server *tls.Config
		o      ipp.Opts
		trusts bool
	}{
		{"pinned", mine, ipp.Opts{Pin: pin}, true},
		{"another is pinned", mine, ipp.Opts{Pin: otherPin}, false},
		{"nothing is said", mine, ipp.Opts{}, false},
		{"first use", mine, ipp.Opts{PinFile: file}, true},
		{"second use", mine, ipp.Opts{PinFile: file}, true},
		{"a stranger at the same address", others, ipp.Opts{PinFile: file}, false},
	} {
		t.Run(v.name, func(t *testing.T) {
			p, port := listen(t, v.server)
			d := drive(t, port.URI(), v.o)
			want := device.Online
			if !v.trusts {
				want = device.Offline
			}
			changes := d.Changes(t.Context())
			for d.Health() != want {
				<-changes
			}
			_, err := d.Submit(t.Context(), devicetest.Paper(1, 1))
			e, ok := errors.AsType[*device.Error](err)
			if (err == nil) != v.trusts || !v.trusts && (!ok || e.SideEffect != device.SideEffectNo || errors.Is(err, device.ErrUnplugged)) {
				t.Errorf("Submit = %v, want trusted %v", err, v.trusts)
			}
			if n := len(p.Prints()); (n == 1) != v.trusts {
				t.Errorf("prints: got %d with trust %v", n, v.trusts)
			}
		})
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != pin+"\n" {
		t.Errorf("file of the key = %q, %v, want %s", b, err, pin)
	}
	for name, o := range map[string]ipp.Opts{
		"short pin": {Pin: "abcd"}, "both": {Pin: pin, PinFile: file}, "negative": {Poll: -1},
	} {
		if _, err := ipp.New("ipps://printer", o); err == nil {
			t.Errorf("New with %s = nil, want an error", name)
		}
	}
	if _, err := ipp.New("ipp://printer", ipp.Opts{Pin: pin}); err == nil {
		t.Error("New with a pin and without TLS = nil, want an error")
	}
}
