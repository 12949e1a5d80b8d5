package enrol

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
)

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestRequest(t *testing.T) {
	key := newKey(t)
	for _, software := range []bool{true, false} {
		r := must[Request](t)(ParseRequest(must[[]byte](t)(NewRequest(key, "K-000001", software))))
		if r.Kiosk != "K-000001" || r.Software != software || !r.Key.Equal(key.Public()) {
			t.Errorf("ParseRequest = %+v, want the key of K-000001, software %v", r, software)
		}
	}
	p384 := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	if _, err := ParseRequest(must[[]byte](t)(NewRequest(p384, "K-000001", true))); !errors.Is(err, ErrKey) {
		t.Errorf("ParseRequest of a key on P-384 = %v, want ErrKey", err)
	}
	if _, err := ParseRequest(make([]byte, MaxRequest+1)); err == nil {
		t.Error("ParseRequest of too much = nil, want an error")
	}
}

func TestCertsOnly(t *testing.T) {
	w := must[*specimen.World](t)(specimen.New(time.Now()))
	want := []*x509.Certificate{w.Device.TLS.Cert, w.Infrastructure.Cert, w.Root.Cert}
	der := must[[]byte](t)(MarshalCerts(want...))
	got := must[[]*x509.Certificate](t)(ParseCerts(der))
	for i, c := range want {
		if len(got) != len(want) || !got[i].Equal(c) {
			t.Fatalf("ParseCerts of what MarshalCerts wrote: %d certificates, want the same three", len(got))
		}
	}
	for n := range len(der) - 1 {
		if _, err := ParseCerts(der[:n]); err == nil {
			t.Fatalf("ParseCerts of the first %d bytes = nil, want an error", n)
		}
	}
	if _, err := ParseCerts(append(bytes.Clone(der), 0)); err == nil {
		t.Error("ParseCerts with a byte after it = nil, want an error")
	}
	if _, err := MarshalCerts(); err == nil {
		t.Error("MarshalCerts of none = nil, want an error")
	}
}

// A proof is one of exactly this request, with that code.
func TestProof(t *testing.T) {
	code := NewCode()
	a := Asked{Kiosk: "K-000001", Identity: []byte("identity"), Signing: []byte("signing")}
	a.Prove(ProofKey(code))
	if !a.Proves(ProofKey(code)) || a.Proves(ProofKey(NewCode())) {
		t.Error("a proof holds for another code, or not for its own")
	}
	for what, change := range map[string]func(*Asked){
		"kiosk": func(a *Asked) { a.Kiosk = "K-000002" }, "identity": func(a *Asked) { a.Identity = []byte("x") },
		"signing": func(a *Asked) { a.Signing = []byte("x") }, "both exchanged": func(a *Asked) { a.Identity, a.Signing = a.Signing, a.Identity },
	} {
		b := a
		if change(&b); b.Proves(ProofKey(code)) {
			t.Errorf("the proof holds with another %s", what)
		}
	}
	again := must[*Asked](t)(ParseAsked(must[[]byte](t)(a.Marshal())))
	if !again.Proves(ProofKey(code)) {
		t.Error("the proof does not hold after it was written and read")
	}
}

// What stands on a stick is read as it is written, or not at all.
func TestFilesAreExact(t *testing.T) {
	w := must[*specimen.World](t)(specimen.New(time.Now()))
	asked := Asked{Kiosk: "K-000001", Identity: []byte("i"), Signing: []byte("s")}
	answer := Answer{
		Kiosk: "K-000001", Identity: []*x509.Certificate{w.Device.TLS.Cert, w.Infrastructure.Cert}, Signing: []*x509.Certificate{w.Device.Signing.Cert},
		Trust: []byte("t"), Catalogue: []byte("c"),
	}
	for what, c := range map[string]struct {
		b     []byte
		parse func([]byte) error
	}{
		"a request": {must[[]byte](t)(asked.Marshal()), func(b []byte) error { _, err := ParseAsked(b); return err }},
		"an answer": {must[[]byte](t)(answer.Marshal()), func(b []byte) error { _, err := ParseAnswer(b); return err }},
	} {
		if err := c.parse(c.b); err != nil {
			t.Errorf("%s as it was written: %v", what, err)
		}
		text := string(c.b)
		for change, to := range map[string]string{
			"cut": text[:len(text)-3], "a space": text + " ", "other line ends": strings.ReplaceAll(text, "\n", "\r\n"),
			"a key twice":     strings.Replace(text, `"kiosk": "K-000001"`, `"kiosk": "K-000009", "kiosk": "K-000001"`, 1),
			"an unknown key":  strings.Replace(text, `"kiosk"`, `"x": 1, "kiosk"`, 1),
			"another's file":  strings.Replace(text, "penjire-enrol", "penjire-other", 1),
			"a path as kiosk": strings.ReplaceAll(text, "K-000001", "../000001"),
			"nothing":         "",
		} {
			if err := c.parse([]byte(to)); !errors.Is(err, ErrFile) {
				t.Errorf("%s, %s: %v, want ErrFile", what, change, err)
			}
		}
		if err := c.parse([]byte(strings.Replace(text, `/1"`, `/2"`, 1))); !errors.Is(err, ErrFileVersion) {
			t.Errorf("%s of a later version: %v, want ErrFileVersion", what, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Refusals {
		if seen[r.Code] || RefusalOf(r.Error()+"\n") != r {
			t.Errorf("%s is there twice, or is not found by its own words", r.Code)
		}
		seen[r.Code] = true
	}
	if RefusalOf("<html>502 Bad Gateway") != nil {
		t.Error("a stranger's page is taken for a refusal")
	}
}
