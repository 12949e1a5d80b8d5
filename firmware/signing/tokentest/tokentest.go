// Package tokentest gives tests what PKCS #11 is about: the helper, built from
// its own module; a token in software, SoftHSM; and, through pcscd and OpenSC,
// our emulated PIV card as a token.
package tokentest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/penjire/penjire/drivers/emulator/vpcd"
)

// Need asks for programs that are not ours. Where one is missing the test is
// skipped, loudly; with PENJIRE_PEERS=require it fails.
func Need(t testing.TB, names ...string) {
	t.Helper()
	for _, n := range names {
		if _, err := exec.LookPath(n); err != nil {
			missing(t, n)
		}
	}
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("PENJIRE_PEERS") == "require" {
		t.Fatalf("PEER MISSING: %s", what)
	}
	t.Skipf("PEER MISSING: %s: what it would have confirmed is not confirmed", what)
}

// Helper builds penjire-pkcs11 and returns its path.
func Helper(t testing.TB) string {
	t.Helper()
	Need(t, "gcc")
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/penjire/penjire").Output()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "penjire-pkcs11")
	cmd := exec.Command("go", "build", "-o", out, ".")
	cmd.Dir = filepath.Join(string(bytes.TrimSpace(root)), "firmware", "signing", "pkcs11helper")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the PKCS #11 helper: %v\n%s", err, b)
	}
	return out
}

// Compile builds a C file as a shared object, with these definitions.
func Compile(t testing.TB, source string, defines ...string) string {
	t.Helper()
	Need(t, "gcc")
	out := filepath.Join(t.TempDir(), "vendor.so")
	args := append([]string{"-shared", "-fPIC", "-Wall", "-Werror", "-o", out, source}, defines...)
	if b, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, b)
	}
	return out
}

// SoftHSM is SoftHSM's library.
const SoftHSM = "/usr/lib/softhsm/libsofthsm2.so"

// Run runs a program and returns what it prints.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	b, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(name), err, b)
	}
	return string(b)
}

// NewSoftHSM makes SoftHSM look for its tokens in a folder of the test's, and
// makes a token in it.
func NewSoftHSM(t *testing.T, label, pin string) {
	t.Helper()
	Need(t, "softhsm2-util", "pkcs11-tool")
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", dir), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	Run(t, "softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "87654321")
}

// Import puts a key and its certificate into a token of SoftHSM.
func Import(t testing.TB, label, pin, id string, key crypto.Signer, cert *x509.Certificate) {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	k, c := filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.der")
	if err := os.WriteFile(k, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	Run(t, "softhsm2-util", "--import", k, "--token", label, "--label", "key "+id, "--id", id, "--pin", pin)
	if cert == nil {
		return
	}
	if err := os.WriteFile(c, cert.Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	Run(t, "pkcs11-tool", "--module", SoftHSM, "--login", "--pin", pin, "--token-label", label,
		"--write-object", c, "--type", "cert", "--id", id, "--label", "cert "+id)
}

// Generate has a token of SoftHSM make a key on P-256 that agrees on keys, and
// returns its public key.
func Generate(t testing.TB, label, pin, id string) *ecdsa.PublicKey {
	t.Helper()
	tool := func(args ...string) {
		t.Helper()
		Run(t, "pkcs11-tool", append([]string{"--module", SoftHSM, "--login", "--pin", pin, "--token-label", label, "--id", id}, args...)...)
	}
	tool("--keypairgen", "--key-type", "EC:prime256v1", "--usage-derive", "--label", "key "+id)
	out := filepath.Join(t.TempDir(), "pub.der")
	tool("--read-object", "--type", "pubkey", "--output-file", out)
	der, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return pub.(*ecdsa.PublicKey)
}

// OpenSC is the PKCS #11 library of OpenSC.
func OpenSC(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/*/opensc-pkcs11.so", "/usr/lib/*/pkcs11/opensc-pkcs11.so", "/usr/lib/opensc-pkcs11.so"} {
		if m, err := filepath.Glob(pattern); err == nil && len(m) > 0 {
			return m[0]
		}
	}
	missing(t, "opensc-pkcs11.so")
	return ""
}

// Insert puts card into a virtual reader of pcscd for as long as the test runs.
// A pcscd that runs already is used; otherwise one is started, which takes root.
// Only one test on a machine has the reader at a time.
func Insert(t testing.TB, card vpcd.Card) *vpcd.Slot {
	t.Helper()
	Need(t, "pcscd", "opensc-tool")
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "penjire-vpcd.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	if c, err := net.Dial("unix", "/run/pcscd/pcscd.comm"); err == nil {
		_ = c.Close()
	} else {
		startPcscd(t)
	}
	// The driver opens its port when pcscd has read its settings.
	var slot *vpcd.Slot
	until(t, "the virtual reader", func() error {
		slot, err = vpcd.Insert(vpcd.Addr, card)
		return err
	})
	t.Cleanup(func() { _ = slot.Remove() }) // it may be out already
	until(t, "a card in the virtual reader", func() error { return exec.Command("opensc-tool", "--atr").Run() })
	return slot
}

func startPcscd(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "pcscd is not running, and only root can start it")
	}
	if m, _ := filepath.Glob("/usr/lib/pcsc/drivers/serial/libifdvpcd.so*"); len(m) == 0 {
		missing(t, "vsmartcard-vpcd")
	}
	cmd := exec.Command("pcscd", "--foreground")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // ended by us
	})
}

// until tries until it works; programs that start say nothing when they have.
func until(t testing.TB, what string, f func() error) {
	t.Helper()
	limit := time.After(20 * time.Second)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("waited for %s: %v", what, err)
		}
	}
}
