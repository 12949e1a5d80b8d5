package pa_test

import (
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/pa"
	"github.com/penjire/penjire/drivers/emulator/emrtdcard"
)

// bouncyCastle is the jar of Debian's libbcprov-java.
const bouncyCastle = "/usr/share/java/bcprov.jar"

// TestBouncyCastleSignsChallenges has BouncyCastle be the chip, with every hash
// that ISO/IEC 9796-2 has a trailer for.
func TestBouncyCastleSignsChallenges(t *testing.T) {
	java, err := exec.LookPath("java")
	if _, missing := os.Stat(bouncyCastle); err == nil {
		err = missing
	}
	if err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("peer BouncyCastle is missing: %v (apt-get install openjdk-17-jdk-headless libbcpkix-java)", err)
		}
		t.Skip("LEFT OUT: the peer BouncyCastle is not installed; Active Authentication was not checked with it")
	}
	challenge := []byte("12345678")
	out, err := exec.CommandContext(t.Context(), java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", bouncyCastle,
		"testdata/bouncycastle/Active.java", hex.EncodeToString(challenge)).CombinedOutput()
	if err != nil {
		t.Fatalf("java: %v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 6 {
		t.Fatalf("java signed %d times, want 6:\n%s", len(lines), out)
	}
	for _, l := range lines {
		name, rest, _ := strings.Cut(l, "|")
		k, s, _ := strings.Cut(rest, "|")
		spki, err1 := hex.DecodeString(k)
		sig, err2 := hex.DecodeString(s)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatalf("java says %q: %v", l, err)
		}
		if err := pa.VerifyActive(spki, challenge, sig); err != nil {
			t.Errorf("%s: VerifyActive = %v, want nil", name, err)
		}
		if err := pa.VerifyActive(spki, []byte("12345679"), sig); !errors.Is(err, pa.ErrActive) {
			t.Errorf("%s: VerifyActive for another challenge = %v, want ErrActive", name, err)
		}
		for i := 0; i < len(sig); i += 7 {
			sig[i] ^= 0x10
			if err := pa.VerifyActive(spki, challenge, sig); !errors.Is(err, pa.ErrActive) {
				t.Errorf("%s: VerifyActive with byte %d changed = %v, want ErrActive", name, i, err)
			}
			sig[i] ^= 0x10
		}
		for _, bad := range [][]byte{nil, sig[1:], append([]byte{0}, sig...)} {
			if err := pa.VerifyActive(spki, challenge, bad); !errors.Is(err, pa.ErrActive) {
				t.Errorf("%s: VerifyActive of %d bytes = %v, want ErrActive", name, len(bad), err)
			}
		}
	}
}

func FuzzVerifyActive(f *testing.F) {
	for _, kind := range kinds {
		i := specimen(f, emrtdcard.IssuerOpts{Kind: kind}).issuer
		f.Add(i.Authority, make([]byte, 256)) // no key, but much like one
	}
	for _, k := range []emrtdcard.Kind{emrtdcard.ECDSA, emrtdcard.RSA} {
		i, err := emrtdcard.NewIssuer(emrtdcard.IssuerOpts{})
		if err != nil {
			f.Fatal(err)
		}
		p, err := emrtdcard.SpecimenActive(i, k)
		if err != nil {
			f.Fatal(err)
		}
		spki, err := lds.ParseDG15(p.Files[lds.DG15.File()])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(spki, make([]byte, 64))
		f.Add(spki, make([]byte, 256))
	}
	f.Fuzz(func(t *testing.T, spki, answer []byte) {
		// Whoever chooses the key can make it fit, but not without knowing the challenge.
		if err := pa.VerifyActive(spki, []byte(t.Name()), answer); err == nil {
			t.Errorf("VerifyActive(%x, %x) = nil", spki, answer)
		}
	})
}
