package flash

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/manifest"
)

func inspect(t *testing.T, r *rig, path string, quick bool) *Inspection {
	t.Helper()
	in, err := Inspect(t.Context(), path, r.roots, quick, func(int64, int64) {})
	if err != nil {
		t.Fatalf("Inspect = %v, want nil", err)
	}
	return in
}

func states(in *Inspection) map[string]State {
	out := map[string]State{}
	for _, p := range in.Parts {
		out[p.Name] = p.State
	}
	return out
}

// TestInspectImage: an image is what its manifest says, compressed or not.
func TestInspectImage(t *testing.T) {
	r := newRig(t)
	plain := strings.TrimSuffix(r.path, ".zst")
	r.write(t, plain, r.bytes)
	for _, path := range []string{r.path, plain} {
		in := inspect(t, r, path, false)
		if in.Table != layout.MBR || in.Release == nil || in.Release.Version != "1.2.3" || in.Signature != "good" || in.Setup != "none" || !in.Whole {
			t.Errorf("%s: Inspect = %+v", filepath.Base(path), in)
		}
		for name, st := range states(in) {
			if st != Released {
				t.Errorf("%s: %s is %s, want as released", filepath.Base(path), name, st)
			}
		}
	}
	b := bytes.Clone(r.bytes)
	b[r.at(layout.RootB)] = 1
	r.write(t, plain, b)
	if in := inspect(t, r, plain, false); in.Whole || states(in)[layout.RootB] != Changed || states(in)[layout.RootA] != Released {
		t.Errorf("one byte changed: Inspect = %+v", in)
	}
	r.roots = newRig(t).roots
	if in := inspect(t, r, r.path, false); in.Signature == "good" || in.Release == nil {
		t.Errorf("a stranger's image: Inspect = %+v, want another signature than good", in)
	}
	r.pack(t, r.bytes[:5*mib])
	if in, err := Inspect(t.Context(), r.path, r.roots, false, func(int64, int64) {}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Inspect of a torn image = %+v, %v, want ErrCorrupt", in, err)
	}
}

// superblock is the beginning of an ext4 file system of so many 4 KiB blocks.
func superblock(blocks uint32, state uint16, incompat uint32) []byte {
	b := make([]byte, 4096)
	s, le := b[1024:], binary.LittleEndian
	le.PutUint32(s[4:], blocks)
	le.PutUint32(s[0x18:], 2)
	le.PutUint32(s[0x30:], uint32(built.Unix()))
	le.PutUint16(s[0x38:], 0xef53)
	le.PutUint16(s[0x3a:], state)
	le.PutUint32(s[0x60:], incompat)
	copy(s[0x78:], layout.DataLabel)
	return b
}

// TestInspectMedium: what was written is known without the image, from the medium
// alone; the set-up is told without its secrets.
func TestInspectMedium(t *testing.T) {
	r := newLaidOut(t, emptyFAT(t, 16*mib))
	to := newFake(int64(len(r.bytes)) + 8*mib)
	if err := (&Job{Image: r.image(t), To: to, Setup: setup(t)}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	copy(to.b[r.at(layout.Data):], superblock(1<<20, 1, 4))
	clear(to.b[r.at(layout.BootA):r.at(layout.RootA)])
	path := filepath.Join(t.TempDir(), "medium")
	r.write(t, path, to.b)
	in := inspect(t, r, path, false)
	st := states(in)
	if in.Signature != "good" || in.Release == nil || in.Release.Board != "rpi4" || in.Whole {
		t.Errorf("Inspect = %+v", in)
	}
	if st[manifest.Head] != Released || st[layout.Loader] != Released || st[layout.RootA] != Released || st[layout.Setup] != Changed ||
		st[layout.Data] != Changed || st[layout.BootA] != Empty {
		t.Errorf("states: got %v", st)
	}
	if in.Data.State != OpenData || in.Data.Bytes != 4<<30 || !in.Data.Grown || !in.Data.Written.Equal(built) {
		t.Errorf("data: got %+v", in.Data)
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(in.Setup, "K-000123") || strings.Contains(string(b), password) || strings.Contains(string(b), "Nusga") {
		t.Errorf("Inspect tells %s, want the kiosk and no secret", b)
	}
	if q := inspect(t, r, path, true); states(q)[layout.RootA] != Unread || q.Setup != in.Setup || q.Data != in.Data || q.Signature != "good" {
		t.Errorf("quick: Inspect = %+v, want the same but unread", q)
	}
	for state, v := range map[string][]byte{
		NoData: make([]byte, 4096), CleanData: superblock(512, 1, 0), FaultData: superblock(512, 3, 0), OpenData: superblock(512, 0, 0),
	} {
		if d := dataIn(v, manifest.Range{Size: mib / 2}); d.State != state {
			t.Errorf("dataIn = %+v, want %q", d, state)
		}
	}
}

// TestInspectSomethingElse: what is no kiosk's is said to be so.
func TestInspectSomethingElse(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(t.TempDir(), "x")
	for name, b := range map[string][]byte{
		"nothing": {}, "zeros": make([]byte, mib), "text": bytes.Repeat([]byte("text"), mib),
		"a foreign MBR": append(append(make([]byte, 510), 0x55, 0xaa), make([]byte, mib)...),
		"half written":  append(make([]byte, 4*mib), r.bytes[4*mib:]...),
	} {
		r.write(t, path, b)
		if in := inspect(t, r, path, false); in.Table != "" || in.Release != nil || in.Whole {
			t.Errorf("%s: Inspect = %+v, want no table", name, in)
		}
	}
	gpt := make([]byte, 100*mib)
	copy(gpt[512:], "EFI PART")
	gpt[510], gpt[511] = 0x55, 0xaa
	r.write(t, path, gpt)
	if in, err := Inspect(t.Context(), path, nil, true, nil); err == nil && (in.Release != nil || in.Whole || in.Table != layout.GPT) {
		t.Errorf("a GPT and nothing else: Inspect = %+v, %v", in, err)
	}
	if _, err := Inspect(t.Context(), filepath.Join(path, "none"), nil, true, nil); err == nil {
		t.Error("Inspect of no file = nil, want an error")
	}
	r.write(t, manifest.Name(path), []byte("{}"))
	if _, err := Inspect(t.Context(), path, nil, true, nil); !errors.Is(err, manifest.ErrForm) {
		t.Errorf("Inspect with a broken manifest = %v, want ErrForm", err)
	}
	_ = os.Remove(manifest.Name(path)) // of a test's folder
}
