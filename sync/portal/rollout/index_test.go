package rollout

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/release"
)

// TestIndex hands out indexes to those who would get the bundle, also where the release
// came before there were any, or what is kept is damaged.
func TestIndex(t *testing.T) {
	o := open(t)
	r := o.add(2, nil)
	path := release.IndexPath + hex.EncodeToString(r.Content.SHA256[:])
	o.out(2, release.Pilot)
	o.check("K-pilot", report(1, "pilot", nil))
	o.check("K-broad", report(1, "broad", nil))
	file := IndexFile(o.c.Folder, r.Content.SHA256)
	made, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	right := func(what string) {
		t.Helper()
		code, b := o.as("K-pilot", "GET", path, "", nil)
		if _, err := r.Content.ParseIndex(b); code != 200 || err != nil || !bytes.Equal(b, made) {
			t.Errorf("%s: %d, %d bytes, %v; want the index", what, code, len(b), err)
		}
	}
	right("as it was made")
	for what, now := range map[string][]byte{"cut": made[:len(made)/2], "empty": nil, "of another": bytes.Replace(made, r.Content.SHA256[:], make([]byte, 32), 1)} {
		if err := os.WriteFile(file, now, 0o600); err != nil {
			t.Fatal(err)
		}
		right("after it was " + what)
	}
	if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700), os.WriteFile(file+"/taken", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if code, _ := o.as("K-pilot", "GET", path, "", nil); code != 500 {
		t.Errorf("an index that cannot be read: %d, want 500", code)
	}
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	right("after it was removed")
	for kiosk, want := range map[string]int{"K-broad": 404, "K-unknown": 404, "": 403} {
		if code, _ := o.as(kiosk, "GET", path, "", nil); code != want {
			t.Errorf("%q: %d, want %d", kiosk, code, want)
		}
	}
	if err := errors.Join(os.Remove(file), os.WriteFile(BundleFile(o.c.Folder, r.Content.SHA256), bundle[1:], 0o600)); err != nil {
		t.Fatal(err)
	}
	if code, _ := o.as("K-pilot", "GET", path, "", nil); code != 500 {
		t.Errorf("of a bundle that is damaged: %d, want 500", code)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an index of a damaged bundle is kept: %v", err)
	}
	if err := os.Remove(BundleFile(o.c.Folder, r.Content.SHA256)); err != nil {
		t.Fatal(err)
	}
	if code, _ := o.as("K-pilot", "GET", path, "", nil); code != 404 {
		t.Errorf("of a bundle that is not there: %d, want 404", code)
	}
}

// TestBeyond says how much a kiosk fetches that has the release before.
func TestBeyond(t *testing.T) {
	o := open(t)
	old := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(old) // never fails
	add := func(board string, build uint64, b []byte) ledger.Release {
		t.Helper()
		r := o.w.Release(t, build, b)
		r.Board = board
		if _, err := o.Add(t.Context(), o.w.Sign(t, r), o.w.Keys, bytes.NewReader(b), "test"); err != nil {
			t.Fatal(err)
		}
		return ledger.Release{Board: board, Build: build, SHA256: r.Content.SHA256, Size: r.Content.Size}
	}
	first := add("vm", 2, old)
	add("rpi4", 3, old[:1000])
	second := add("vm", 4, append(bytes.Clone(old), bytes.Repeat([]byte("new"), 100)...))
	if _, _, err := o.Beyond(t.Context(), first); !errors.Is(err, ErrNoIndex) {
		t.Errorf("Beyond of the first = %v, want ErrNoIndex", err)
	}
	before, n, err := o.Beyond(t.Context(), second)
	if err != nil || before.Build != 2 || n < 300 || n > 300+release.MaxPiece {
		t.Errorf("Beyond = %d bytes from build %d, %v; want the last piece, from build 2", n, before.Build, err)
	}
	if err := os.Remove(IndexFile(o.c.Folder, first.SHA256)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.Beyond(t.Context(), second); !errors.Is(err, ErrNoIndex) {
		t.Errorf("Beyond without an index = %v, want ErrNoIndex", err)
	}
}
