package outbox

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// faulty is a medium of which a test says what goes wrong.
type faulty struct {
	folder
	mu    sync.Mutex
	fault error         // of every write
	flush error         // of every flush of a file
	hang  chan struct{} // flushes wait for it
	syncs int
}

func (f *faulty) set(fn func()) { f.mu.Lock(); defer f.mu.Unlock(); fn() }

func (f *faulty) open(name string) (mediumFile, error) {
	g, err := f.folder.open(name)
	return &faultyFile{g, f}, err
}

func (f *faulty) create(name string) (mediumFile, error) {
	f.mu.Lock()
	fault := f.fault
	f.mu.Unlock()
	if fault != nil {
		return nil, fault
	}
	g, err := f.folder.create(name)
	return &faultyFile{g, f}, err
}

type faultyFile struct {
	mediumFile
	f *faulty
}

func (g *faultyFile) WriteAt(b []byte, off int64) (int, error) {
	g.f.mu.Lock()
	fault := g.f.fault
	g.f.mu.Unlock()
	if fault != nil {
		n, _ := g.mediumFile.WriteAt(b[:len(b)/2], off)
		return n, fault
	}
	return g.mediumFile.WriteAt(b, off)
}

func (g *faultyFile) Sync() error {
	g.f.mu.Lock()
	hang, flush := g.f.hang, g.f.flush
	g.f.syncs++
	g.f.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if flush != nil {
		return flush
	}
	return g.mediumFile.Sync()
}

func mediumDraft(n byte) Draft {
	return Draft{Doc: Doc{n}, Service: "job-seeker", Lang: "tk", Sealed: []byte{n, 1, 2, 3}, Claimed: time.Now(), Owner: Owner{1}}
}

// inMirror counts the requests that the mirror holds.
func inMirror(t *testing.T, dir string) int {
	t.Helper()
	s := readMirror(folder(dir), "K-000001")
	if s == nil {
		return -1
	}
	n := 0
	for k := range s.found {
		if k.kind == kindSealed {
			n++
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	return n
}

// TestMirrorThatFails: whatever the second medium does, requests are accepted, at
// once or after the time that was allowed; it is said; and when the medium is well
// again it is caught up.
func TestMirrorThatFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		begin func(*faulty)
		want  MirrorState
		waits int // accepts that wait for it
	}{
		{"full", func(f *faulty) { f.fault = syscall.ENOSPC }, MirrorFull, 0},
		{"read-only", func(f *faulty) { f.fault = syscall.EROFS }, MirrorGone, 0},
		{"broken", func(f *faulty) { f.fault = syscall.EIO }, MirrorGone, 0},
		{"its flush fails", func(f *faulty) { f.flush = syscall.EIO }, MirrorGone, 0},
		{"hangs", func(f *faulty) { f.hang = make(chan struct{}) }, MirrorStale, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, mirror := t.TempDir(), t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				f := &faulty{folder: folder(mirror)}
				o, err := Open(t.Context(), dir, Options{Kiosk: "K-000001", Mirror: mirror, MirrorWait: 200 * time.Millisecond, medium: f})
				if err != nil {
					t.Fatal(err)
				}
				accept := func(n byte) time.Duration {
					t0 := time.Now()
					if _, err := o.Accept(t.Context(), mediumDraft(n)); err != nil {
						t.Fatalf("Accept = %v", err)
					}
					return time.Since(t0)
				}
				if err := o.Mirrored(t.Context()); err != nil {
					t.Fatal(err)
				}
				if d := accept(1); d != 0 || inMirror(t, mirror) != 1 {
					t.Errorf("with a good mirror Accept took %v, %d requests are there", d, inMirror(t, mirror))
				}
				f.set(func() { c.begin(f) })
				if d := accept(2); d > 200*time.Millisecond {
					t.Errorf("Accept took %v", d)
				}
				synctest.Wait()
				if s := o.Mirror(); s.State != c.want {
					t.Errorf("Mirror = %s (%v), want %s", s.State, s.Err, c.want)
				}
				if d := accept(3); d != 0 {
					t.Errorf("with a mirror that is %s Accept took %v", c.want, d)
				}
				f.set(func() {
					f.fault, f.flush = nil, nil
					if f.hang != nil {
						close(f.hang)
						f.hang = nil
					}
				})
				if err := o.Mirrored(t.Context()); err != nil {
					t.Errorf("Mirrored = %v", err)
				}
				if n := inMirror(t, mirror); n != 3 {
					t.Errorf("%d requests are on the mirror, want 3", n)
				}
				if d := accept(4); d != 0 || inMirror(t, mirror) != 4 {
					t.Errorf("well again, Accept took %v, %d requests are there", d, inMirror(t, mirror))
				}
				if err := o.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestMirrorThatHangsAtTheEnd: Close does not wait for ever.
func TestMirrorThatHangsAtTheEnd(t *testing.T) {
	dir, mirror := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{folder: folder(mirror)}
		o, err := Open(t.Context(), dir, Options{Kiosk: "K-000001", medium: f, Mirror: mirror})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Mirrored(t.Context()); err != nil {
			t.Fatal(err)
		}
		hang := make(chan struct{})
		f.set(func() { f.hang = hang })
		if _, err := o.Accept(t.Context(), mediumDraft(1)); err != nil {
			t.Fatal(err)
		}
		t0 := time.Now()
		if err := o.Close(); err != nil {
			t.Error(err)
		}
		if d := time.Since(t0); d > 2*mirrorEnd {
			t.Errorf("Close took %v", d)
		}
		close(hang)
	})
}

// TestMirrorAfterMuch: more is committed than is kept in memory for a slow mirror;
// it gets the rest from the file.
func TestMirrorAfterMuch(t *testing.T) {
	dir, mirror := t.TempDir(), t.TempDir()
	f := &faulty{folder: folder(mirror)}
	o, err := Open(t.Context(), dir, Options{Kiosk: "K-000001", Mirror: mirror, MirrorWait: -1, medium: f})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Mirrored(t.Context()); err != nil {
		t.Fatal(err)
	}
	hang := make(chan struct{})
	f.set(func() { f.hang = hang })
	for i := range 150 {
		d := mediumDraft(byte(i + 1))
		d.Sealed = append(d.Sealed, make([]byte, 60<<10)...)
		if _, err := o.Accept(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	f.set(func() { f.hang = nil })
	close(hang)
	if err := o.Mirrored(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := inMirror(t, mirror); n != 150 {
		t.Errorf("%d requests are on the mirror, want 150", n)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}

// TestMirrorWithoutAMedium is found when it comes.
func TestMirrorWithoutAMedium(t *testing.T) {
	dir := t.TempDir()
	mirror := t.TempDir() + "/stick"
	synctest.Test(t, func(t *testing.T) {
		o, err := Open(t.Context(), dir, Options{Kiosk: "K-000001", Mirror: mirror})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := o.Mirror(); s.State != MirrorGone || !errors.Is(s.Err, os.ErrNotExist) {
			t.Errorf("Mirror = %+v", s)
		}
		t0 := time.Now()
		if _, err := o.Accept(t.Context(), mediumDraft(1)); err != nil || time.Since(t0) != 0 {
			t.Errorf("Accept = %v after %v", err, time.Since(t0))
		}
		if err := os.Mkdir(mirror, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := o.Mirrored(t.Context()); err != nil || time.Since(t0) > mirrorRetry {
			t.Errorf("Mirrored = %v after %v", err, time.Since(t0))
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
}
