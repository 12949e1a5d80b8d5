package lock

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

var hash = strings.Repeat("0a", 32)

func TestParseFormat(t *testing.T) {
	text := "# note\n" +
		"adduser 3.152 all debian 190932 " + hash + " pool/main/a/adduser/adduser_3.152_all.deb\n" +
		"libc6 2.41-12+deb13u5 amd64 debian-security 2850108 " + hash + " pool/main/g/glibc/libc6_2.41-12+deb13u5_amd64.deb\n"
	ps, err := Parse([]byte(text))
	if err != nil || len(ps) != 2 || ps[1].Version != "2.41-12+deb13u5" || ps[1].Archive != Security {
		t.Fatalf("Parse = %+v, %v", ps, err)
	}
	ps[0], ps[1] = ps[1], ps[0]
	if got := string(Format("note", ps)); got != text {
		t.Errorf("Format = %s\nwant %s", got, text)
	}
}

func TestParseRefuses(t *testing.T) {
	good := "a 1 all debian 1 " + hash + " pool/a.deb"
	if _, err := Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "# nothing", good + "\n" + good, good + " more", strings.Replace(good, " 1 all", " all", 1),
		strings.Replace(good, " debian ", " elsewhere ", 1), strings.Replace(good, "debian 1 ", "debian 01 ", 1), strings.Replace(good, "debian 1 ", "debian -1 ", 1),
		strings.Replace(good, "0a", "0g", 1), strings.Replace(good, "0a", "0A", 1), strings.Replace(good, "0a", "", 1),
		strings.Replace(good, "pool/", "pool/../", 1), strings.Replace(good, "pool/", "/pool/", 1), strings.Replace(good, ".deb", ".rpm", 1), strings.Replace(good, "a 1", " 1", 1),
	} {
		if ps, err := Parse([]byte(bad)); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", bad, ps)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("# note\na 1 all debian 1 " + hash + " pool/a.deb\n"))
	f.Add([]byte("a 1 all debian-security 1 " + hash + " pool/a.deb\nb 1:2~3 arm64 debian 7 " + hash + " pool/b.deb"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ps, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(Format("", ps))
		if err != nil || len(again) != len(ps) {
			t.Errorf("Parse(Format(%+v)) = %+v, %v", ps, again, err)
		}
	})
}

func TestAptLine(t *testing.T) {
	a := apt{m: Mirrors{Debian: "http://mirror.test/debian/", Security: "http://mirror.test/debian-security/"}}
	got, err := a.packages([]byte("'http://mirror.test/debian-security/pool/main/g/glibc/libc6_2.41-12%2bdeb13u5_amd64.deb' libc6_2.41-12+deb13u5_amd64.deb 2850108 SHA256:" + hash + "\n"))
	want := Package{Name: "libc6", Version: "2.41-12+deb13u5", Arch: "amd64", Archive: Security, Size: 2850108, SHA256: hash, Path: "pool/main/g/glibc/libc6_2.41-12+deb13u5_amd64.deb"}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("packages = %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"nonsense", "'http://other.test/a.deb' a_1_all.deb 1 SHA256:" + hash, "'http://mirror.test/debian/pool/a.deb' a_1_all.deb 1 MD5Sum:00", "'http://mirror.test/debian/pool/a.deb' a.deb 1 SHA256:" + hash} {
		if ps, err := a.packages([]byte(bad)); err == nil {
			t.Errorf("packages(%q) = %+v, want an error", bad, ps)
		}
	}
}

func TestFetch(t *testing.T) {
	body := []byte("a package")
	sum := sha256.Sum256(body)
	answer := map[string][]byte{"/debian/pool/main/a+b.deb": body, "/debian/pool/main/forged.deb": []byte("a Package"), "/debian/pool/main/longer.deb": append(body, '!')}
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		b, ok := answer[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(b)
	}))
	defer srv.Close()
	m, s := Mirrors{Debian: srv.URL + "/debian/"}, Store(t.TempDir())
	p := Package{Name: "a", Version: "1", Archive: Debian, Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:]), Path: "pool/main/a+b.deb"}
	for range 2 {
		if err := s.Fetch(context.Background(), []Package{p}, m); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(s.File(p)); err != nil || !bytes.Equal(got, body) || asked != 1 || !s.Has(p) {
		t.Errorf("fetched %q, %v, asked %d times, want %q once", got, err, asked, body)
	}
	for path, want := range map[string]string{"pool/main/forged.deb": "SHA-256", "pool/main/longer.deb": "SHA-256", "pool/main/gone.deb": "image-lock"} {
		fresh, p := Store(t.TempDir()), p
		p.Path = path
		if err := fresh.Fetch(context.Background(), []Package{p}, m); err == nil || !strings.Contains(err.Error(), want) || fresh.Has(p) {
			t.Errorf("Fetch(%s) = %v, kept %v, want an error about %s", path, err, fresh.Has(p), want)
		}
	}
}
