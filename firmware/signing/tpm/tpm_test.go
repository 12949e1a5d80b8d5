package tpm

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/penjire/penjire/firmware/signing/tpmtest"
)

const handle = 0x81504B01

func newKey(t *testing.T) (*tpmtest.TPM, *TPM, *Key) {
	t.Helper()
	chip := tpmtest.Start(t)
	tpm := At(chip.Socket)
	k, err := tpm.Create(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	return chip, tpm, k
}

// check has OpenSSL verify a signature of k.
func check(t *testing.T, k *Key) {
	t.Helper()
	text := []byte("what is signed")
	digest := sha256.Sum256(text)
	sig, err := k.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	spki, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"text": text, "sig": sig, "pub": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("openssl", "dgst", "-sha256", "-verify", "pub", "-signature", "sig", "text")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("openssl: %v\n%s", err, out)
	}
}

// A key is the same one after the power was cut.
func TestKeyLasts(t *testing.T) {
	chip, tpm, k := newKey(t)
	check(t, k)
	chip.Kill()
	chip.Run()
	if err := k.Check(t.Context()); err != nil {
		t.Errorf("Check after a power cut = %v", err)
	}
	check(t, k)
	again, err := tpm.Find(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	if !again.pub.Equal(k.pub) {
		t.Error("the key is another one after a power cut")
	}
	if _, err := tpm.Create(t.Context(), handle); !errors.Is(err, ErrTaken) {
		t.Errorf("Create where there is a key = %v, want ErrTaken", err)
	}
	if _, err := tpm.Create(t.Context(), 0x80000000); err == nil {
		t.Error("Create under a transient handle succeeded")
	}
	other, err := tpm.Create(t.Context(), handle+1)
	if err != nil {
		t.Fatal(err)
	}
	if other.pub.Equal(k.pub) {
		t.Error("two keys of one TPM are the same")
	}
}

// More keys than a TPM has places for: none is left behind in it.
func TestPlacesAreFreed(t *testing.T) {
	_, tpm, _ := newKey(t)
	for i := range uint32(4) {
		if _, err := tpm.Create(t.Context(), handle+1+i); err != nil {
			t.Fatalf("key %d: %v", i, err)
		}
	}
	left, err := do(t.Context(), tpm, tpm.patience, func(c transport.TPM) (int, error) {
		r, err := tpm2.GetCapability{Capability: tpm2.TPMCapHandles, Property: 0x80000000, PropertyCount: 8}.Execute(c)
		if err != nil {
			return 0, err
		}
		l, err := r.CapabilityData.Data.Handles()
		return len(l.Handle), err
	})
	if err != nil || left != 0 {
		t.Errorf("transient objects left: %d, %v; want 0", left, err)
	}
}

// The TPM refuses to duplicate a key of our template. The control is the same
// template without fixedTPM and fixedParent, which it does duplicate: so it is
// these attributes that keep the key in.
func TestKeyCannotBeCopied(t *testing.T) {
	_, tpm, _ := newKey(t)
	calc, err := tpm2.NewPolicyCalculator(tpm2.TPMAlgSHA256)
	if err != nil {
		t.Fatal(err)
	}
	if err := (tpm2.PolicyCommandCode{Code: tpm2.TPMCCDuplicate}).Update(calc); err != nil {
		t.Fatal(err)
	}
	policy := func(c transport.TPM, h tpm2.TPMISHPolicy, _ tpm2.TPM2BNonce) error {
		_, err := tpm2.PolicyCommandCode{PolicySession: h, Code: tpm2.TPMCCDuplicate}.Execute(c)
		return err
	}
	for _, fixed := range []bool{true, false} {
		_, err := do(t.Context(), tpm, tpm.creation, func(c transport.TPM) (any, error) {
			p, err := template()
			if err != nil {
				return nil, err
			}
			p.AuthPolicy = tpm2.TPM2BDigest{Buffer: calc.Hash().Digest}
			p.ObjectAttributes.FixedTPM, p.ObjectAttributes.FixedParent, p.ObjectAttributes.AdminWithPolicy = fixed, fixed, true
			made, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(p)}.Execute(c)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = tpm2.FlushContext{FlushHandle: made.ObjectHandle}.Execute(c) }()
			if _, err := public(made.OutPublic); errors.Is(err, ErrCopyable) == fixed {
				t.Errorf("fixed %v: our own look at the key = %v", fixed, err)
			}
			return tpm2.Duplicate{
				ObjectHandle: tpm2.AuthHandle{
					Handle: made.ObjectHandle, Name: made.Name, Auth: tpm2.Policy(tpm2.TPMAlgSHA256, 16, policy),
				},
				NewParentHandle: tpm2.TPMRHNull, Symmetric: tpm2.TPMTSymDef{Algorithm: tpm2.TPMAlgNull},
			}.Execute(c)
		})
		if fixed && !errors.Is(err, tpm2.TPMRCAttributes) {
			t.Errorf("Duplicate of a key of ours = %v, want TPM_RC_ATTRIBUTES", err)
		}
		if !fixed && err != nil {
			t.Errorf("Duplicate of the control = %v, want that it succeeds: else the refusal proves nothing", err)
		}
	}
}

func TestKeyGone(t *testing.T) {
	chip, tpm, k := newKey(t)
	digest := sha256.Sum256(nil)

	forged := *k.pub
	foreign := tpm.Key(handle, &forged)
	chip.Exchange()
	if err := k.Check(t.Context()); !errors.Is(err, ErrNoKey) {
		t.Errorf("Check with a cleared TPM = %v, want ErrNoKey", err)
	}
	if _, err := k.Sign(nil, digest[:], crypto.SHA256); !errors.Is(err, ErrNoKey) {
		t.Errorf("Sign with a cleared TPM = %v, want ErrNoKey", err)
	}
	if _, err := tpm.Create(t.Context(), handle); err != nil {
		t.Fatal(err)
	}
	if err := foreign.Check(t.Context()); !errors.Is(err, ErrOtherKey) {
		t.Errorf("Check with another TPM's key = %v, want ErrOtherKey", err)
	}
	if _, err := foreign.Sign(nil, digest[:], crypto.SHA256); !errors.Is(err, ErrOtherKey) {
		t.Errorf("Sign with another TPM's key = %v, want ErrOtherKey", err)
	}
	chip.Kill()
	if err := k.Check(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("Check without a TPM = %v, want ErrGone", err)
	}
	if _, err := At(filepath.Join(t.TempDir(), "none")).Find(t.Context(), handle); !errors.Is(err, ErrGone) {
		t.Errorf("Find without a device = %v, want ErrGone", err)
	}
	if _, err := k.Sign(nil, digest[:], crypto.SHA384); err == nil {
		t.Error("Sign of a SHA-384 digest succeeded")
	}
}

// A TPM that stalls costs its patience once; then it is known to be busy. When
// it goes on, it signs again.
func TestStalled(t *testing.T) {
	chip, tpm, k := newKey(t)
	tpm.patience = 50 * time.Millisecond
	chip.Stall()
	digest := sha256.Sum256(nil)
	for range 3 {
		if _, err := k.Sign(nil, digest[:], crypto.SHA256); !errors.Is(err, ErrStalled) {
			t.Fatalf("Sign with a stalled TPM = %v, want ErrStalled", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Check that nobody waits for = %v, want canceled", err)
	}
	tpm.patience = 30 * time.Second
	chip.Go()
	// It works off who gave up waiting first; until then its door may be full.
	for end := time.Now().Add(tpm.patience); ; {
		_, err := k.Sign(nil, digest[:], crypto.SHA256)
		if !errors.Is(err, ErrStalled) || time.Now().After(end) {
			break
		}
	}
	check(t, k)
}

func TestTogether(t *testing.T) {
	_, tpm, k := newKey(t)
	c := tpm.Counter(index)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				digest := sha256.Sum256([]byte("one of many"))
				sig, err := k.Sign(nil, digest[:], crypto.SHA256)
				if err != nil || !ecdsa.VerifyASN1(k.pub, digest[:], sig) {
					t.Errorf("Sign = %v", err)
				}
				if _, err := c.Increment(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

const index = 0x01804B01

func TestCounter(t *testing.T) {
	chip, tpm, _ := newKey(t)
	c := tpm.Counter(index)
	if n, err := c.Read(t.Context()); n != 0 || err != nil {
		t.Errorf("Read of a counter nobody made = %d, %v, want 0", n, err)
	}
	last := uint64(0)
	up := func(what string) {
		t.Helper()
		n, err := c.Increment(t.Context())
		if err != nil || n <= last {
			t.Fatalf("Increment %s = %d, %v; want more than %d", what, n, err, last)
		}
		last = n
		if n, err := c.Read(t.Context()); n != last || err != nil {
			t.Errorf("Read = %d, %v; want %d", n, err, last)
		}
	}
	up("at first")
	up("again")
	chip.Kill()
	chip.Run()
	if n, err := c.Read(t.Context()); n != last || err != nil {
		t.Errorf("Read after a power cut = %d, %v; want %d", n, err, last)
	}
	up("after a power cut")

	// Whoever deletes it does not set it back either.
	_, err := do(t.Context(), tpm, tpm.patience, func(x transport.TPM) (any, error) {
		name, err := c.name(x)
		if err != nil {
			return nil, err
		}
		return tpm2.NVUndefineSpace{AuthHandle: tpm2.TPMRHOwner, NVIndex: tpm2.NamedHandle{Handle: c.index, Name: name}}.Execute(x)
	})
	if err != nil {
		t.Fatal(err)
	}
	up("after it was deleted")
}

// What anybody may write is no counter.
func TestCounterIsOne(t *testing.T) {
	_, tpm, _ := newKey(t)
	c := tpm.Counter(index)
	_, err := do(t.Context(), tpm, tpm.patience, func(x transport.TPM) (any, error) {
		a := attributes
		a.NT = tpm2.TPMNTOrdinary
		return tpm2.NVDefineSpace{AuthHandle: tpm2.TPMRHOwner, PublicInfo: tpm2.New2B(tpm2.TPMSNVPublic{
			NVIndex: index, NameAlg: tpm2.TPMAlgSHA256, Attributes: a, DataSize: 8,
		})}.Execute(x)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.Increment(t.Context()); err == nil {
		t.Errorf("Increment of plain memory = %d, nil, want an error", n)
	}
}

// lying answers every command with these bytes and hangs up.
func lying(t *testing.T, answer []byte) *TPM {
	t.Helper()
	dir, err := os.MkdirTemp("", "lie")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write(answer)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done; _ = os.RemoveAll(dir) })
	return At(filepath.Join(dir, "s"))
}

func TestAnswers(t *testing.T) {
	pub := new(ecdsa.PublicKey)
	digest := sha256.Sum256(nil)
	for _, tt := range []struct {
		name   string
		answer []byte
		want   error
	}{
		{"locked out", []byte{0x80, 1, 0, 0, 0, 10, 0, 0, 9, 0x21}, ErrLockout},
		{"nothing", nil, ErrGone},
		{"half a header", []byte{0x80, 1, 0, 0}, ErrGone},
		{"less than it says", []byte{0x80, 1, 0, 0, 0, 12, 0, 0, 0, 0}, ErrGone},
		{"more than it says", []byte{0x80, 1, 0, 0, 0, 10, 0, 0, 0, 0, 7}, ErrNonsense},
		{"a size below a header's", []byte{0x80, 1, 0, 0, 0, 9, 0, 0, 0, 0}, ErrNonsense},
		{"a size beyond all TPMs", []byte{0x80, 1, 0xFF, 0, 0, 9, 0, 0, 0, 0}, ErrNonsense},
	} {
		k := lying(t, tt.answer).Key(handle, pub)
		if _, err := k.Sign(nil, digest[:], crypto.SHA256); !errors.Is(err, tt.want) {
			t.Errorf("%s: Sign = %v, want %v", tt.name, err, tt.want)
		}
	}
}

// one is a TPM with one answer.
type one []byte

func (o one) Send([]byte) ([]byte, error) { return o, nil }

// Whatever a TPM answers, it is read without a crash.
func FuzzPublic(f *testing.F) {
	f.Add([]byte{0x80, 1, 0, 0, 0, 10, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, answer []byte) {
		r, err := tpm2.ReadPublic{ObjectHandle: tpm2.TPMHandle(handle)}.Execute(one(answer))
		if err != nil {
			return
		}
		if pub, err := public(r.OutPublic); err == nil && pub == nil {
			t.Error("no key and no error")
		}
	})
}
