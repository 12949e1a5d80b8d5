package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/image/recipe"
	"github.com/penjire/penjire/boards/layout"
)

// kernel is the beginning of an Image that takes so much memory.
func kernel(size uint64) []byte {
	k := make([]byte, 4096)
	binary.LittleEndian.PutUint64(k[16:], size)
	copy(k[56:], "ARM\x64")
	return k
}

func TestCompressed(t *testing.T) {
	k := kernel(recipe.KernelRoom)
	got, err := compressed(k)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if back, err := io.ReadAll(z); err != nil || !bytes.Equal(back, k) {
		t.Errorf("decompressed: %d bytes, %v, want the kernel", len(back), err)
	}
	for what, bad := range map[string][]byte{
		"U-Boot has 64 MiB for it": kernel(recipe.KernelRoom + 1), "no Image of arm64": make([]byte, 4096), "takes 0.0 MiB": kernel(7),
	} {
		if _, err := compressed(bad); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("compressed = %v, want %q in it", err, what)
		}
	}
}

// TestRoom: the build ends while there is still room, and says how much.
func TestRoom(t *testing.T) {
	for _, c := range []struct {
		used int64
		want string
	}{{0, ""}, {48 << 20, ""}, {48<<20 + 1, "boot-a: 48.0 of 64.0 MiB are used; 16.0 MiB are left, and 16.0 MiB are to be"}, {70 << 20, "-6.0 MiB are left"}} {
		err := room(layout.BootA, 64<<20, c.used)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("room with %d used = %v, want %q", c.used, err, c.want)
		}
	}
	for _, b := range layout.Boards() {
		l, err := layout.For(b)
		if err != nil {
			t.Fatal(err)
		}
		for name, m := range margins {
			if size := l.Partition(name).Size; m <= 0 || m > size/2 {
				t.Errorf("%s: %s keeps %d of %d bytes free", b, name, m, size)
			}
		}
	}
}

func TestClusters(t *testing.T) {
	if got := clusters(map[string][]byte{"a": make([]byte, 1), "b": make([]byte, cluster), "c": nil}); got != 2*cluster {
		t.Errorf("clusters = %d, want %d", got, 2*cluster)
	}
}
