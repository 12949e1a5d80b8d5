package rauc_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/firmware/update/rauc"
	"github.com/penjire/penjire/firmware/update/rauc/rauctest"
	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/release/releasetest"
)

const compatible = "penjire-vm"

// TestRaucInstalls has a real RAUC service install, mark and refuse.
func TestRaucInstalls(t *testing.T) {
	w := releasetest.New(t, time.Now())
	s := rauctest.New(t, compatible, w.Root.CertPEM())
	if got := s.Boot(); got != "A" {
		t.Fatalf("Boot = %s, want A", got)
	}
	c := &rauc.Client{Address: s.Address}
	if got, err := c.Booted(t.Context()); got != "A" || err != nil {
		t.Fatalf("Booted = %q, %v, want A", got, err)
	}
	dir := t.TempDir()
	root := bytes.Repeat([]byte("a root of a test"), 65536)
	put := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good := rauctest.Bundle(t, compatible, "0.6.2", root, w.Key)
	spoiled := bytes.Clone(good)
	spoiled[len(spoiled)/2] ^= 1
	stranger := releasetest.New(t, time.Now())
	for _, tt := range []struct {
		name string
		b    []byte
		want release.Code
	}{
		{"foreign", rauctest.Bundle(t, compatible, "0.6.2", root, stranger.Key), release.CodeSignature},
		{"spoiled", spoiled, release.CodeSignature},
		{"board", rauctest.Bundle(t, "penjire-rpi4", "0.6.2", root, w.Key), release.CodeBoard},
		{"cut", good[:len(good)/2], release.CodeCorrupt},
	} {
		err := c.Install(t.Context(), put(tt.name, tt.b), nil)
		f, ok := errors.AsType[*rauc.Failed](err)
		if !ok || f.Code != tt.want && f.Code != release.CodeInstall {
			t.Errorf("%s: Install = %v, want %s", tt.name, err, tt.want)
			continue
		}
		t.Logf("%s: %s: %s", tt.name, f.Code, f.Said)
		if f.Code != tt.want {
			t.Errorf("%s: code %s, want %s", tt.name, f.Code, tt.want)
		}
		if s.Primary() != "A" {
			t.Fatalf("%s: slot %s starts next, want A", tt.name, s.Primary())
		}
	}
	steps := 0
	if err := c.Install(t.Context(), put("good", good), func(percent int, what string) { steps++ }); err != nil {
		t.Fatal(err)
	}
	if s.Primary() != "B" || !bytes.Equal(s.Slot("B", len(root)), root) || steps == 0 {
		t.Fatalf("after Install: slot %s starts next, %d steps of progress, want B with the new root", s.Primary(), steps)
	}
	slots, err := c.Slots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, sl := range slots {
		t.Logf("%+v", sl)
		if sl.Bootname == "B" && (sl.Version != "0.6.2" || !sl.Whole || sl.Class != "rootfs") {
			t.Errorf("slot B = %+v, want 0.6.2, whole", sl)
		}
	}
	if err := c.ActivateOther(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.MarkGood(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Primary() != "B" || s.State("A") != "good" {
		t.Errorf("after marking: slot %s starts next, A is %s, want B and good", s.Primary(), s.State("A"))
	}
	s.Halt()
	if _, err := c.Slots(t.Context()); err == nil {
		t.Error("Slots without a service = nil, want an error")
	}
}
