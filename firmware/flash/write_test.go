package flash

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/boards/manifest"
	"github.com/penjire/penjire/firmware/enrol"
)

// TestWritten: all of the image is on the medium, but for the set-up partition, and
// what is behind it is empty.
func TestWritten(t *testing.T) {
	r := newRig(t)
	for _, more := range []int64{0, chunkUnit, 30 << 20} {
		to := newFake(int64(len(r.bytes)) + more)
		s := setup(t)
		phases := map[Phase]int64{}
		job := &Job{Image: r.image(t), To: to, Setup: s, Progress: func(p Phase, done, all int64) {
			if done < phases[p] || all != int64(len(r.bytes)) {
				t.Errorf("Progress(%s, %d, %d) after %d", p, done, all, phases[p])
			}
			phases[p] = done
		}}
		if err := job.Run(t.Context()); err != nil {
			t.Fatalf("Run on a medium with %d bytes more = %v, want nil", more, err)
		}
		p, _ := job.Image.Manifest.Range(layout.Setup)
		want := bytes.Clone(r.bytes)
		copy(want[p.Start:p.Start+p.Size], to.b[p.Start:])
		if !bytes.Equal(to.b[:len(want)], want) {
			t.Errorf("with %d bytes more the medium has something else than the image", more)
		}
		files, err := get(to.b[p.Start:p.Start+p.Size], 1<<20, enrol.SetupFile, ManifestFile, "nothing")
		own, _ := s.Marshal()
		if err != nil || !bytes.Equal(files[enrol.SetupFile], own) || !bytes.Equal(files[ManifestFile], job.Image.file) || len(files) != 2 {
			t.Errorf("set-up partition: got %d files, %v, want set-up and manifest", len(files), err)
		}
		if tail := to.b[len(r.bytes):]; more > chunk && !bytes.Equal(tail[len(tail)-chunk:], make([]byte, chunk)) {
			t.Error("what an earlier use left at the end is still there")
		}
		for _, p := range []Phase{Checking, Writing, Comparing, Finishing} {
			if phases[p] != int64(len(r.bytes)) {
				t.Errorf("Progress of %s ended at %d, want %d", p, phases[p], len(r.bytes))
			}
		}
	}
}

// TestStoppedAtAnyWrite: whatever write the power goes at, nothing starts from the
// medium, and writing it again is all that it needs.
func TestStoppedAtAnyWrite(t *testing.T) {
	r := newRig(t)
	img := r.image(t)
	to := newFake(int64(len(r.bytes)) + 40<<20)
	if err := (&Job{Image: img, To: to}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := to.writes
	cut := errors.New("the power is cut")
	for _, n := range []int{2, 3, 4, 50, all - 130, all / 2, all - 20, all - 2, all - 1, all} {
		to := newFake(int64(len(r.bytes)) + 40<<20)
		to.onWrite = func(i int, _ int64, _ []byte) error {
			if i >= n {
				return cut
			}
			return nil
		}
		if err := (&Job{Image: img, To: to}).Run(t.Context()); !errors.Is(err, cut) || !errors.Is(err, ErrBadMedium) {
			t.Errorf("cut at write %d of %d: Run = %v, want ErrBadMedium", n, all, err)
		}
		if to.starts() {
			t.Errorf("cut at write %d of %d: a half-written medium starts", n, all)
		}
	}
}

// TestInterrupted: the technician stops it.
func TestInterrupted(t *testing.T) {
	r := newRig(t)
	for _, at := range []Phase{Checking, Writing, Comparing} {
		to := newFake(int64(len(r.bytes)))
		before := bytes.Clone(to.b)
		ctx, stop := context.WithCancel(t.Context())
		job := &Job{Image: r.image(t), To: to, Progress: func(p Phase, done, all int64) {
			if p == at && done > all/2 {
				stop()
			}
		}}
		if err := job.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped while %s: Run = %v, want Canceled", at, err)
		}
		if at == Checking && !bytes.Equal(to.b, before) {
			t.Error("stopped while the image is checked: the medium was written to")
		}
		if at != Checking && to.starts() {
			t.Errorf("stopped while %s: the medium starts", at)
		}
	}
}

// TestBadMedia: the first byte that came back otherwise is named.
func TestBadMedia(t *testing.T) {
	r := newRig(t)
	for name, v := range map[string]struct {
		make func(f *fake)
		want error
		off  int64 // of the first difference; 0: not looked at
	}{
		"a bit that flips": {func(f *fake) {
			f.onRead = func(off int64, b []byte) {
				if at := r.at(layout.RootA) + 12345; off <= at && at < off+int64(len(b)) {
					b[at-off] ^= 4
				}
			}
		}, ErrBadMedium, r.at(layout.RootA) + 12345},
		"a block that does not take": {func(f *fake) {
			f.onWrite = func(_ int, off int64, b []byte) error {
				if at := int64(5 << 20); off <= at && at < off+int64(len(b)) {
					b[at-off] ^= 0xff
				}
				return nil
			}
		}, ErrBadMedium, 5 << 20},
		"the table does not take": {func(f *fake) {
			f.onRead = func(off int64, b []byte) {
				if off == 0 && b[510] == 0x55 {
					b[510] = 0
				}
			}
		}, ErrBadMedium, 510},
		"a write error": {func(f *fake) {
			f.onWrite = func(n int, _ int64, _ []byte) error {
				if n == 140 {
					return io.ErrUnexpectedEOF
				}
				return nil
			}
		}, ErrBadMedium, 0},
		"counterfeit, loses":     {func(f *fake) { f.b = f.b[:len(r.bytes)+8<<20] }, ErrCapacity, 0},
		"counterfeit, wraps":     {func(f *fake) { f.b, f.wraps = f.b[:len(r.bytes)+8<<20], true }, ErrCapacity, 0},
		"shorter than the image": {func(f *fake) { f.b = f.b[:10<<20] }, ErrBadMedium, 0},
		"too small":              {func(f *fake) { f.size = int64(len(r.bytes)) - chunkUnit }, ErrTooSmall, 0},
	} {
		t.Run(name, func(t *testing.T) {
			to := newFake(int64(len(r.bytes)) + 40<<20)
			v.make(to)
			before := bytes.Clone(to.b)
			err := (&Job{Image: r.image(t), To: to}).Run(t.Context())
			if !errors.Is(err, v.want) {
				t.Fatalf("Run = %v, want %v", err, v.want)
			}
			if errors.Is(v.want, ErrTooSmall) != bytes.Equal(to.b, before) {
				t.Error("a medium that is refused was written to, or a bad one was not")
			}
			if !errors.Is(v.want, ErrTooSmall) && to.starts() {
				t.Error("a bad medium starts")
			}
			if d, ok := errors.AsType[*Difference](err); v.off != 0 && (!ok || d.Offset != v.off || d.Got == d.Want) {
				t.Errorf("Run = %v, want the first difference at byte %d", err, v.off)
			}
		})
	}
}

// TestBadImages: nothing is written of an image that is not what its manifest says.
func TestBadImages(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, r *rig){
		"one bit":   func(t *testing.T, r *rig) { b := bytes.Clone(r.bytes); b[r.at(layout.RootB)+7] ^= 1; r.pack(t, b) },
		"too short": func(t *testing.T, r *rig) { r.pack(t, r.bytes[:len(r.bytes)-chunkUnit]) },
		"too long":  func(t *testing.T, r *rig) { r.pack(t, append(bytes.Clone(r.bytes), 0)) },
		"torn": func(t *testing.T, r *rig) {
			if err := os.Truncate(r.path, 100<<10); err != nil {
				t.Fatal(err)
			}
		},
		"no zstd": func(t *testing.T, r *rig) { r.write(t, r.path, r.bytes[4<<20:5<<20]) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			spoil(t, r)
			to := newFake(int64(len(r.bytes)))
			before := bytes.Clone(to.b)
			if err := (&Job{Image: r.image(t), To: to}).Run(t.Context()); !errors.Is(err, ErrCorrupt) {
				t.Errorf("Run = %v, want ErrCorrupt", err)
			}
			if !bytes.Equal(to.b, before) {
				t.Error("the medium was written to")
			}
		})
	}
}

// TestWhoseImage: without a manifest there is no image, and a stranger's is told.
func TestWhoseImage(t *testing.T) {
	r, other := newRig(t), newRig(t)
	if i, err := Open(r.path, other.roots); err != nil || !errors.Is(i.Unsigned, manifest.ErrSignature) {
		t.Errorf("Open of a stranger's image = %v, %v, want it unsigned", i, err)
	}
	if i, err := Open(r.path, nil); err != nil || !errors.Is(i.Unsigned, manifest.ErrSignature) {
		t.Errorf("Open with no roots = %v, %v, want it unsigned", i, err)
	}
	if err := os.Remove(manifest.Name(r.path)); err != nil {
		t.Fatal(err)
	}
	if i, err := Open(r.path, r.roots); !errors.Is(err, ErrManifest) {
		t.Errorf("Open without a manifest = %v, %v, want ErrManifest", i, err)
	}
}

// TestFATIsForeign: what is no FAT, or a damaged one, is an error and no panic.
func TestFATIsForeign(t *testing.T) {
	for name, b := range map[string][]byte{"nothing": {}, "zeros": make([]byte, 1<<20), "text": bytes.Repeat([]byte("FAT16   "), 1<<17)} {
		if _, err := put(b, map[string][]byte{"a": {1}}); !errors.Is(err, ErrNoSetup) {
			t.Errorf("%s: put = %v, want ErrNoSetup", name, err)
		}
	}
}

// TestFATThatGoesRound: the clusters of a file, or of nothing, lead back to the first.
func TestFATThatGoesRound(t *testing.T) {
	b, err := put(emptyFAT(t, 5*mib), map[string][]byte{enrol.SetupFile: make([]byte, 40<<10)})
	if err != nil {
		t.Fatal(err)
	}
	reserved := int(binary.LittleEndian.Uint16(b[14:])) * 512
	for c := range 2000 { // every cluster is followed by cluster 2
		binary.LittleEndian.PutUint16(b[reserved+4+2*c:], 2)
	}
	if _, err := get(b, 1<<20, enrol.SetupFile); !errors.Is(err, ErrNoSetup) || !strings.Contains(err.Error(), "goes round") {
		t.Errorf("get = %v, want ErrNoSetup: it goes round", err)
	}
}

func FuzzFAT(f *testing.F) {
	with, err := put(smallFAT(f), map[string][]byte{enrol.SetupFile: []byte("{}")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(with)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<20 {
			return
		}
		files, err := get(b, 1<<10, enrol.SetupFile)
		if err == nil && len(files[enrol.SetupFile]) > 1<<10+1 {
			t.Errorf("get = %d bytes, want at most 1025", len(files[enrol.SetupFile]))
		}
	})
}
