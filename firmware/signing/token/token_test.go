package token

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/signing/tokentest"
)

const pin = "123456"

func pinOf(s string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(s), nil } }

func newECKey(t *testing.T, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t *testing.T, module string) *Module {
	t.Helper()
	m := New(Config{Helper: tokentest.Helper(t), Module: module})
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestSoftHSM(t *testing.T) {
	tokentest.NewSoftHSM(t, "kiosk", pin)
	m := open(t, tokentest.SoftHSM)
	p256, p384 := newECKey(t, elliptic.P256()), newECKey(t, elliptic.P384())
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tokentest.Import(t, "kiosk", pin, "02", p256, nil)
	tokentest.Import(t, "kiosk", pin, "0304", p384, nil)
	tokentest.Import(t, "kiosk", pin, "05", rsaKey, nil)
	list, err := m.Tokens(t.Context())
	if err != nil || len(list) != 1 || list[0].Label != "kiosk" || list[0].Serial == "" {
		t.Fatalf("Tokens = %+v, %v; want the one made", list, err)
	}
	tok := list[0]
	sha := sha256.Sum256([]byte("what is signed"))
	digest := sha[:]
	h384 := crypto.SHA384.New()
	for _, tt := range []struct {
		name   string
		id     []byte
		pub    crypto.PublicKey
		digest []byte
		opts   crypto.SignerOpts
	}{
		{"P-256", []byte{2}, p256.Public(), digest, crypto.SHA256},
		{"P-384", []byte{3, 4}, p384.Public(), h384.Sum(nil), crypto.SHA384},
		{"RSA PKCS #1", []byte{5}, rsaKey.Public(), digest, crypto.SHA256},
		{"RSA PSS", []byte{5}, rsaKey.Public(), digest, &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}},
	} {
		k := m.Key(tok, tt.id, tt.pub, pinOf(pin))
		if err := k.Check(t.Context()); err != nil {
			t.Errorf("%s: Check = %v", tt.name, err)
		}
		if _, err := k.Sign(nil, tt.digest, tt.opts); err != nil { // verified before it is returned
			t.Errorf("%s: Sign = %v", tt.name, err)
		}
		if _, err := k.Sign(nil, tt.digest[1:], tt.opts); err == nil {
			t.Errorf("%s: Sign of half a digest succeeded", tt.name)
		}
	}

	// What was sealed to the key is opened by it.
	peer, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub := tokentest.Generate(t, "kiosk", pin, "06")
	k := m.Key(tok, []byte{6}, pub, pinOf(pin))
	own, err := pub.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	want, err := peer.ECDH(own)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.ECDH(t.Context(), peer.PublicKey().Bytes()); err != nil || !bytes.Equal(got, want) {
		t.Errorf("ECDH = %x, %v; want %x", got, err, want)
	}

	other := newECKey(t, elliptic.P256())
	for _, tt := range []struct {
		name string
		k    *Key
		want error
	}{
		{"no such key", m.Key(tok, []byte{9}, p256.Public(), pinOf(pin)), ErrNoKey},
		{"another key", m.Key(tok, []byte{2}, other.Public(), pinOf(pin)), ErrOtherKey},
		{"a key of another kind", m.Key(tok, []byte{5}, p256.Public(), pinOf(pin)), ErrOtherKey},
		{"no such token", m.Key(Token{Label: "kiosk", Serial: "0"}, []byte{2}, p256.Public(), pinOf(pin)), ErrGone},
	} {
		if err := tt.k.Check(t.Context()); !errors.Is(err, tt.want) {
			t.Errorf("%s: Check = %v, want %v", tt.name, err, tt.want)
		}
		if _, err := tt.k.Sign(nil, digest, crypto.SHA256); err == nil {
			t.Errorf("%s: Sign succeeded", tt.name)
		}
	}
	if err := m.Logout(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Key(tok, []byte{2}, p256.Public(), nil).Sign(nil, digest, crypto.SHA256); !errors.Is(err, ErrLogin) {
		t.Errorf("Sign after Logout = %v, want ErrLogin", err)
	}
}

// A PIN that was refused is not given again: a wrong setting that is tried every
// few seconds would block the token.
func TestWrongPIN(t *testing.T) {
	tokentest.NewSoftHSM(t, "kiosk", pin)
	m := open(t, tokentest.SoftHSM)
	key := newECKey(t, elliptic.P256())
	tokentest.Import(t, "kiosk", pin, "02", key, nil)
	given, current := 0, "000000"
	k := m.Key(Token{Label: "kiosk"}, []byte{2}, key.Public(), func() ([]byte, error) { given++; return []byte(current), nil })
	var e *PINError
	if err := k.Check(t.Context()); !errors.As(err, &e) || e.Blocked {
		t.Fatalf("Check with a wrong PIN = %v, want a PINError", err)
	}
	before := m.next
	for range 5 {
		if err := k.Check(t.Context()); !errors.As(err, &e) {
			t.Fatalf("Check with the same wrong PIN = %v, want a PINError", err)
		}
	}
	if asked := m.next - before; asked != 5 { // only whether the key is there
		t.Errorf("5 checks made %d requests: the wrong PIN was given again", asked)
	}
	current = pin
	if err := k.Check(t.Context()); err != nil {
		t.Errorf("Check when the PIN is right = %v", err)
	}
	if given != 7 {
		t.Errorf("the PIN was read %d times, want 7", given)
	}
	wiped := []byte(pin)
	if err := m.Login(t.Context(), Token{Label: "kiosk"}, wiped); err != nil || !bytes.Equal(wiped, make([]byte, 6)) {
		t.Errorf("Login = %v and the PIN is %q, want it wiped", err, wiped)
	}
	// A token that had the right PIN does not take a wrong one for it.
	if err := m.Login(t.Context(), Token{Label: "kiosk"}, []byte("000000")); !errors.As(err, &e) {
		t.Errorf("Login with a wrong PIN after a right one = %v, want a PINError", err)
	}
}

// library is one that has bad days, and who loads it.
func library(t *testing.T) Config {
	t.Helper()
	return Config{Helper: tokentest.Helper(t), Module: tokentest.Compile(t, "testdata/vendor.c")}
}

// bad is a key of c on such a day.
func bad(t *testing.T, c Config, day string) *Key {
	t.Helper()
	t.Setenv("VENDOR", day)
	t.Setenv("MARK", filepath.Join(t.TempDir(), "crashed"))
	m := New(c)
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m.Key(Token{Label: "bad day"}, []byte{1}, newECKey(t, elliptic.P256()).Public(), pinOf("4711"))
}

func TestVendor(t *testing.T) {
	c, sum := library(t), sha256.Sum256(nil)
	for day, want := range map[string]error{
		"fair":    ErrOtherKey, // it signs something
		"network": ErrOtherKey,
		"crash":   ErrCrashed,
		"exit":    ErrCrashed,
		"once":    ErrOtherKey, // crashed and started again
		"short":   ErrNonsense,
		"pulled":  ErrGone,
		"gone":    ErrGone,
	} {
		t.Run(day, func(t *testing.T) {
			k := bad(t, c, day)
			if _, err := k.Sign(nil, sum[:], crypto.SHA256); !errors.Is(err, want) {
				t.Errorf("Sign = %v, want %v", err, want)
			}
			if _, err := os.Stat(os.Getenv("MARK")); (err == nil) != (day == "once") {
				t.Errorf("crashed once: %v", err == nil)
			}
			// Whatever it was, the next request is answered.
			if list, err := k.m.Tokens(t.Context()); err != nil || (len(list) == 1) != (day != "gone") {
				t.Errorf("Tokens afterwards = %v, %v", list, err)
			}
		})
	}
}

func TestVendorHangs(t *testing.T) {
	k := bad(t, library(t), "hang")
	if err := k.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := k.m.p
	k.m.patience = 100 * time.Millisecond
	sum := sha256.Sum256(nil)
	if _, err := k.Sign(nil, sum[:], crypto.SHA256); !errors.Is(err, ErrStalled) {
		t.Fatalf("Sign with a library that hangs = %v, want ErrStalled", err)
	}
	<-first.done // it was killed and seen off
	k.m.patience = 30 * time.Second
	if _, err := k.m.Tokens(t.Context()); err != nil {
		t.Errorf("Tokens afterwards = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.m.Tokens(ctx); !errors.Is(err, ErrStalled) || !errors.Is(err, context.Canceled) {
		t.Errorf("Tokens that nobody waits for = %v", err)
	}
}

func TestVendorPIN(t *testing.T) {
	k := bad(t, library(t), "lastpin")
	err := k.m.Login(t.Context(), k.t, []byte("0815"))
	var e *PINError
	if !errors.As(err, &e) || e.Left != 1 {
		t.Errorf("Login with a wrong PIN = %v, want one try left", err)
	}
	if strings.Contains(err.Error(), "0815") {
		t.Errorf("the error tells the PIN: %v", err)
	}
}

// A helper that died while nobody asked it is not missed.
func TestHelperDies(t *testing.T) {
	k := bad(t, library(t), "fair")
	if _, err := k.m.Tokens(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := k.m.p
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if err := k.Check(t.Context()); err != nil {
		t.Errorf("Check afterwards = %v", err)
	}
}

func TestNoHelper(t *testing.T) {
	m := New(Config{Helper: filepath.Join(t.TempDir(), "none"), Module: "none.so"})
	if _, err := m.Tokens(t.Context()); !errors.Is(err, ErrNoHelper) {
		t.Errorf("Tokens without a helper = %v, want ErrNoHelper", err)
	}
	if _, err := open(t, "/nowhere/none.so").Tokens(t.Context()); !errors.Is(err, ErrModule) {
		t.Errorf("Tokens without a library = %v, want ErrModule", err)
	}
	// What is no helper at all.
	for _, other := range []string{"/bin/true", "/bin/cat", "/bin/false"} {
		m := New(Config{Helper: other, Module: "/dev/zero"})
		m.patience = 5 * time.Second
		if _, err := m.Tokens(t.Context()); !errors.Is(err, ErrCrashed) && !errors.Is(err, ErrNonsense) {
			t.Errorf("Tokens with %s for a helper = %v", other, err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}
