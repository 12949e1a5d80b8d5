package tree

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// base returns a small root file system.
func base(t *testing.T) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range []struct {
		name, body string
		kind       byte
	}{
		{"./", "", tar.TypeDir},
		{"./dev/null", "", tar.TypeChar},
		{"./etc/", "", tar.TypeDir},
		{"./etc/passwd", "root\n", tar.TypeReg},
		{"./etc/motd", "hello\n", tar.TypeReg},
		{"./boot/vmlinuz-6", "kernel", tar.TypeReg},
		{"./usr/bin/keep", "program", tar.TypeReg},
	} {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: 0o755, Size: int64(len(e.body)), ModTime: time.Unix(2e9, 5), Uname: "builder"}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

type entry struct {
	*tar.Header
	body string
}

func list(t *testing.T, r io.Reader) (names []string, by map[string]entry) {
	t.Helper()
	by = map[string]entry{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return names, by
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		names, by[h.Name] = append(names, h.Name), entry{h, string(body)}
	}
}

func TestApply(t *testing.T) {
	var kernel string
	at := time.Unix(1e9, 0)
	c := Changes{
		Drop: func(at string) bool { return strings.HasPrefix(at, "boot") },
		Edit: map[string]func([]byte) []byte{"etc/passwd": func(b []byte) []byte { return append(b, "screen\n"...) }},
		Take: map[string]func(string, []byte) error{"boot/vmlinuz-*": func(_ string, b []byte) error { kernel = string(b); return nil }},
		Files: map[string]File{
			"etc/motd": {Mode: 0o600, Body: []byte("new\n")}, "usr/lib/penjire/release.json": {Mode: 0o644, Body: []byte("{}")},
		},
		Links: map[string]string{"etc/mtab": "../proc/self/mounts"},
		Dirs:  map[string]Meta{"data": {Mode: 0o700}},
		Time:  at,
	}
	var out bytes.Buffer
	if err := Apply(&out, base(t), c); err != nil {
		t.Fatal(err)
	}
	names, by := list(t, bytes.NewReader(out.Bytes()))
	want := "./ ./etc/ ./etc/passwd ./usr/bin/keep ./data/ ./etc/motd ./usr/ ./usr/lib/ ./usr/lib/penjire/ ./usr/lib/penjire/release.json ./etc/mtab"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("Apply wrote %s\nwant        %s", got, want)
	}
	if kernel != "kernel" {
		t.Errorf("taken: %q, want the kernel, though it is dropped", kernel)
	}
	if got := by["./etc/passwd"].body; got != "root\nscreen\n" {
		t.Errorf("edited: %q", got)
	}
	if got := by["./etc/motd"]; got.body != "new\n" || got.Mode != 0o600 {
		t.Errorf("replaced: %q, mode %o", got.body, got.Mode)
	}
	for n, e := range by {
		if e.ModTime.After(at) || e.Uname != "" {
			t.Errorf("%s: time %s, owner %q: two builders would differ", n, e.ModTime, e.Uname)
		}
	}
	var again bytes.Buffer
	if err := Apply(&again, base(t), c); err != nil || !bytes.Equal(again.Bytes(), out.Bytes()) {
		t.Errorf("Apply again = %v, equal %v, want the same bytes", err, bytes.Equal(again.Bytes(), out.Bytes()))
	}
}

func TestApplyMissesWhatHasMoved(t *testing.T) {
	for name, c := range map[string]Changes{
		"edit": {Edit: map[string]func([]byte) []byte{"etc/gone": nil}},
		"take": {Take: map[string]func(string, []byte) error{"boot/gone-*": nil}},
	} {
		if err := Apply(io.Discard, base(t), c); err == nil || !strings.Contains(err.Error(), "gone") {
			t.Errorf("%s: Apply = %v, want an error that names what is missing", name, err)
		}
	}
}
