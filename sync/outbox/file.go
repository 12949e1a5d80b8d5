package outbox

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"
)

// The files of an outbox's folder (outbox.md, section 2).
const (
	fileName = "outbox.db"
	tempName = "outbox.db.new"
	lockName = "outbox.lock"
	asideExt = ".aside-" // outbox.db.aside-<time>: what was set aside
)

// growStep is how much of the file is written with zeros ahead of its use: a
// commit then overwrites blocks that exist, and the medium flushes once
// instead of once more for the file system's own journal.
const growStep = 256 << 10

func bboltOptions(o Options) *bolt.Options {
	return &bolt.Options{
		Timeout:         time.Second,
		NoFreelistSync:  true,
		FreelistType:    bolt.FreelistMapType,
		MaxSize:         int(o.MaxSize),
		InitialMmapSize: int(min(o.MaxSize, 64<<20)),
		OpenFile:        openExisting,
	}
}

// openExisting keeps bbolt from creating and initialising a file in place: a
// power cut inside its first write would leave one that never opens again.
func openExisting(name string, flag int, perm os.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag&^os.O_CREATE, perm)
}

func openBolt(path string, o Options) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, bboltOptions(o))
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("outbox: open %s: %w", path, ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("outbox: open %s: %w: %w", path, err, ErrDamaged)
	}
	db.AllocSize = 64 << 10
	return db, nil
}

// create builds a new file beside path and puts it there whole: written by
// fill, flushed, renamed, and the folder flushed.
func create(path string, o Options, fill func(*bolt.Tx, Epoch) error) (err error) {
	temp := filepath.Join(filepath.Dir(path), tempName)
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("outbox: remove an unfinished file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(os.Remove(temp)))
		}
	}()
	opts := bboltOptions(o)
	opts.OpenFile = func(name string, flag int, perm os.FileMode) (*os.File, error) {
		return os.OpenFile(name, flag|os.O_CREATE|os.O_EXCL, perm)
	}
	db, err := bolt.Open(temp, 0o600, opts)
	if err != nil {
		return fmt.Errorf("outbox: create %s: %w", temp, err)
	}
	db.AllocSize = 64 << 10
	err = db.Update(func(b *bolt.Tx) error {
		for _, name := range buckets {
			if _, err := b.CreateBucketIfNotExists(name); err != nil {
				return fmt.Errorf("outbox: create bucket %s: %w", name, err)
			}
		}
		return nil
	})
	if err == nil {
		var e Epoch
		_, _ = rand.Read(e[:]) // never fails
		err = db.Update(func(b *bolt.Tx) error { return fill(b, e) })
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("outbox: create %s: %w", temp, err)
	}
	return install(temp, path)
}

// install flushes temp, renames it to path and flushes the folder.
func install(temp, path string) error {
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("outbox: flush %s: %w", temp, err)
	}
	st, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(make([]byte, growStep), st.Size())
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("outbox: flush %s: %w", temp, err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("outbox: put the new file in its place: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("outbox: flush folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("outbox: flush folder %s: %w", dir, err)
	}
	return nil
}

// lockDir makes sure that one process at a time has the folder, also while
// the file in it is being checked or replaced.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("outbox: lock %s: %w", dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(fmt.Errorf("outbox: lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// usedMark is what the lock file says once an outbox was open in its folder. A
// file that is gone where one was is then not taken for a first start.
const usedMark = "an outbox was here\n"

func (o *Outbox) used() (bool, error) {
	st, err := o.lock.Stat()
	if err != nil {
		return false, fmt.Errorf("outbox: look whether there was one: %w", err)
	}
	return st.Size() > 0, nil
}

func (o *Outbox) markUsed() error {
	if used, err := o.used(); used || err != nil {
		return err
	}
	if _, err := o.lock.WriteAt([]byte(usedMark), 0); err != nil {
		return fmt.Errorf("outbox: note that there is one: %w", err)
	}
	if err := o.lock.Sync(); err != nil {
		return fmt.Errorf("outbox: note that there is one: %w", err)
	}
	return syncDir(filepath.Dir(o.path))
}

// ahead writes zeros behind the end of the file, through a handle of its own.
type ahead struct {
	f    *os.File // nil: not any more
	size int64    // of the file, as far as known
	used int64    // where bbolt's last page ends
	due  bool     // a commit was made that zeros pay for (zerosPay)
}

func openAhead(path string) (ahead, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return ahead{}, fmt.Errorf("outbox: open %s a second time: %w", path, err)
	}
	st, err := f.Stat()
	if err != nil {
		return ahead{}, errors.Join(fmt.Errorf("outbox: size of %s: %w", path, err), f.Close())
	}
	return ahead{f: f, size: st.Size()}, nil
}

// keep writes the next zeros when the file is used up to nearly its end, and
// reports whether the file's size changed. Only the writer calls it, between
// two commits. It is best effort: where it fails, bbolt grows the file itself,
// or says why it cannot.
func (a *ahead) keep(most int64) bool {
	if a.f == nil || a.used+growStep/2 < a.size {
		return false
	}
	before := a.size
	st, err := a.f.Stat()
	if err != nil {
		return false
	}
	a.size = st.Size() // bbolt may have made it larger
	if a.used+growStep/2 >= a.size && a.size+growStep <= most {
		n, err := a.f.WriteAt(zeros, a.size)
		a.size += int64(n)
		if err != nil {
			_ = a.f.Close() // nothing was promised about these bytes
			a.f = nil
		}
	}
	return a.size != before
}

func (a *ahead) close() error {
	if a.f == nil {
		return nil
	}
	if err := a.f.Close(); err != nil {
		return fmt.Errorf("outbox: close: %w", err)
	}
	return nil
}

var zeros = make([]byte, growStep)

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
