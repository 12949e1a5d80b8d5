package virtual_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/firmware/e2e/virtual"
)

// TestDisk compares a disk with a slice of bytes through writes, flushes, cuts and
// forks: what was flushed is there, what was not is old or new.
func TestDisk(t *testing.T) {
	const size = 64 << 10
	base := make([]byte, size/2)
	r := rand.New(rand.NewPCG(1, 0))
	fill(r, base)
	d := newDisk(t, bytes.NewReader(base), size)
	durable := append(bytes.Clone(base), make([]byte, size/2)...)
	now := bytes.Clone(durable)
	var losses, kept int
	for range 2000 {
		switch r.IntN(20) {
		case 0:
			if err := d.Flush(); err != nil {
				t.Fatal(err)
			}
			copy(durable, now)
		case 1:
			if _, err := d.Cut(r); err != nil {
				t.Fatal(err)
			}
			if _, err := d.WriteAt([]byte{1}, 0); err == nil {
				t.Fatal("WriteAt without power = nil, want an error")
			}
			d.Power()
			got := content(t, d)
			for at := 0; at < size; at += 4096 {
				g, old, latest := got[at:at+4096], durable[at:at+4096], now[at:at+4096]
				switch {
				case bytes.Equal(old, latest):
				case bytes.Equal(g, old):
					losses++
				case bytes.Equal(g, latest):
					kept++
				}
				if !bytes.Equal(g, old) && !bytes.Equal(g, latest) {
					t.Fatalf("after a cut the block at %d is neither old nor new", at)
				}
			}
			copy(durable, got)
			copy(now, got)
		default:
			p := make([]byte, 1+r.IntN(9000))
			fill(r, p)
			at := r.IntN(size - len(p))
			if _, err := d.WriteAt(p, int64(at)); err != nil {
				t.Fatal(err)
			}
			copy(now[at:], p)
			if !bytes.Equal(content(t, d), now) {
				t.Fatal("the disk does not have what was written")
			}
		}
	}
	if losses == 0 || kept == 0 {
		t.Errorf("cuts lost %d blocks and kept %d, want some of both", losses, kept)
	}
	f, err := d.Fork(filepath.Join(t.TempDir(), "fork"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("only here"), 0); err != nil {
		t.Fatal(err)
	}
	if bytes.HasPrefix(content(t, d), []byte("only here")) || !bytes.Equal(content(t, f)[9:], now[9:]) {
		t.Error("a fork is not a copy of its own")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func fill(r *rand.Rand, p []byte) {
	for i := range p {
		p[i] = byte(r.Uint32())
	}
}

func content(t *testing.T, d *virtual.Disk) []byte {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(d, 0, d.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
