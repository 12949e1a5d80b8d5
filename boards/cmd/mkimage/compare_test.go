package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/boards/image/recipe"
	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/manifest"
)

// builds writes two builds of one board, signed one after the other, and returns how to
// compare them.
func builds(t *testing.T) options {
	t.Helper()
	l, err := layout.For("rpi3")
	if err != nil {
		t.Fatal(err)
	}
	o := options{board: recipe.Board{Name: "rpi3"}, layout: l, out: t.TempDir(), against: t.TempDir(), log: io.Discard}
	key, cert := filepath.Join(t.TempDir(), "key"), filepath.Join(t.TempDir(), "cert")
	if err := makeDeveloper(key, cert); err != nil {
		t.Fatal(err)
	}
	signer, chain, err := keys{key: key, cert: cert}.signer()
	if err != nil {
		t.Fatal(err)
	}
	bundle := make([]byte, 8192)
	copy(bundle, "hsqs")
	binary.LittleEndian.PutUint64(bundle[40:], 6000)
	for i, dir := range []string{o.out, o.against} {
		m := manifest.Manifest{
			Schema: manifest.Schema, Release: layout.Release{Version: "1", Board: "rpi3", Build: time.Unix(1e9, 0).UTC(), DataFormat: 1},
			Table: layout.MBR, Size: 512, Ranges: []manifest.Range{{Name: manifest.Head, Size: 512}},
		}
		signed, err := m.Sign(signer, chain)
		if err != nil {
			t.Fatal(err)
		}
		bundle[7000] = byte(i) // its hashes and its signature
		img := make([]byte, l.Partition(layout.Loader).Start+4096)
		for ext, b := range map[string][]byte{".img": img, ".img.zst": []byte("zst"), ".img.manifest": signed, ".raucb": bundle, ".spdx.json": []byte("{}")} {
			if err := os.WriteFile(filepath.Join(dir, "rpi3"+ext), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return o
}

func TestCompare(t *testing.T) {
	o := builds(t)
	var said bytes.Buffer
	o.log = &said
	if err := o.compare(t.Context()); err != nil || strings.Count(said.String(), "same: ") != len(compared) {
		t.Errorf("compare = %v after\n%s\nwant all to be the same", err, said.String())
	}
	for _, c := range []struct {
		ext  string
		at   int64
		want string
	}{
		{".img", 5, "rpi3.img: it differs from byte 5 on: in the partition table"},
		{".img", o.layout.Partition(layout.Loader).Start + 7, ": byte 7 of partition loader"},
		{".img.zst", 2, "rpi3.img.zst: it differs from byte 2 on"},
		{".raucb", 5999, "rpi3.raucb: it differs from byte 5999 on, in its content"},
		{".raucb", 40, "its content has"},
		{".raucb", 0, "begins with no squashfs"},
		{".spdx.json", 1, "rpi3.spdx.json: it differs"},
		{".spdx.json", 2, "it has 3 bytes, and 2"},
	} {
		o := builds(t)
		at := filepath.Join(o.out, "rpi3"+c.ext)
		f, err := os.OpenFile(at, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("?"), c.at); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := o.compare(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, byte %d changed: compare = %v, want %q", c.ext, c.at, err, c.want)
		}
	}
	o = builds(t)
	if err := os.WriteFile(filepath.Join(o.out, "rpi3.img.manifest"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(o.out, "rpi3.spdx.json")); err != nil {
		t.Fatal(err)
	}
	if err := o.compare(t.Context()); err == nil || !strings.Contains(err.Error(), "rpi3.img.manifest: ") || !strings.Contains(err.Error(), "rpi3.spdx.json") {
		t.Errorf("compare = %v, want both files in it", err)
	}
}
