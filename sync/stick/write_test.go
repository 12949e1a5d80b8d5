package stick

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func openFolder(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := OpenFolder(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// names returns what is in a folder.
func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		out = append(out, e.Name())
	}
	return out
}

// TestPut writes a file whole or not at all.
func TestPut(t *testing.T) {
	dir := t.TempDir()
	f := openFolder(t, dir)
	if err := f.Put(t.Context(), "a.penjire", [][]byte{[]byte("one "), []byte("two")}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a.penjire")); err != nil || string(b) != "one two" {
		t.Errorf("the file: %q, %v", b, err)
	}
	if err := f.Put(t.Context(), "a.penjire", [][]byte{{1}}); !errors.Is(err, os.ErrExist) {
		t.Errorf("Put over a file = %v, want ErrExist", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Put(ctx, "b.penjire", [][]byte{{1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("Put that is given up = %v", err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"a.penjire"}) {
		t.Errorf("the folder holds %v, want a.penjire alone", got)
	}
	// What another export left unfinished goes, what is another kiosk's or another
	// program's stays.
	for _, n := range []string{"K-000001-00000000-1.penjire.unfinished", "K-000002-00000000-1.penjire.unfinished", "photo.jpg"} {
		if err := os.WriteFile(filepath.Join(dir, n), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.Clean("K-000001")
	if got := names(t, dir); !slices.Equal(got, []string{"K-000002-00000000-1.penjire.unfinished", "a.penjire", "photo.jpg"}) {
		t.Errorf("after Clean the folder holds %v", got)
	}
}

// TestCompare: what the medium gives back is compared with what was written.
func TestCompare(t *testing.T) {
	p := filepath.Join(t.TempDir(), "a")
	sum, err := write(t.Context(), p, [][]byte{[]byte("what was written")})
	if err != nil {
		t.Fatal(err)
	}
	if err := compare(t.Context(), p, sum); err != nil {
		t.Errorf("compare = %v", err)
	}
	for _, other := range []string{"what was writteN", "what was", ""} {
		if err := os.WriteFile(p, []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := compare(t.Context(), p, sum); !errors.Is(err, ErrUnlike) {
			t.Errorf("compare of %q = %v, want ErrUnlike", other, err)
		}
	}
}

// tmpfs mounts a small file system, or skips: that wants root.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("mount a small file system: %v", err)
		}
		t.Skipf("a full stick is left out: mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // the test may have done it
	return dir
}

// TestFullStick fills a stick: the file that does not fit is gone, those before
// it are whole, and the error says why.
func TestFullStick(t *testing.T) {
	dir := tmpfs(t, "64k")
	f := openFolder(t, dir)
	if err := f.Put(t.Context(), "a.penjire", [][]byte{make([]byte, 20<<10)}); err != nil {
		t.Fatal(err)
	}
	err := f.Put(t.Context(), "b.penjire", [][]byte{make([]byte, 20<<10), make([]byte, 40<<10)})
	if !errors.Is(err, ErrFull) {
		t.Errorf("Put on a full stick = %v, want ErrFull", err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"a.penjire"}) {
		t.Errorf("the stick holds %v, want a.penjire alone", got)
	}
	if err := f.Put(t.Context(), "c.penjire", [][]byte{make([]byte, 20<<10)}); err != nil {
		t.Errorf("Put of what fits = %v: the part of the other is in the way", err)
	}
}

// TestStickPulled: a folder in which the stick is no longer mounted is not it, and
// nothing is written onto the disk below.
func TestStickPulled(t *testing.T) {
	dir := tmpfs(t, "64k")
	f := openFolder(t, dir)
	if _, err := OpenFolder(dir, filepath.Dir(dir)); err != nil {
		t.Errorf("OpenFolder on another file system = %v", err)
	}
	if err := unix.Unmount(dir, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Put(t.Context(), "a.penjire", [][]byte{{1}}); !errors.Is(err, ErrGone) {
		t.Errorf("Put after the stick was pulled = %v, want ErrGone", err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the folder below holds %v", got)
	}
	if _, err := OpenFolder(dir, filepath.Dir(dir)); !errors.Is(err, ErrNoStick) {
		t.Errorf("OpenFolder without a stick = %v, want ErrNoStick", err)
	}
}

// TestReadOnlyStick says that the stick is write-protected.
func TestReadOnlyStick(t *testing.T) {
	dir := tmpfs(t, "64k")
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if err := openFolder(t, dir).Put(t.Context(), "a.penjire", [][]byte{{1}}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Put on a write-protected stick = %v, want ErrReadOnly", err)
	}
}

func TestOpenFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"relative", filepath.Join(dir, "nowhere"), file, filepath.Join(file, "below")} {
		if _, err := OpenFolder(p, ""); !errors.Is(err, ErrNoFolder) {
			t.Errorf("OpenFolder(%s) = %v, want ErrNoFolder", p, err)
		}
	}
}

// TestFind looks at every file of a stick, whatever else is on it.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	f := openFolder(t, dir)
	body := map[string][]byte{}
	for _, v := range vectors(t) {
		body[v.name] = v.body
	}
	for name, b := range map[string][]byte{
		"K-000001-0a1b2c3d-7.penjire": body["export.vector"], "copy.PENJIRE": body["answer.vector"], "newer.penjire": body["newer.vector"],
		"empty.penjire": nil, "photo.jpg": {1}, "._K-000001.penjire": {1}, "x.penjire.unfinished": {1}, "cut.penjire": body["cut-header.vector"],
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.penjire"), 0o700); err != nil {
		t.Fatal(err)
	}
	found, err := f.Find()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]error{}
	for _, x := range found {
		got[x.Name] = x.Err
	}
	if len(got) != 5 || got["K-000001-0a1b2c3d-7.penjire"] != nil || got["copy.PENJIRE"] != nil || !errors.Is(got["newer.penjire"], ErrVersion) ||
		!errors.Is(got["empty.penjire"], ErrOther) || !errors.Is(got["cut.penjire"], ErrCut) {
		t.Errorf("Find = %v", got)
	}
	for _, x := range found {
		if x.Err == nil && x.Header.Kind == Export && x.Header.Name() != x.Name {
			t.Errorf("Name = %s, want %s", x.Header.Name(), x.Name)
		}
	}
	if err := f.Open("../etc/passwd", func(*File) error { return nil }); err == nil {
		t.Error("a path is opened")
	}
}

func TestPackLimits(t *testing.T) {
	s := specimen(t, "K-000001")
	h := Header{Kind: Export, Kiosk: "K-000001", Epoch: [16]byte{1}, Number: 1}
	if _, err := Pack(h, make([][]byte, MaxFrames+1), s); err == nil {
		t.Error("too many frames are packed")
	}
	if _, err := Pack(h, [][]byte{{}}, s); err == nil {
		t.Error("an empty frame is packed")
	}
	h.Number = 0
	if _, err := Pack(h, nil, s); err == nil {
		t.Error("number 0 is packed")
	}
	h.Number = 1
	many := make([][]byte, MaxFrames)
	for i := range many {
		many[i] = []byte{1}
	}
	parts, err := Pack(h, many, s)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Read(bytes.NewReader(slices.Concat(parts...)))
	if err != nil || len(f.Frames) != MaxFrames {
		t.Errorf("Read of the most frames = %v", err)
	}
}
